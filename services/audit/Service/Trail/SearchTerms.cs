using System.Text.RegularExpressions;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

/// <summary>
/// What a search names. A search that finds nothing is only answered so if each term could have been in the log: a model reads an empty
/// list as "nobody did anything". What stands in the log under a word that is no longer used is found all the same.
/// </summary>
internal static partial class SearchTerms
{
    private const string Me = "me";

    // Their targets have ids that others gave out.
    private static readonly string[] _foreignKinds = ["client", "connected_app", "edge_instance", "session"];

    /// <summary>Whose events are wanted, as the log has it.</summary>
    public static string ActorOf(SearchAuditEventsRequest request, Call call) => request.Actor == Me ? call.ActorId : request.Actor;

    /// <exception cref="Grpc.Core.RpcException">NOT_FOUND, PRODUCTION_NOT_ALLOWED or PERMISSION_DENIED: not for the caller.</exception>
    public static Guid? EnvironmentOf(SearchAuditEventsRequest request, Reach reach)
    {
        if (request.EnvironmentId.Length == 0)
        {
            return null;
        }

        var environment = Ids.TryParse("env", request.EnvironmentId, out var id)
            ? id
            : throw Problem.Invalid("environmentId", "is not an environment id", "Send an id such as env_…, from whoami.");
        if (!reach.Knows(environment))
        {
            throw Problem.NotFound("environment", request.EnvironmentId);
        }

        reach.Require(Scopes.AuditRead, environment);
        return environment;
    }

    /// <summary>Passes when every term of a search that found nothing could have been in the log.</summary>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: it names the terms that could not, with near ones that could.</exception>
    public static void RequireKnown(SearchAuditEventsRequest request)
    {
        var violations = new List<Violation>();
        var words = Vocabulary.Instance;
        foreach (var pattern in request.Actions.Where(pattern => !words.Actions.Any(new ActionFilter([pattern]).Passes)))
        {
            Add("actions", $"'{pattern}' is not an action, nor the beginning of one", Near(pattern, words.Actions, "list_operations"));
        }

        if (request.Actor is not ("" or Me) && !Ids.TryParse("mbr", request.Actor, out _) && !Vocabulary.Services.Contains(request.Actor))
        {
            Add(
                "actor",
                $"'{request.Actor}' is neither the id of a member nor a service",
                $"Send mbr_… from list_members, which finds people by name and e-mail address; `me`; or one of {
                    string.Join(", ", Vocabulary.Services)}."
            );
        }

        if (request.TargetKind.Length > 0 && !words.TargetKinds.Contains(request.TargetKind))
        {
            Add("targetKind", $"'{request.TargetKind}' is not a kind of target", Near(request.TargetKind, words.TargetKinds, null));
        }

        if (request.TargetId.Length > 0 && !_foreignKinds.Contains(request.TargetKind) && !Id().IsMatch(request.TargetId))
        {
            var finder = Finder.Of(request.TargetKind.Replace('_', ' '));
            Add(
                "targetId",
                $"'{request.TargetId}' is not an id",
                finder is null
                    ? "Send an id such as org_…, not a name."
                    : $"Send an id such as {finder.Prefix}_… from {finder.Tool}, not a name."
            );
        }

        if (request.Tool.Length > 0 && !words.Tools.Contains(request.Tool))
        {
            Add("tool", $"'{request.Tool}' is not a tool", Near(request.Tool, words.Tools, "list_operations"));
        }

        if (request.Task.Length > 0 && !Ids.TryParse("tsk", request.Task, out _))
        {
            Add("task", $"'{request.Task}' is not the id of a task", "Send tsk_… from begin_task.");
        }

        if (request.CallId.Length > 0 && !Guid.TryParse(request.CallId, out _))
        {
            Add("callId", $"'{request.CallId}' is not the id of a call", "Send the callId of an answer.");
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }

        void Add(string field, string rule, string fix) =>
            violations.Add(
                new Violation
                {
                    Field = field,
                    Rule = rule,
                    Fix = fix,
                }
            );
    }

    private static string Near(string word, IReadOnlyList<string> words, string? list) =>
        Vocabulary.Near(word, words) is { Count: > 0 } near ? $"Did you mean {string.Join(" or ", near)}?"
        : list is null ? $"Use one of: {string.Join(", ", words)}."
        : $"Find names with {list}, or leave it out.";

    // A TypeID, a UUID.
    [GeneratedRegex("^([a-z]{1,20}_[0-9a-z]{26}|[0-9a-fA-F-]{36})$")]
    private static partial Regex Id();
}
