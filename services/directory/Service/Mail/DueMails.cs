using System.Data;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.WebUtilities;
using Npgsql;
using Platform.Directory.Contracts;
using Platform.Directory.Service.Values;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Mail;

/// <summary>A mail that this worker may send now.</summary>
internal sealed record DueMail(Guid Workspace, Guid? Environment, Guid Id, int Edition, int Attempts)
{
    /// <summary>When others may take it.</summary>
    public DateTimeOffset Until { get; init; }

    /// <summary>Made for this attempt; null when the invitation is no longer pending.</summary>
    public InvitationMail? Content { get; init; }

    public string MessageId => FormattableString.Invariant($"{Id:N}.{Edition}");
}

/// <summary>Which mails are due, what they say, and what became of them.</summary>
internal sealed class DueMails(UnitOfWork work, IConfiguration configuration, TimeProvider time)
{
    public const int BatchSize = 50;

    // Links that mails of an invitation carried and that still work; older ones go when another is made.
    private const int KeptLinks = 5;

    // A worker that dies with mails in its hands leaves them to the others after this. Whatever ends otherwise gives them back.
    private static readonly TimeSpan _lease = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan _longestWait = TimeSpan.FromHours(1);
    private static readonly SessionSettings _mailer = new(Role: "directory_mailer");

    private const string Claim = """
        update directory.mail m set due_at = $2, attempts = m.attempts + 1
        from (select workspace_id, id from directory.mail where state = 'waiting' and due_at <= $1 order by due_at limit $3
            for update skip locked) due
        where m.workspace_id = due.workspace_id and m.id = due.id
        returning m.workspace_id, m.environment_id, m.id, m.edition, m.attempts
        """;

    private const string FindContents = """
        select i.id, i.email, i.expires_at, o.name, coalesce(m.display_name, '') as inviter
        from directory.invitation i join directory.organization o on o.id = i.organization_id
            left join directory.member m on m.id = i.invited_by
        where i.id = any($1) and i.is_open and i.expires_at > $2
        """;

    private const string FindMemberContents = """
        select i.id, i.email, i.expires_at, w.name, coalesce(m.display_name, '') as inviter
        from directory.member_invitation i join directory.workspace w on w.workspace_id = i.workspace_id
            left join directory.member m on m.id = i.invited_by
        where i.id = any($1) and i.is_open and i.expires_at > $2
        """;

    private const string DropOthers =
        "update directory.mail set state = 'dropped' where id = any($1) and state = 'waiting' and not id = any($2)";

    private const string ForgetOldLinks = """
        delete from directory.invitation_token where token_hash in (
            select token_hash from (select token_hash, row_number() over (partition by invitation_id order by made_at desc) as age
                from directory.invitation_token where invitation_id = any($1)) as links
            where age >= $2)
        """;

    private const string KeepLinks = """
        insert into directory.invitation_token (token_hash, environment_id, invitation_id, made_at)
        select token_hash, $3, id, $4 from unnest($1::bytea[], $2::uuid[]) as made(token_hash, id)
        """;

    private const string MarkSent = "update directory.mail set state = 'sent', sent_at = $3, problem = null where id = $1 and edition = $2";

    private const string MarkFailed =
        "update directory.mail set state = 'failed', problem = $3 where id = $1 and edition = $2 and state = 'waiting'";

    private const string TryLater =
        "update directory.mail set due_at = $3, problem = $4 where id = $1 and edition = $2 and state = 'waiting'";

    private const string GiveBack = """
        update directory.mail set due_at = $3, attempts = attempts - 1
        where id = any($1) and state = 'waiting' and due_at = $2
        """;

    /// <summary>Takes mails to send, for this worker alone until the lease ends.</summary>
    public async Task<List<DueMail>> TakeAsync(CancellationToken cancellationToken)
    {
        List<DueMail> due = [];
        // As PostgreSQL keeps it, so that what is given back is what was taken.
        var now = time.GetUtcNow();
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        await work.WriteAsync(
            Within(Guid.Empty, null),
            async tx =>
            {
                due = await tx.QueryAsync(
                    Claim,
                    row => new DueMail(
                        row.GetGuid("workspace_id"),
                        row.IsDBNull("environment_id") ? null : row.GetGuid("environment_id"),
                        row.GetGuid("id"),
                        row.GetInt32("edition"),
                        row.GetInt32("attempts")
                    )
                    {
                        Until = now + _lease,
                    },
                    now,
                    now + _lease,
                    BatchSize
                );
                return new Empty();
            },
            _mailer,
            cancellationToken
        );

        var mails = new List<DueMail>();
        try
        {
            foreach (var place in due.GroupBy(mail => (mail.Workspace, mail.Environment)))
            {
                mails.AddRange(await WriteAsync(place.Key.Workspace, place.Key.Environment, [.. place], cancellationToken));
            }
        }
        catch
        {
            await GiveBackAsync(due);
            throw;
        }

        return mails;
    }

