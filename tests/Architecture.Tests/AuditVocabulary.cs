using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using Platform.Audit.Contracts;
using Platform.Contracts.Catalogue;

namespace Platform.Architecture.Tests;

/// <summary>
/// services/audit/Service/Trail/vocabulary.json holds every action, kind of target and tool that an audit event can name, so that a search
/// for another one is refused. UPDATE_SNAPSHOTS=1 writes it again.
/// </summary>
public sealed partial class AuditVocabulary
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    [Fact]
    public void The_vocabulary_of_the_audit_log_is_as_committed() =>
        ContractSnapshots.Check(
            Path.Combine(Repository.Root, "services", "audit", "Service", "Trail", "vocabulary.json"),
            JsonSerializer.Serialize(
                new
                {
                    actions = Sorted(
                        Repository
                            .Catalogue.Tools.SelectMany(ActionsOf)
                            .Concat(Find(Action()))
                            .Append(AuditActions.Of("audit_stream_secret.read", AuditOutcomes.Refused))
                            .Append(AuditActions.Of(AuditActions.Call, AuditOutcomes.Refused))
                            .Append(AuditActions.Of(AuditActions.Call, AuditOutcomes.Failed))
                    ),
                    targetKinds = Sorted(Repository.Catalogue.Tools.SelectMany(tool => KindsOf(tool.Method)).Concat(Find(Kind()))),
                    tools = Sorted(Repository.Catalogue.Tools.SelectMany(tool => tool.Options.Aliases.Prepend(tool.Name))),
                },
                _indented
            ) + "\n"
        );

    [Fact]
    public void Every_deed_has_a_word_for_what_did_not_happen() =>
        Assert.All(Repository.Catalogue.Tools, tool => Assert.True(AuditActions.IsKnown(tool.Options.Audit), tool.Options.Audit));

    // What happened, and what can become of a call in which it did not happen.
    private static IEnumerable<string> ActionsOf(ToolDefinition tool) =>
        AuditOutcomes
            .All.Where(outcome => !tool.IsRead || outcome is AuditOutcomes.Read or AuditOutcomes.Refused or AuditOutcomes.Failed)
            .Select(outcome => AuditActions.Of(tool.Options.Audit, outcome));

    private static string[] Sorted(IEnumerable<string> words) => [.. words.Distinct().Order(StringComparer.Ordinal)];

    // As the edge names the targets of a call by its arguments.
    private static IEnumerable<string> KindsOf(MethodDescriptor method) =>
        method
            .InputType.Fields.InDeclarationOrder()
            .Where(field => field.FieldType == FieldType.String && !field.IsMap)
            .Select(field => (field.JsonName, Suffix: field.IsRepeated ? "Ids" : "Id"))
            .Where(field => field.JsonName.Length > field.Suffix.Length && field.JsonName.EndsWith(field.Suffix, StringComparison.Ordinal))
            .Select(field => field.JsonName[..^field.Suffix.Length]);

    private static IEnumerable<string> Find(Regex pattern) =>
        Repository
            .Files("*.cs", "services", "identity/Service", "mcp-edge", "ServiceDefaults")
            .SelectMany(file => pattern.Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"""([a-z]{2}[a-z_]*\.(?:read|begun|bound|undone|gap_detected|(?!required)[a-z_]+ed))""")]
    private static partial Regex Action();

    [GeneratedRegex(@"new Target\(\s*""([a-z_]+)""")]
    private static partial Regex Kind();
}
