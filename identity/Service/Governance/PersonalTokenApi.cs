using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Options;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Service.PersonalTokens;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Governance;

/// <summary>Personal tokens: made, listed and taken back by their member; listed and taken back by admins too.</summary>
internal static class PersonalTokenApi
{
    private const string List = $"""
        select {PersonalTokenRecord.Columns} from identity.personal_token t
        where $1::uuid is null or t.member_id = $1 order by t.created_at desc, t.id limit 500
        """;

    private const string Revoke = """
        update identity.personal_token set revoked_at = $2, revoked_by = $3
        where id = $1 and revoked_at is null and ($4 or member_id = $3) returning member_id
        """;

    private const string Exists = "select 1 from identity.personal_token where id = $1 and ($3 or member_id = $2)";

    internal sealed record CreateRequest(string? Name, IReadOnlyList<string>? Scopes, int? ExpiresInDays);

    public static async Task<IResult> ListAsync(HttpContext http, UnitOfWork work, string? member)
    {
        var caller = http.Caller();
        if (member is not null and not "all" || member == "all" && !caller.IsAdmin)
        {
            throw member == "all"
                ? Problem.PermissionDenied(Scopes.WorkspaceWrite)
                : Problem.Invalid("member", "is unknown", "Leave it out, or send `all` as an admin.");
        }

        var tokens = await work.ReadAsync(
            caller.ToCall(),
            SessionSettings.Default,
            async reader =>
            {
                var rows = new List<PersonalTokenRecord>();
                while (await reader.ReadAsync(http.RequestAborted))
                {
                    rows.Add(PersonalTokenRecord.Read(reader));
                }

                return rows;
            },
            http.RequestAborted,
            new Statement(
                List,
                member == "all"
                    ? new Npgsql.NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid }
                    : caller.MemberId
            )
        );
        return Results.Json(new { personalTokens = tokens.Select(token => Describe(token, null)) }, GovernanceApi.Json);
    }

    public static async Task<IResult> CreateAsync(HttpContext http, UnitOfWork work, IOptions<PersonalTokenOptions> options)
    {
        var caller = http.Caller();
        var request = await http.ReadAsync<CreateRequest>();
        var days = request.ExpiresInDays ?? options.Value.DefaultDays;
        Check(request, days, options.Value.MaxDays);
        var secret = PersonalToken.Create();
        PersonalTokenRecord? created = null;
        await work.WriteAsync(
            caller.ToCall(),
            async tx =>
            {
                created = await PersonalTokenWriter.CreateAsync(
                    tx,
                    caller.MemberId,
                    request.Name!.Trim(),
                    request.Scopes!,
                    tx.Now.AddDays(days),
                    secret
                );
                return new Empty();
            },
            SessionSettings.Default,
            http.RequestAborted
        );
        return Results.Json(Describe(created!, secret), GovernanceApi.Json, statusCode: StatusCodes.Status201Created);
    }

    public static async Task<IResult> RevokeAsync(HttpContext http, UnitOfWork work, string token)
    {
        var caller = http.Caller();
        var id = Ids.TryParse("tok", token, out var parsed) ? parsed : throw Problem.NotFound("personal token", token);
        await work.WriteAsync(
            caller.ToCall(),
            async tx =>
            {
                var owner = (await tx.QueryAsync(Revoke, row => row.GetGuid(0), id, tx.Now.UtcDateTime, caller.MemberId, caller.IsAdmin))
                    .Cast<Guid?>()
                    .SingleOrDefault();
                if (owner is { } member)
                {
                    tx.Announce(
                        new PersonalTokenRevoked(tx.NewEventId(), caller.WorkspaceId, tx.Now, token, Ids.Format("mbr", member)),
                        "personal_token.revoked",
                        new Target("personal_token", token)
                    );
                }
                else if (await tx.ScalarAsync<int>(Exists, id, caller.MemberId, caller.IsAdmin) == 0)
                {
                    throw Problem.NotFound("personal token", token);
                }

                return new Empty();
            },
            SessionSettings.Default,
            http.RequestAborted
        );
        return Results.NoContent();
    }

    private static void Check(CreateRequest request, int days, int maxDays)
    {
        var violations = new List<Violation>();
        if (request.Name?.Trim() is not { Length: >= 1 and <= 100 })
        {
            violations.Add(
                new Violation
                {
                    Field = "name",
                    Rule = "is not between 1 and 100 characters",
                    Fix = "Name what will use the token.",
                }
            );
        }

        if (request.Scopes is not { Count: > 0 })
        {
            violations.Add(
                new Violation
                {
                    Field = "scopes",
                    Rule = "is required",
                    Fix = $"Choose from: {string.Join(", ", Scopes.All)}.",
                }
            );
        }
        else if (request.Scopes.Except(Scopes.All).ToList() is { Count: > 0 } unknown)
        {
            violations.Add(
                new Violation
                {
                    Field = "scopes",
                    Rule = $"has unknown scopes: {string.Join(", ", unknown)}",
                    Fix = $"Choose from: {string.Join(", ", Scopes.All)}.",
                }
            );
        }

        if (days < 1 || days > maxDays)
        {
            violations.Add(
                new Violation
                {
                    Field = "expiresInDays",
                    Rule = $"is not between 1 and {maxDays}",
                    Fix = $"Send a number between 1 and {maxDays}.",
                }
            );
        }

        if (violations.Count > 0)
        {
            throw Problem.Invalid(violations);
        }
    }

    private static object Describe(PersonalTokenRecord token, string? secret) =>
        new
        {
            id = Ids.Format("tok", token.Id),
            memberId = Ids.Format("mbr", token.MemberId),
            name = token.Name,
            hint = token.Hint,
            scopes = token.Scopes,
            createdAt = token.CreatedAt,
            expiresAt = token.ExpiresAt,
            lastUsedAt = token.LastUsedAt,
            revokedAt = token.RevokedAt,
            token = secret,
        };
}