    /// <summary>Leaves mails that were not tried to whoever looks next.</summary>
    public async Task GiveBackAsync(IEnumerable<DueMail> untried)
    {
        foreach (var place in untried.GroupBy(mail => (mail.Workspace, mail.Environment, mail.Until)))
        {
            await work.WriteAsync(
                Within(place.Key.Workspace, place.Key.Environment),
                async tx =>
                    await tx.ExecuteAsync(
                        GiveBack,
                        place.Select(mail => mail.Id).ToArray(),
                        place.Key.Until.UtcDateTime,
                        tx.Now.UtcDateTime
                    ),
                SessionSettings.Default,
                CancellationToken.None
            );
        }
    }

    public Task SentAsync(DueMail mail) => MarkAsync(mail, MarkSent, mail.Id, mail.Edition, time.GetUtcNow());

    public Task FailedAsync(DueMail mail, string problem) => MarkAsync(mail, MarkFailed, mail.Id, mail.Edition, problem);

    /// <summary>
    /// A minute after the first attempt, then twice as long each time, up to an hour, for as long as the invitation is pending.
    /// </summary>
    public Task LaterAsync(DueMail mail, string problem)
    {
        var wait = TimeSpan.FromMinutes(Math.Pow(2, Math.Min(mail.Attempts - 1, 10)));
        return MarkAsync(mail, TryLater, mail.Id, mail.Edition, time.GetUtcNow() + (wait < _longestWait ? wait : _longestWait), problem);
    }

    // The links are committed before anything leaves, and only their hashes: no link in a mailbox is unknown here.
    private async Task<List<DueMail>> WriteAsync(Guid workspace, Guid? environment, List<DueMail> due, CancellationToken cancellationToken)
    {
        var page = JoinPage.Under(new Uri(configuration["Edge:PublicUrl"]!));
        List<DueMail> written = [];
        await work.WriteAsync(
            Within(workspace, environment),
            async tx =>
            {
                var made = new List<(Guid Id, byte[] Hash)>();
                var contents = (
                    await tx.QueryAsync(
                        environment is null ? FindMemberContents : FindContents,
                        row => Read(row, page, made),
                        due.ConvertAll(mail => mail.Id).ToArray(),
                        tx.Now
                    )
                ).ToDictionary(content => content.Id, content => content.Mail);
                await tx.ExecuteAsync(DropOthers, due.ConvertAll(mail => mail.Id).ToArray(), contents.Keys.ToArray());
                await tx.ExecuteAsync(ForgetOldLinks, contents.Keys.ToArray(), KeptLinks);
                await tx.ExecuteAsync(
                    KeepLinks,
                    made.ConvertAll(link => link.Hash).ToArray(),
                    made.ConvertAll(link => link.Id).ToArray(),
                    environment,
                    tx.Now
                );
                written = [.. due.Where(mail => contents.ContainsKey(mail.Id)).Select(mail => mail with { Content = contents[mail.Id] })];
                return new Empty();
            },
            SessionSettings.Default,
            cancellationToken
        );
        return written;
    }

    private static (Guid Id, InvitationMail Mail) Read(NpgsqlDataReader row, Uri page, List<(Guid Id, byte[] Hash)> made)
    {
        var token = WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(32));
        made.Add((row.GetGuid("id"), SHA256.HashData(Encoding.ASCII.GetBytes(token))));
        return (
            row.GetGuid("id"),
            new InvitationMail(
                row.GetString("email"),
                row.GetString("inviter"),
                row.GetString("name"),
                new DateTimeOffset(row.GetDateTime("expires_at")),
                new Uri($"{page.AbsoluteUri}?token={token}")
            )
        );
    }

    // Not to be stopped halfway: what has left must be known to have left.
    private async Task MarkAsync(DueMail mail, string sql, params object[] arguments) =>
        await work.WriteAsync(
            Within(mail.Workspace, mail.Environment),
            async tx =>
            {
                await tx.ExecuteAsync(sql, arguments);
                return new Empty();
            },
            SessionSettings.Default,
            CancellationToken.None
        );

    private static Call Within(Guid workspace, Guid? environment) => OwnCall.In(workspace, environment);
}
