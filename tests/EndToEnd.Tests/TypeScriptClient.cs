using System.Diagnostics;
using System.Text.Json;
using Platform.Demo;
using Platform.Demo.Steps;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

/// <summary>
/// client.mjs in Node.js, driven by a line of JSON each way. When it wants to send a browser somewhere, the test's browser goes there.
/// </summary>
internal sealed class TypeScriptClient : IDisposable
{
    private static readonly string _sources = Path.Combine(Checkout.Root, "tests", "EndToEnd.Tests", "TypeScript");
    private static readonly string _folder = Path.Combine(Checkout.Artifacts, "typescript-clients");

    private readonly Process _process;
    private readonly CancellationToken _cancellationToken;
    private readonly SignInBrowser _browser = new();

    private TypeScriptClient(Process process, CancellationToken cancellationToken)
    {
        _process = process;
        _cancellationToken = cancellationToken;
    }

    public static Task InstallAsync(CancellationToken cancellationToken) => NpmPackages.InstallAsync(_sources, _folder, cancellationToken);

    /// <param name="line">1 or 2, the major version.</param>
    /// <param name="clientId">Null to register.</param>
    public static Task<TypeScriptClient> StartAsync(int line, Uri mcp, string? clientId, CancellationToken cancellationToken)
    {
        var process = Process.Start(
            new ProcessStartInfo("node", ["client.mjs", $"{line}", $"{mcp}", $"{SignIn.Redirect}", clientId ?? ""])
            {
                WorkingDirectory = _folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        return Task.FromResult(new TypeScriptClient(process, cancellationToken));
    }

    /// <summary>Tells the client to do something, and returns its answer.</summary>
    public async Task<JsonElement> AskAsync(string command, object arguments)
    {
        var answer = await ExchangeAsync(new { command, arguments });
        Assert.True(answer.TryGetProperty("answer", out var result), answer.GetRawText());
        return result;
    }

    /// <summary>As <see cref="AskAsync"/>, for what makes the client send its person to the sign-in page first.</summary>
    public async Task<JsonElement> SignInAsync(string command, DemoMember member, object? arguments = null)
    {
        var wish = await ExchangeAsync(new { command, arguments = arguments ?? new { } });
        var callback = await VisitAsync(wish, member, consent: true);
        Assert.True(callback.ContainsKey("code"), string.Join(' ', callback));
        var answer = await ExchangeAsync(new { command = "callback", arguments = callback });
        Assert.True(answer.TryGetProperty("answer", out var result), answer.GetRawText());
        return result;
    }

    /// <summary>Says no on the consent page, and returns what the client makes of it.</summary>
    public async Task<string?> RefuseAsync(DemoMember member)
    {
        var callback = await VisitAsync(await ExchangeAsync(new { command = "connect", arguments = new { } }), member, consent: false);
        var answer = await ExchangeAsync(new { command = "callback", arguments = callback });
        return answer.TryGetProperty("refused", out var refused)
            ? refused.GetString()
            : throw new InvalidOperationException(answer.GetRawText());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        _browser.Dispose();
    }

    private async Task<Dictionary<string, string>> VisitAsync(JsonElement wish, DemoMember member, bool consent)
    {
        Assert.True(wish.TryGetProperty("authorize", out var address), wish.GetRawText());
        // A client that has registered by itself gets the scopes that it did not name a moment later. People are slower than that.
        return await Eventually.AsyncFound(
            async () =>
            {
                var callback = await _browser.SignInAsync(
                    new Uri(address.GetString()!),
                    SignIn.Redirect.ToString(),
                    member.Username,
                    member.Password,
                    consent,
                    _cancellationToken
                );
                return callback.GetValueOrDefault("error") == "invalid_scope" ? null : callback;
            },
            () => "the scopes of a client that has just registered"
        );
    }

    private async Task<JsonElement> ExchangeAsync(object message)
    {
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(message).AsMemory(), _cancellationToken);
        await _process.StandardInput.FlushAsync(_cancellationToken);
        var line = await _process.StandardOutput.ReadLineAsync(_cancellationToken);
        return line is null
            ? throw new InvalidOperationException($"Node.js ended with {_process.ExitCode}.")
            : JsonSerializer.Deserialize<JsonElement>(line);
    }
}
