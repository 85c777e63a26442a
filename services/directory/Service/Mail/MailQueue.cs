using Platform.Contracts;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Directory.Service.Mail;

/// <summary>Asks for mails in the transaction of what they tell about.</summary>
internal static class MailQueue
{
    /// <summary>So often within an hour, the first mail included.</summary>
    public const int MaxPerHour = 3;

    private const string InsertMails = """
        insert into directory.mail (id, environment_id, asked_at, due_at)
        select id, $2, array[$3::timestamptz], $3 from unnest($1::uuid[]) as id
        """;

    private const string LockMail = """
        select array(select asked from unnest(asked_at) as asked where asked > $2 order by asked)
        from directory.mail where id = $1 for update
        """;

    private const string Again = """
        update directory.mail set state = 'waiting', edition = edition + 1, attempts = 0, due_at = $2, sent_at = null, problem = null,
            asked_at = $3
        where id = $1
        """;

    /// <summary>One mail for each of these new invitations.</summary>
    public static Task AskAsync(WriteTransaction tx, Guid[] invitations) =>
        tx.ExecuteAsync(InsertMails, invitations, tx.Call.Definition?.IsEnvironmentBound == true ? tx.Call.EnvironmentId : null, tx.Now);

    /// <summary>Sends the mail of a pending invitation once more.</summary>
    public static async Task AskAgainAsync(WriteTransaction tx, Guid invitation)
    {
        var asked = await tx.ScalarAsync<DateTime[]>(LockMail, invitation, tx.Now - TimeSpan.FromHours(1))
            ?? throw new InvalidOperationException("An invitation without a mail.");
        if (asked.Length >= MaxPerHour)
        {
            throw Problem.Conflict(
                Reasons.ResendLimit,
                $"The invitation was mailed {asked.Length} times within the last hour, and {MaxPerHour} are allowed.",
                FormattableString.Invariant($"Try again after {asked[^MaxPerHour].AddHours(1):yyyy-MM-ddTHH:mm:ssZ}.")
            );
        }

        await tx.ExecuteAsync(Again, invitation, tx.Now, asked.Append(tx.Now.UtcDateTime).ToArray());
    }
}
