using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.Directory.Service.Values;

namespace Platform.Directory.Service.Invitations;

/// <summary>One row of a request, and what became of it.</summary>
internal sealed class AskedInvitation
{
    public Guid Organization { get; init; }

    public string Email { get; init; } = "";

    public string Role { get; init; } = "";

    public int Days { get; init; }

    /// <summary>False for a row that broke a rule before anything was looked up.</summary>
    public bool IsWellFormed { get; init; }

    public Guid Id { get; private set; }

    public InvitationResult Result { get; private set; } = new();

    public static AskedInvitation Broken(string email, string problem)
    {
        var row = new AskedInvitation { Email = email };
        row.Refuse(problem);
        return row;
    }

    public void Refuse(string problem) =>
        Result = new InvitationResult
        {
            Outcome = InvitationOutcome.Invalid,
            Email = Email,
            Problem = problem,
        };

    public void Conclude(InvitationOutcome outcome, Guid id = default)
    {
        Id = id;
        Result = new InvitationResult
        {
            Outcome = outcome,
            Email = Email,
            InvitationId = id == default ? "" : Ids.Format("inv", id),
        };
    }

    /// <summary>Says which role stands, where it is not the one that the row asks for.</summary>
    public void Note(string standing, string what, string remedy)
    {
        if (standing != Role)
        {
            Result.Note = $"{what} with the role {standing}. {remedy}";
        }
    }
}

/// <summary>The rules of a row that need no look-up.</summary>
internal static class InvitationRules
{
    private const int DefaultDays = 7;
    private const int MaxDays = 30;
    private const string DefaultRole = "member";
    private const int MaxEchoed = 254;

    private static readonly string[] _roles = [DefaultRole, "admin"];

    public static AskedInvitation Read(InvitationRow row, CreateInvitationsRequest request)
    {
        if (!EmailAddress.TryNormalize(row.Email, out var email, out var rule))
        {
            return AskedInvitation.Broken(
                row.Email.Length > MaxEchoed ? row.Email[..MaxEchoed] + "…" : row.Email,
                $"email: {rule}. {EmailAddress.Fix}"
            );
        }

        var role = FirstOf(row.Role, request.Role, DefaultRole);
        if (!_roles.Contains(role))
        {
            return AskedInvitation.Broken(email, $"role: is not one of {string.Join(", ", _roles)}. Send one of them.");
        }

        var days =
            row.HasExpiresInDays ? row.ExpiresInDays
            : request.HasExpiresInDays ? request.ExpiresInDays
            : DefaultDays;
        if (days is < 1 or > MaxDays)
        {
            return AskedInvitation.Broken(email, $"expiresInDays: is not between 1 and {MaxDays}. Send a number of days between them.");
        }

        var organization = FirstOf(row.OrganizationId, request.OrganizationId, "");
        return organization.Length == 0
                ? AskedInvitation.Broken(email, "organizationId: is required. Send it with the row or once for all rows.")
            : Ids.TryParse("org", organization, out var id)
                ? new AskedInvitation
                {
                    Organization = id,
                    Email = email,
                    Role = role,
                    Days = days,
                    IsWellFormed = true,
                }
            : AskedInvitation.Broken(email, "organizationId: is not an id of the form org_…. Take it from list_organizations.");
    }

    private static string FirstOf(string row, string request, string otherwise) =>
        row.Length > 0 ? row
        : request.Length > 0 ? request
        : otherwise;
}
