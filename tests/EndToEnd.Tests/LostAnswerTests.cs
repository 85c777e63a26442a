using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Platform.Demo;
using Platform.Testing;

namespace Platform.EndToEnd.Tests;

/// <summary>
/// Each tool that writes is called with and without an idempotency key, its service is killed after the commit and before the answer gets
/// to the edge, and what the caller is told is held against what happened.
/// </summary>
public sealed partial class LostAnswerTests(LostAnswerTests.Suite suite) : IClassFixture<LostAnswerTests.Suite>
{
    private static readonly string[] _services = ["audit", "data", "directory", "identity"];

    private sealed record Sent(string Tool, JsonObject Arguments, Task<JsonElement> Answer)
    {
        public bool IsKeyed => Arguments.ContainsKey("idempotencyKey");
    }

    [Fact]
    public async Task A_write_whose_service_died_after_the_commit_is_told_as_unknown_and_is_found_or_repeated_safely()
    {
        suite.RequireIssuer();
        var cancellation = TestContext.Current.CancellationToken;
        using var owner = new RawCalls(suite.Endpoints.Mcp, suite.Endpoints.Owner.Token);
        await owner.CallUntilAnsweredAsync("whoami", new { }, cancellation);
        var writes = new Writes(suite, owner, await owner.FindSandboxAsync());
        var tools = WritingTools();
        Assert.Equal(tools.Keys.Order(), writes.ByTool.Keys.Order());

        var prepared = new List<(string Tool, JsonObject Arguments)>();
        foreach (var tool in tools.Keys)
        {
            prepared.Add((tool, await PrepareAsync(tool, keyed: false)));
            prepared.Add((tool, await PrepareAsync(tool, keyed: true)));
        }

        suite.Withhold();
        var sent = prepared.ConvertAll(call => new Sent(call.Tool, call.Arguments, owner.CallAsync(call.Tool, call.Arguments)));
        await Eventually.True(
            () => suite.Done.Count() >= sent.Count,
            () => $"{sent.Count} calls to be carried out: {suite.Done.Count()} are. {string.Join('\n', suite.Refusals)}"
        );
        await suite.KillAllAsync(_services, cancellation);
        foreach (var call in sent)
        {
            await CheckAsync(call, await call.Answer);
        }

        async Task<JsonObject> PrepareAsync(string tool, bool keyed)
        {
            var arguments = JsonSerializer.SerializeToNode(await writes.ByTool[tool](), JsonSerializerOptions.Web)!.AsObject();
            if (keyed)
            {
                arguments["idempotencyKey"] = Guid.NewGuid().ToString("N");
            }

            if (tools[tool] == "Destructive")
            {
                arguments["confirmation"] = (await writes.MakeAsync(tool, arguments)).GetProperty("confirmation").GetString();
            }

            return arguments;
        }

        async Task CheckAsync(Sent call, JsonElement answer)
        {
            var text = answer.GetProperty("content")[0].GetProperty("text").GetString()!;
            Assert.True(text.StartsWith("OUTCOME_UNKNOWN: ", StringComparison.Ordinal), $"{call.Tool}: {text}");
            Assert.Contains("may have happened", text, StringComparison.Ordinal);
            var callId = CallId().Match(text).Groups[1].Value;
            Assert.True(callId.Length > 0, $"{call.Tool}: {text}");
            var happened = await Eventually.AsyncFound(() => FindAsync(callId), () => $"{call.Tool} {callId} in the log");
            Assert.All(happened, one => Assert.Equal((call.Tool, "committed"), one));
            if (call.IsKeyed)
            {
                var again = await owner.CallAsync(call.Tool, call.Arguments);
                Assert.True(again.TryGetProperty("structuredContent", out var content), $"{call.Tool} again: {again.GetRawText()}");
                Assert.Equal((call.Tool, callId), (call.Tool, content.GetProperty("repeatsCallId").GetString()));
                Assert.Equal(happened.Count, (await FindAsync(callId))!.Count);
            }
        }

        // The failure that the caller was told of is in the log under the same id.
        async Task<List<(string Tool, string Outcome)>?> FindAsync(string callId)
        {
            var found = (await writes.MakeAsync("search_audit_events", new { callId }))
                .GetProperty("events")
                .EnumerateArray()
                .Select(one => (one.GetProperty("tool").GetString()!, one.GetProperty("outcome").GetString()!))
                .Where(one => one.Item2 != "failed")
                .ToList();
            return found.Count > 0 ? found : null;
        }
    }

    /// <summary>The effect of each tool that writes, from what is published of it.</summary>
    private static Dictionary<string, string> WritingTools() =>
        Directory
            .EnumerateFiles(Path.Combine(Checkout.Root, "tests", "Architecture.Tests", "Snapshots"), "*.json")
            .Select(file => JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(file)))
            .Where(tool => tool.TryGetProperty("effect", out var effect) && effect.GetString() != "Read")
            .ToDictionary(tool => tool.GetProperty("name").GetString()!, tool => tool.GetProperty("effect").GetString()!);

    [GeneratedRegex("call's id is ([0-9a-f-]{36})")]
    private static partial Regex CallId();

    /// <summary>A suite whose edge reaches each service through a proxy.</summary>
    public sealed class Suite : RunningSuite
    {
        private readonly Dictionary<string, AnswerlessProxy> _proxies = [];

        /// <summary>The ids of calls that a service carried out and the edge has no answer to.</summary>
        internal IEnumerable<string> Done => Ends.Where(end => end.Refusal is null).Select(end => end.CallId).Distinct();

        internal IEnumerable<string> Refusals => Ends.Where(end => end.Refusal is not null).Select(end => $"{end.Tool}: {end.Refusal}");

        private IEnumerable<(string CallId, string Tool, string? Refusal)> Ends => _proxies.Values.SelectMany(proxy => proxy.Ends);

        public override async ValueTask InitializeAsync()
        {
            foreach (var service in _services)
            {
                _proxies[service] = await AnswerlessProxy.StartAsync();
            }

            await base.InitializeAsync();
        }

        internal void Withhold()
        {
            foreach (var proxy in _proxies.Values)
            {
                proxy.Withhold();
            }
        }

        /// <summary>Kills the services, breaks the connections of those who wait for them, and starts them again.</summary>
        internal async Task KillAllAsync(IReadOnlyCollection<string> services, CancellationToken cancellationToken)
        {
            await Task.WhenAll(services.Select(service => Processes.EndAsync(service, cancellationToken)));
            foreach (var proxy in _proxies.Values)
            {
                proxy.Break();
            }

            await Task.WhenAll(services.Select(service => Processes.StartAsync(service, cancellationToken)));
        }

        private protected override void Change(IDistributedApplicationTestingBuilder builder)
        {
            var edge = builder.CreateResourceBuilder(
                builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == "edge")
            );
            foreach (var (service, proxy) in _proxies)
            {
                var resource = builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == service);
                proxy.LeadTo(
                    new Uri($"http://127.0.0.1:{resource.GetEndpoints().Single(one => one.EndpointName == "grpc").EndpointAnnotation.Port}")
                );
                edge.WithEnvironment($"services__{service}__grpc__0", proxy.Address);
            }
        }

        private protected override void CleanUp()
        {
            foreach (var proxy in _proxies.Values)
            {
                proxy.DisposeAsync().AsTask().Wait();
            }

            base.CleanUp();
        }
    }
}
