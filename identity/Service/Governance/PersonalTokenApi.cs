using System.Data;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Platform.Contracts;
using Platform.Identity.Contracts;
using Platform.Identity.Service.Callers;
using Platform.Identity.Service.PersonalTokens;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Identity.Service.Governance;

/// <summary>
/// Personal tokens: made, listed and taken back by their member. A token works wherever its member has a role, so those who manage all of
/// these environments may list it and take it back, too.
/// </summary>
internal static class PersonalTokenApi
{
    private const int DefaultPage = 100;
    private const int MaxPage = 500;

    private const string All = "all";

    // One more than asked for tells whether there is more. Ids are in the order in which tokens were made.
    private const string List = $"""
        select {PersonalTokenRecord.Columns} from identity.personal_token t
        where ($1::uuid is null or t.member_id = $1) and ($2::uuid is null or t.id < $2) order by t.id desc limit $3
        """;

    private const string Revoke =
        "update identity.personal_token set revoked_at = $2, revoked_by = $3 where id = $1 and revoked_at is null";

    private const string FindMember = "select member_id from identity.personal_token where id = $1";

    internal sealed record CreateRequest(string? Name, IReadOnlyList<string>? Scopes, int? ExpiresInDays);

    /// <param name="member">Whose tokens: <c>mbr_…</c>, or <c>all</c>; by default the caller's own.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cursor"><c>page.nextCursor</c> of the page before.</param>
    public static async Task<IResult> ListAsync(
        HttpContext http,
        UnitOfWork work,
        MemberDirectory directory,
        string? member,
        string? limit,
        string? cursor
    )
    {
        var caller = http.Caller();
        var whose = await AuthorizeListAsync(caller, directory, member, http.RequestAborted);
        var size = Limit(limit);
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
            new Statement(List, Uuid(whose), Uuid(Cursor(cursor)), size + 1)
        );
        var hasMore = tokens.Count > size;
        var page = tokens.Take(size).ToList();
        return Results.Json(
            new
            {
                personalTokens = page.Select(token => Describe(token, null)),
                page = new { hasMore, nextCursor = hasMore ? Ids.Format("tok", page[^1].Id) : null },
            },
            GovernanceApi.Json
        );
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

    public static async Task<IResult> RevokeAsync(HttpContext http, UnitOfWork work, MemberDirectory directory, string token)
    {
        var caller = http.Caller();
        var id = Ids.TryParse("tok", token, out var parsed) ? parsed : throw Problem.NotFound("personal token", token);
        var owner = await work.ReadAsync(
            caller.ToCall(),
            SessionSettings.Default,
            async reader =>
                await reader.ReadAsync(http.RequestAborted) ? reader.GetGuid("member_id") : throw Problem.NotFound("personal token", token),
            http.RequestAborted,
            new Statement(FindMember, id)
        );
        if (owner != caller.MemberId)
        {
            if (!caller.IsAdminSomewhere)
            {
                throw Problem.NotFound("personal token", token);
            }

            await AuthorizeAsync(caller, directory, Ids.Format("mbr", owner), http.RequestAborted);
        }

        await work.WriteAsync(
            caller.ToCall(),
            async tx =>
            {
                if (await tx.ExecuteAsync(Revoke, id, tx.Now.UtcDateTime, caller.MemberId) == 1)
                {
                    tx.Announce(
                        new PersonalTokenRevoked(tx.NewEventId(), caller.WorkspaceId, tx.Now, token, Ids.Format("mbr", owner)),
                        "personal_token.revoked",
                        new Target("personal_token", token)
                    );
                }
            },
            SessionSettings.Default,
            http.RequestAborted
        );
        return Results.NoContent();
    }

    /// <summary>The member whose tokens are wanted; null for everybody's.</summary>
    private static async Task<Guid?> AuthorizeListAsync(
        GovernanceCaller caller,
        MemberDirectory directory,
        string? member,
        CancellationToken cancellationToken
    )
    {
        if (member == All)
        {
            caller.Reach.RequireEverywhere(Scopes.WorkspaceWrite);
            return null;
        }

        if (member is null || member == caller.Membership.MemberId)
        {
            return caller.MemberId;
        }

        if (!Ids.TryParse("mbr", member, out var id))
        {
            throw Problem.Invalid("member", "is not the id of a member", "Leave it out, or send mbr_… or `all` as an admin.");
        }

        await AuthorizeAsync(caller, directory, member, cancellationToken);
        return id;
    }

    /// <summary>Passes when the caller manages every environment in which the member's tokens work.</summary>
    private static async Task AuthorizeAsync(
        GovernanceCaller caller,
        MemberDirectory directory,
        string member,
        CancellationToken cancellationToken
    )
    {
        var found = await directory.FindAsync(caller.Membership.WorkspaceId, member, cancellationToken);
        if (found is { Environments.Count: > 0 })
        {
            caller.Reach.Require(
                Scopes.WorkspaceWrite,
                Policy.ReachOf(found).Environments.Where(one => one.Role.Length > 0).Select(one => one.Id)
            );
        }
        else
        {
            // Somebody who has left, or has no role: their tokens work nowhere, and may work anywhere once they are given one.
            caller.Reach.RequireEverywhere(Scopes.WorkspaceWrite);
        }
    }

    private static int Limit(string? limit) =>
        limit is null ? DefaultPage
        : int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size is >= 1 and <= MaxPage ? size
        : throw Problem.Invalid("limit", $"is not between 1 and {MaxPage}", $"Send a number between 1 and {MaxPage}.");

    private static Guid? Cursor(string? cursor) =>
        string.IsNullOrEmpty(cursor) ? null
        : Ids.TryParse("tok", cursor, out var id) ? id
        : throw Problem.Invalid("cursor", "is not one that this list gave", "Send page.nextCursor of the page before.");

    private static NpgsqlParameter Uuid(Guid? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };

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
