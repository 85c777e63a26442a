using System.Globalization;
using System.Text;

namespace Platform.Directory.Contracts;

/// <summary>
/// Names that people wrote, in a sentence of ours that other people read. A name is one line and does not turn the text around it; it has
/// no hidden characters, covers nothing and is not too long.
/// </summary>
public static class ShownName
{
    private const int MaxLength = 80;

    // More of them on one letter are drawn over the lines around it. No language needs more.
    private const int MaxMarks = 4;
    private const int Joiner = 0x200D;
    private const int NonJoiner = 0x200C;

    // These are letters and symbols to Unicode, and are drawn as nothing.
    private static readonly int[] _blanks = [0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0];

    /// <summary>The name in one line, without characters that are not seen. Empty when nothing is left.</summary>
    public static string Clean(string text)
    {
        var (line, marks, isVisible, isSpace) = (new StringBuilder(text.Length), 0, false, true);
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            if (category is UnicodeCategory.Control || Rune.IsWhiteSpace(rune) || _blanks.Contains(rune.Value))
            {
                if (!isSpace)
                {
                    line.Append(' ');
                }

                isSpace = true;
                continue;
            }

            // Directions, spaces without width. The joiners shape letters of some scripts, and pictures.
            if (category is UnicodeCategory.Format && rune.Value is not (Joiner or NonJoiner))
            {
                continue;
            }

            var isMark = category is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark;
            marks = isMark ? marks + 1 : 0;
            if (marks > MaxMarks)
            {
                continue;
            }

            isVisible |= !isMark && category is not UnicodeCategory.Format;
            isSpace = false;
            line.Append(rune);
        }

        return isVisible ? line.ToString().Trim() : "";
    }

    /// <summary>The name as <see cref="Clean"/> leaves it, with at most 80 characters; what follows is an ellipsis then.</summary>
    /// <param name="otherwise">For a name of which nothing is seen.</param>
    public static string Of(string text, string otherwise)
    {
        var name = Clean(text);
        var cut = new StringInfo(name);
        return name.Length == 0 ? otherwise
            : cut.LengthInTextElements > MaxLength ? cut.SubstringByTextElements(0, MaxLength).TrimEnd() + "…"
            : name;
    }
}
