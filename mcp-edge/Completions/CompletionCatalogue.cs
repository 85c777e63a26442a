using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Platform.Contracts.Catalogue;
using Platform.Edge.Catalogue;
using Platform.Edge.Lookups;
using Platform.Edge.Prompts;
using Platform.Edge.Resources;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Completions;

/// <summary>
/// Proposes values while somebody types: what the edge knows of the caller by how it begins, what services keep by a part of its name.
/// A look into a service is a call of the tool that lists: the same rules, the same record in the audit log.
/// </summary>
internal sealed class CompletionCatalogue(ToolSurface surface, ResourceCatalogue resources, PromptCatalogue prompts, Lookup lookup)
{
    /// <summary>What the protocol allows in one answer.</summary>
    private const int MaxValues = 100;

    // As long as names are, and what the tools take.
    private const int MaxTyped = 100;

    /// <exception cref="McpProtocolException">There is no such template, prompt, variable or argument for this caller.</exception>
    public async ValueTask<CompleteResult> CompleteAsync(CompleteRequestParams asked, Asker asker, CancellationToken cancellationToken)
    {
        var what = asked.Ref switch
        {
            ResourceTemplateReference template => resources.Completes(template.Uri ?? "", asked.Argument.Name, asker),
            PromptReference prompt => prompts.Completes(prompt.Name, asked.Argument.Name, asker),
            _ => throw new McpProtocolException("ref: must be of type ref/resource or ref/prompt.", McpErrorCode.InvalidParams),
        };
        var typed = asked.Argument.Value;
        return typed.Length > MaxTyped
            ? Of([])
            : what switch
            {
                Completable.Tool => Of(surface.Usable(asker.Caller, asker.Narrowing).Select(tool => tool.Name).Where(Begins)),
                Completable.Environment => Of(
                    asker.Environments.Select(environment => environment.Name).Where(Begins).Order(StringComparer.OrdinalIgnoreCase)
                ),
                Completable.TableId => await FindAsync("list_tables", "tables", "id"),
                Completable.TableName => await FindAsync("list_tables", "tables", "name"),
                Completable.OrganizationName => await FindAsync("list_organizations", "organizations", "name"),
                _ => Of([]),
            };

        bool Begins(string value) => value.StartsWith(typed, StringComparison.OrdinalIgnoreCase);

        async ValueTask<CompleteResult> FindAsync(string tool, string member, string property)
        {
            if (await EnvironmentAsync(asked, asker, cancellationToken) is not { } environment)
            {
                return Of([]);
            }

            var found = await lookup.ReadAsync(
                asker,
                tool,
                environment,
                new(MaxValues, Search: typed.Length > 0 ? typed : null),
                cancellationToken
            );
            if (found.IsLimited)
            {
                throw Lookup.Limited();
            }

            var values = found
                .Entries(member)
                .Select(entry => entry.GetProperty(property).GetString()!)
                .Distinct(StringComparer.Ordinal)
                .ToList();
            // The tool does not count what is behind its page, and a total must be right.
            return Of(values, found.NextCursor is not null);
        }
    }

    /// <summary>The environment that was chosen before in the same template or prompt, or the one where calls go that name none.</summary>
    private async ValueTask<ReachableEnvironment?> EnvironmentAsync(
        CompleteRequestParams asked,
        Asker asker,
        CancellationToken cancellationToken
    ) =>
        asked.Context?.Arguments is { } chosen && chosen.TryGetValue(SharedArguments.Environment, out var name) && name.Length > 0
            ? await lookup.FindEnvironmentAsync(asker, name, cancellationToken)
            : asker.Environments.FirstOrDefault(asker.IsHere);

    private static CompleteResult Of(IEnumerable<string> all)
    {
        var values = all.ToList();
        return new()
        {
            Completion = new()
            {
                Values = [.. values.Take(MaxValues)],
                Total = values.Count,
                HasMore = values.Count > MaxValues,
            },
        };
    }

    private static CompleteResult Of(List<string> page, bool hasMore) =>
        new()
        {
            Completion = new()
            {
                Values = page,
                Total = hasMore ? null : page.Count,
                HasMore = hasMore,
            },
        };
}
