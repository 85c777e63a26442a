using Platform.Contracts;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Organizations;

/// <summary>What holds for an organization whichever call writes it.</summary>
internal static class OrganizationRules
{
    public const int MaxDomains = 50;

    private const string FindVerifiedElsewhere = """
        select domain from directory.organization_domain where domain = any($1) and state = 'verified' and organization_id <> $2
        order by domain limit 1
        """;

    private const string InsertDomains = """
        insert into directory.organization_domain (organization_id, domain, created_at)
        select $1, domain, $3 from unnest($2::text[]) as domain
        """;

    public static string Name(string text)
    {
        var name = text.Trim();
        return name.Length == 0 ? throw Problem.Invalid("name", "is empty", "Send a name.")
            : name.Any(char.IsControl)
                ? throw Problem.Invalid("name", "holds a line break or another control character", "Send one line of text.")
            : name;
    }

    /// <summary>Null when there is none.</summary>
    public static string? ExternalId(string text) =>
        text.Length == 0 ? null
        : text.Any(character => character is < '!' or > '~')
            ? throw Problem.Invalid(
                "externalId",
                "holds a space or a character that is not printable ASCII",
                "Send printable ASCII without spaces."
            )
        : text;

    /// <summary>Normalised, each once, in order. All texts that are not domains are reported together.</summary>
    public static string[] Domains(IEnumerable<string> texts, string field)
    {
        var violations = new List<Violation>();
        var domains = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (index, text) in texts.Index())
        {
            if (DomainName.TryNormalize(text, out var domain, out var rule))
            {
                domains.Add(domain);
            }
            else
            {
                violations.Add(
                    new Violation
                    {
                        Field = $"{field}[{index}]",
                        Rule = rule,
                        Fix = DomainName.Fix,
                    }
                );
            }
        }

        return violations.Count > 0 ? throw Problem.Invalid(violations) : [.. domains];
    }

    /// <summary>Adds domains as pending, unless another organization has verified one of them.</summary>
    public static async Task AddDomainsAsync(WriteTransaction tx, Guid organization, string[] domains)
    {
        if (domains.Length == 0)
        {
            return;
        }

        if (await tx.ScalarAsync<string>(FindVerifiedElsewhere, domains, organization) is { } taken)
        {
            throw Problem.Conflict(
                Reasons.DomainTaken,
                $"Another organization of this environment has verified {taken}.",
                "List organizations by domain to find it."
            );
        }

        await tx.ExecuteAsync(InsertDomains, organization, domains, tx.Now);
    }
}
