using CsCheck;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>What programs have stumbled over before.</summary>
internal static class Hostile
{
    /// <summary>Texts as they stand between the quotes of JSON: escapes and bytes that are no text are among them.</summary>
    public static readonly Gen<string> JsonText = Gen.Frequency(
        (
            12,
            Gen.OneOf(
                "",
                " ",
                @"\ud800",
                @"\udc00x",
                @"a\ud800\u0041",
                @"\u0000",
                @"a\u0000b",
                @"\u0001\u001b[31m",
                $"a{Attempt.BadByte}b",
                "\u202eevil\u202c",
                "e\u0301\u0323\u0300",
                "\ufeff",
                "\u200b",
                @"\u2028\u2029",
                "😀",
                @"\ud83d\ude00",
                "İıſKÅ",
                "'; drop table x; --",
                @"%' or 1=1 --",
                @"\\' union select null--",
                "{{7*7}}${7*7}",
                "../../etc/passwd",
                "-0",
                "NaN",
                "Infinity",
                "1e999",
                "99999999999999999999999999",
                "2026-02-30",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.9999999Z",
                "9999-12-31T23:59:59-14:00",
                "2026-11-30T24:00:00Z",
                "infinity",
                "-infinity",
                "null",
                "true",
                "me",
                "all",
                "a@b",
                "@",
                "http://",
                "http://[::1]:99999/",
                "https://user:pass@x/",
                "javascript:alert(1)",
                "*",
                "db_",
                "db_0198b0c0a1b27c3d8e4f5a6b7c8d9e0f",
                "rec_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
                "tbl_00000000000000000000000000000000",
                "00000000-0000-0000-0000-000000000000",
                "__proto__",
                "$ref",
                @"a\nb\r\nSet-Cookie: a=b",
                "\\\"",
                @"\\",
                @"\/"
            )
        ),
        (2, Gen.Int[0, 3].Select(i => new string("aé\u4e2d\u0301"[i], i == 0 ? 20_000 : 3_000))),
        (1, Gen.Int[1, 200].Select(n => string.Concat(Enumerable.Repeat("😀", n)))),
        (3, Gen.Char[' ', '~'].Array[0, 30].Select(Escaped)),
        (3, Gen.Char['\u0080', '\ud7ff'].Array[0, 12].Select(Escaped))
    );

    /// <summary>Any JSON value, and a little of what is none.</summary>
    public static readonly Gen<string> Json = Gen.Recursive<string>(
        (depth, self) =>
            depth > 3
                ? Gen.OneOf("null", "0", "\"\"")
                : Gen.Frequency(
                    (8, JsonText.Select(text => $"\"{text}\"")),
                    (
                        6,
                        Gen.OneOf(
                            "null",
                            "true",
                            "false",
                            "0",
                            "-0",
                            "-1",
                            "1.5",
                            "1e400",
                            "-1e400",
                            "1e-400",
                            "2147483648",
                            "9007199254740993",
                            "9223372036854775807",
                            "9223372036854775808",
                            "-9223372036854775809",
                            "18446744073709551616",
                            "1" + new string('0', 400),
                            "0." + new string('3', 400),
                            "[]",
                            "{}",
                            "[[]]",
                            "[null]",
                            "{\"\":null}",
                            "{\"a\":1,\"a\":2}",
                            "{\"\\u0061\":1,\"a\":2}",
                            "{\"\\ud800\":1}",
                            "{\"a\\ud800\":1,\"a\\udc00\":2}",
                            "{\"\\u0000\":\"\\u0000\"}"
                        )
                    ),
                    (1, Gen.Int[2, 90].Select(n => new string('[', n) + new string(']', n))),
                    (1, Gen.Int[2, 90].Select(n => string.Concat(Enumerable.Repeat("{\"a\":", n)) + "1" + new string('}', n))),
                    (1, Gen.Int[1, 3].Select(n => "[" + string.Join(',', Enumerable.Repeat("1", (int)Math.Pow(12, n))) + "]")),
                    (2, self.Array[0, 4].Select(items => $"[{string.Join(',', items)}]")),
                    (
                        2,
                        Gen.Select(JsonText, self)
                            .Array[0, 4]
                            .Select(members => $"{{{string.Join(',', members.Select(member => $"\"{member.Item1}\":{member.Item2}"))}}}")
                    ),
                    (1, Gen.OneOf("", "NaN", "undefined", "'a'", "{", "]", "01", "1.", "tru", "\"", "/**/1", "\ufeff1"))
                )
    );

    /// <summary>Texts in a URL or a form, escaped or not.</summary>
    public static readonly Gen<string> UrlText = Gen.Frequency(
        (
            8,
            Gen.OneOf(
                "",
                "%",
                "%00",
                "%zz",
                "%ff",
                "%c3%28",
                "%ed%a0%80",
                "%u0041",
                "%0d%0aX:%20y",
                "%2e%2e%2f",
                "..%5c",
                "%252f",
                "%e2%80%ae",
                "%f0%9f%98%80",
                "+",
                "a+b",
                "'",
                "%27%3b--",
                "%22",
                "%3cscript%3e",
                "[",
                "[]",
                "{}",
                "|",
                "^",
                "`",
                "%7f",
                "~",
                ";",
                ":",
                "@",
                "-1",
                "0",
                "1e9",
                "99999999999999999999",
                "null",
                "all",
                "me",
                "true"
            )
        ),
        (1, Gen.Int[100, 6_000].Select(n => new string('a', n))),
        (1, Gen.Int[100, 1_500].Select(n => string.Concat(Enumerable.Repeat("%e4", n)))),
        (3, Gen.Char['!', '~'].Array[0, 30].Select(text => Uri.EscapeDataString(new string(text)))),
        (3, Gen.Char['\u0000', '\ud7ff'].Array[0, 12].Select(text => Uri.EscapeDataString(new string(text))))
    );

    /// <summary>Values of headers; none ends the line.</summary>
    public static readonly Gen<string> Header = Gen.Frequency(
        (
            6,
            Gen.OneOf(
                "",
                " ",
                ",",
                ";",
                "=",
                "\"",
                "*",
                "*/*;q=2",
                "a/b/c",
                "application/json;charset=utf-16",
                "application/json;charset=\"nothing\"",
                "text/html;;;",
                "é",
                $"{Attempt.BadByte}",
                "\u202e",
                "😀",
                "=?base64?/w==?=",
                "=?base64?!!?=",
                "null",
                "0",
                "-1",
                "99999999999999999999",
                "Bearer",
                "Bearer ",
                "Bearer é",
                "Bearer a.b.c",
                "Bearer eyJhbGciOiJub25lIn0.e30.",
                "Bearer plat_",
                "Basic Og==",
                "Basic !!!",
                "Basic w6k6w6k=",
                "gzip",
                "br, deflate",
                "identity",
                "chunked",
                "100-continue",
                "2026-07-28",
                "2025-06-18",
                "1999-01-01",
                "same-origin",
                "https://evil.example",
                "http://[",
                "file://",
                "127.0.0.1, ::1",
                "for=\"[::1]\";proto=x"
            )
        ),
        (1, Gen.Int[100, 7_000].Select(n => new string('a', n))),
        (2, Gen.Char['!', '~'].Array[0, 40].Select(text => new string(text)))
    );

    public static string Escaped(char[] text) =>
        string.Concat(
            text.Select(c =>
                c is '"' or '\\' ? $"\\{c}"
                : c < ' ' ? $"\\u{(int)c:x4}"
                : $"{c}"
            )
        );
}
