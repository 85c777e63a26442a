using System.Globalization;
using System.Numerics;

namespace Platform.Data.Service.Fields;

/// <summary>Decimal numbers as text, written as JSON writes numbers.</summary>
internal static class Decimals
{
    // Number.MAX_SAFE_INTEGER of JavaScript. Beyond it, neighbouring integers become one.
    private const double LastInteger = 9_007_199_254_740_991;

    // Every number of so many significant digits comes out of a double as it went in.
    private const int SafeDigits = 15;

    /// <summary>Whether a client that reads numbers as 64-bit floating point writes the same number.</summary>
    public static bool FitsDouble(string text)
    {
        if (text.Length <= SafeDigits && !text.AsSpan().ContainsAny('e', 'E'))
        {
            return true;
        }

        var number = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return Math.Abs(number) <= LastInteger && Normal(text) == Normal(number.ToString("R", CultureInfo.InvariantCulture));
    }

    /// <summary>Below, at or above zero where the first number is below, at or above the second.</summary>
    public static int Compare(string first, string second)
    {
        var ((digits, exponent), (otherDigits, otherExponent)) = (Normal(first), Normal(second));
        var least = Math.Min(exponent, otherExponent);
        return Scaled(first, digits, exponent).CompareTo(Scaled(second, otherDigits, otherExponent));

        BigInteger Scaled(string text, string of, long to) =>
            of.Length == 0
                ? BigInteger.Zero
                : BigInteger.Parse(of, CultureInfo.InvariantCulture) * BigInteger.Pow(10, (int)(to - least)) * (text[0] == '-' ? -1 : 1);
    }

    /// <summary>The significant digits, and the power of ten behind the last of them.</summary>
    private static (string Digits, long Exponent) Normal(string text)
    {
        var e = text.AsSpan().IndexOfAny('e', 'E');
        var exponent = e < 0 ? 0 : long.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = e < 0 ? text : text[..e];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        exponent -= point < 0 ? 0 : mantissa.Length - point - 1;
        var all = string.Concat(mantissa.Where(char.IsAsciiDigit)).TrimStart('0');
        var digits = all.TrimEnd('0');
        return (digits, digits.Length == 0 ? 0 : exponent + all.Length - digits.Length);
    }
}
