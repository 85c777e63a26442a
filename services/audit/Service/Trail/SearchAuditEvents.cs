using System.Globalization;
using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Streams;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    public override Task<SearchAuditEventsResponse> SearchAuditEvents(SearchAuditEventsRequest request, ServerCallContext context)
    {
        var limit = request.HasLimit ? request.Limit : Page.DefaultLimit;
        var call = context.Call();
        var search = new AuditSearch(
            request,
            SearchTerms.ActorOf(request, call),
            SearchTerms.EnvironmentOf(request, call.Caller.Reach),
            limit
        );
        return work.ReadAsync(
            call,
            new SessionSettings(ForceCustomPlan: true),
            async reader =>
            {
                var answer = new SearchAuditEventsResponse();
                var page = Page.Of(answer.Events, limit);
                while (await reader.ReadAsync(context.CancellationToken))
                {
                    var found = RecordedEvent.Read(reader, whole: false);
                    if (!page.TryAdd(found, () => AuditSearch.CursorBehind(found.Sequence)))
                    {
                        break;
                    }
                }

                answer.Page = page.Info;

                if (answer.Events.Count == 0 && request.Cursor.Length == 0)
                {
                    SearchTerms.RequireKnown(request);
                }

                return answer;
            },
            context.CancellationToken,
            search.ToStatement()
        );
    }
}

/// <summary>The filters of a search as SQL. Only operators that row-level security lets reach an index: equality and order.</summary>
file sealed class AuditSearch
{
    private readonly List<string> _conditions = [];
    private readonly List<object?> _arguments = [];
    private readonly bool _oldestFirst;
    private readonly int _limit;

    public AuditSearch(SearchAuditEventsRequest request, string actor, Guid? environment, int limit)
    {
        _limit = limit;
        _oldestFirst = request.Order == AuditOrder.OldestFirst;
        Actions(request.Actions);
        Equal("e.actor", actor);
        Equal("e.tool", request.Tool);
        Equal("e.task", request.Task);
        Equal("e.call_id", request.CallId);
        if (request.Outcomes.Count > 0)
        {
            _conditions.Add($"e.outcome = any({Argument(request.Outcomes.ToArray())})");
        }

        if (environment is { } place)
        {
            _conditions.Add($"e.environment_id = {Argument(place)}");
        }

        if (request.OccurredFrom is { } from)
        {
            _conditions.Add($"e.occurred_at >= {Argument(from.ToDateTime())}");
        }

        if (request.OccurredBefore is { } before)
        {
            _conditions.Add($"e.occurred_at < {Argument(before.ToDateTime())}");
        }

        Target(request.TargetKind, request.TargetId);
        if (request.Cursor.Length > 0)
        {
            _conditions.Add($"e.sequence {(_oldestFirst ? ">" : "<")} {Argument(Position(request.Cursor))}");
        }
    }

    public static string CursorBehind(long sequence) => sequence.ToString(CultureInfo.InvariantCulture);

    // One row more than asked for tells whether there is more.
    public Statement ToStatement()
    {
        var where = _conditions.Count == 0 ? "" : $" where {string.Join(" and ", _conditions)}";
        var order = $"order by e.sequence {(_oldestFirst ? "asc" : "desc")} limit {Argument(_limit + 1)}";
        return new Statement($"select {RecordedEvent.Columns} from audit.event e{where} {order}", _arguments);
    }

    private static long Position(string cursor) =>
        long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? position
            : throw Problem.Invalid("cursor", "is not a cursor of this search", "Send page.nextCursor of the page before.");

    private void Actions(IReadOnlyCollection<string> patterns)
    {
        var filter = ActionFilter.Parse(patterns, "actions");
        var either = filter
            .Prefixes.Select(prefix => $"(e.action >= {Argument(prefix)} and e.action < {Argument(Behind(prefix))})")
            .ToList();
        if (filter.Exact.Count > 0)
        {
            either.Add($"e.action = any({Argument(filter.Exact.ToArray())})");
        }

        if (either.Count > 0)
        {
            _conditions.Add($"({string.Join(" or ", either)})");
        }
    }

    // The first text by code point that no longer begins so; the characters of an action are ASCII.
    private static string Behind(string prefix) => prefix[..^1] + (char)(prefix[^1] + 1);

    private void Target(string kind, string id)
    {
        List<string> match = ["t.workspace_id = e.workspace_id", "t.sequence = e.sequence"];
        if (kind.Length > 0)
        {
            match.Add($"t.kind = {Argument(kind)}");
        }

        if (id.Length > 0)
        {
            match.Add($"t.id = {Argument(id)}");
        }

        if (match.Count > 2)
        {
            _conditions.Add($"exists (select from audit.event_target t where {string.Join(" and ", match)})");
        }
    }

    private void Equal(string column, string value)
    {
        if (value.Length > 0)
        {
            _conditions.Add($"{column} = {Argument(value)}");
        }
    }

    private string Argument(object value)
    {
        _arguments.Add(value);
        return $"${_arguments.Count}";
    }
}
