using CsCheck;

namespace Platform.EndToEnd.Tests.Fuzz;

/// <summary>What a request shows about who sends it.</summary>
internal sealed record Shown(IReadOnlyList<(string Name, string Value)> Headers, bool Works);

/// <summary>Tokens that work, and what is none.</summary>
/// <param name="working">Looked up for each request: some are renewed during a run.</param>
internal sealed class Credentials(params Func<string>[] working)
{
    public Gen<Shown> Any { get; } =
        Gen.Frequency(
            (60, Gen.Int[0, working.Length - 1].Select(index => Bearer(working[index](), true))),
            (1, Gen.Const(new Shown([], false))),
            (1, Hostile.Header.Select(value => new Shown([("Authorization", value)], false))),
            (1, Hostile.Header.Select(value => Bearer(value, false)))
        );

    public static Shown Bearer(string token, bool works) => new([("Authorization", $"Bearer {token}")], works);
}

/// <summary>What requests of all kinds have in common.</summary>
internal static class Requests
{
    public static readonly Gen<Framing> AnyFraming = Gen.Frequency(
        (40, Gen.Const(Framing.Length)),
        (6, Gen.Const(Framing.Chunked)),
        (1, Gen.Const(Framing.CutLength)),
        (1, Gen.Const(Framing.CutChunk)),
        (1, Gen.Const(Framing.BadChunk))
    );

    private static readonly Gen<string> _names = Gen.OneOf(
        "Accept",
        "Accept-Language",
        "Content-Type",
        "Content-Encoding",
        "Cookie",
        "Origin",
        "Sec-Fetch-Site",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "MCP-Protocol-Version",
        "Mcp-Method",
        "Mcp-Name",
        "Mcp-Session-Id",
        "Mcp-Param-Environment",
        "Last-Event-ID",
        "Range",
        "If-None-Match",
        "If-Modified-Since",
        "traceparent",
        "tracestate",
        "baggage",
        "X-Anything"
    );

    /// <summary>The usual ones; now and then one is missing, twice there, changed or new.</summary>
    public static Gen<IReadOnlyList<(string Name, string Value)>> Headers(params (string Name, string Value)[] usual) =>
        Gen.Select(
            Gen.Frequency((24, Gen.Const(0)), (1, Gen.Int[1, 4])),
            Gen.Int[0, 100],
            _names,
            Hostile.Header,
            IReadOnlyList<(string, string)> (change, index, name, value) =>
            {
                var headers = usual.ToList();
                var at = headers.Count == 0 ? 0 : index % headers.Count;
                switch (change)
                {
                    case 1 when headers.Count > 0:
                        headers.RemoveAt(at);
                        break;
                    case 2 when headers.Count > 0:
                        headers.Add((headers[at].Name, value));
                        break;
                    case 3 when headers.Count > 0:
                        headers[at] = (headers[at].Name, value);
                        break;
                    case > 0:
                        headers.Add((name, value));
                        break;
                }

                return headers;
            }
        );
}
