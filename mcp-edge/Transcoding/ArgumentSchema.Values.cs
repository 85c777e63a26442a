using System.Globalization;
using System.Text.Json;

namespace Platform.Edge.Transcoding;

// The rules of texts and numbers.
internal sealed partial class ArgumentSchema
{
    private void CheckString(JsonElement value, string path, Violations violations)
    {
        if (value.TextOrNull() is { } text)
        {
            CheckText(text, path, violations);
        }
        else
        {
            violations.Add(path, "is not valid Unicode", "Remove the unpaired surrogate.");
        }
    }

    private void CheckText(string text, string path, Violations violations)
    {
        if (_minLength > 0 || _maxLength < text.Length)
        {
            var length = text.EnumerateRunes().Count();
            if (length < _minLength)
            {
                violations.Add(path, $"is shorter than {_minLength} characters", $"Send at least {_minLength} characters.");
            }
            else if (length > _maxLength)
            {
                violations.Add(path, $"is longer than {_maxLength} characters", $"Send at most {_maxLength} characters.");
            }
        }
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            violations.Add(path, "holds a NUL character", "Remove it.");
        }

        if (_pattern is not null && !_pattern.IsMatch(text))
        {
            violations.Add(path, $"does not match {_pattern}", "Send a value of that form.");
        }

        if (_allowed is not null && Array.IndexOf(_allowed, text) < 0)
        {
            violations.Add(path, "is not one of the allowed values", $"Use one of: {string.Join(", ", _allowed)}.");
        }

        if (_format is not null && !HasFormat(text))
        {
            violations.Add(
                path,
                $"is not a valid {_format}",
                _format == "date-time" ? "Send RFC 3339, such as 2026-11-20T15:04:05Z." : $"Send a {_format}."
            );
        }
    }

    private bool HasFormat(string text) =>
        _format switch
        {
            "date-time" => Rfc3339.TryParse(text, out _),
            "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
            "email" => text.IndexOf('@', StringComparison.Ordinal) is > 0 and var at
                && at == text.LastIndexOf('@')
                && at < text.Length - 1
                && !text.AsSpan().ContainsAny(" \t\r\n"),
            "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
            _ => true,
        };

    private void CheckNumber(JsonElement value, string path, Violations violations)
    {
        if (_minimum is null && _maximum is null)
        {
            return;
        }

        var number = value.GetDouble();
        if (number < _minimum || number > _maximum)
        {
            var range = (_minimum, _maximum) switch
            {
                ({ } low, { } high) => string.Create(CultureInfo.InvariantCulture, $"between {low} and {high}"),
                ({ } low, null) => string.Create(CultureInfo.InvariantCulture, $"at least {low}"),
                (_, var high) => string.Create(CultureInfo.InvariantCulture, $"at most {high}"),
            };
            violations.Add(path, $"is not {range}", $"Send a number {range}.");
        }
    }

    private static bool IsInteger(JsonElement value) =>
        value.TryGetInt64(out _)
        || value.TryGetUInt64(out _)
        || (value.TryGetDouble(out var number) && double.IsInteger(number) && Math.Abs(number) < 9e15);
}
