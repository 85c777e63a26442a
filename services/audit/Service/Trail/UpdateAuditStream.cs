using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.Contracts;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    // Long enough for a receiver to change over in its own time.
    private static readonly TimeSpan _overlap = TimeSpan.FromHours(24);

    private const string LoadStream = """
        select type, name, coalesce(site, url), secret, tags, actions, delivered_through from audit.stream where id = $1 for update
        """;

    private const string ChangeStream = """
        update audit.stream set name = $2, actions = $3, url = case type when 'https' then $4 end,
            attempted_through = null, attempted_checkpoint = null, version = version + 1
        where id = $1
        """;

    private const string ChangeSecret = """
        update audit.stream set secret = $2, secret_set_at = $3,
            previous_secret = case type when 'https' then secret end,
            previous_secret_until = case type when 'https' then $4::timestamptz end
        where id = $1
        """;

    public override async Task<UpdateAuditStreamResponse> UpdateAuditStream(UpdateAuditStreamRequest request, ServerCallContext context)
    {
        var id = ParseStream(request.StreamId);
        CheckChange(request);
        string? made = null;
        var answer = await work.WriteAsync(context, async tx =>
        {
            var stream = await tx.QueryOneAsync(LoadStream, row => new ChangingStream(row.GetString(0), row.GetString(1),
                row.GetString(2), (byte[])row[3], (string[])row[4], (string[])row[5], row.GetInt64(6)), id)
                ?? throw Problem.NotFound("audit stream", request.StreamId);
            CheckFor(stream.Type, request);
            var name = request.HasName ? request.Name : stream.Name;
            var actions = request.AllActions ? [] : request.Actions.Count > 0 ? request.Actions.ToArray() : stream.Actions;
            var address = request.HasUrl ? addresses.Check(request.Url, "url") : stream.Address;
            made = request.RotateSecret ? WebhookSecret.Create() : null;
            var secret = made ?? (request.HasApiKey ? request.ApiKey
                : request.HasSecret ? WebhookSecret.Check(request.Secret, "secret") : null);
            var before = secrets.TryOpen(stream.Secret);
            secret = secret == before ? null : secret;
            List<string> changed = [];
            Note("name", name != stream.Name);
            Note("actions", !actions.SequenceEqual(stream.Actions));
            Note("url", address != stream.Address);
            Note(stream.Type == "datadog" ? "apiKey" : "secret", secret is not null);
            var response = new UpdateAuditStreamResponse();
            if (changed.Count > 0)
            {
                await ApplyAsync(tx, new Change(id, request.StreamId, stream, name, actions, address, secret, before, changed), response);
            }

            response.Stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, tx.Now), id);
            return response;

            void Note(string what, bool differs)
            {
                if (differs)
                {
                    changed.Add(what);
                }
            }
        });
        streamsChanged.Set();
        answer.SigningSecret = context.Call().DryRun ? "" : made ?? "";
        return answer;
    }

    private async Task ApplyAsync(WriteTransaction tx, Change change, UpdateAuditStreamResponse response)
    {
        await tx.ExecuteAsync(ChangeStream, change.Id, change.Name, change.Actions, change.Address);
        if (change.Secret is { } secret)
        {
            await tx.ExecuteAsync(ChangeSecret,
                change.Id, secrets.Seal(secret), tx.Now.UtcDateTime, (tx.Now + _overlap).UtcDateTime);
        }

        tx.Announce(new AuditStreamUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, change.StreamId, change.Name,
            SiteOf(change.Address), change.Actions, change.Changed), new Target("audit_stream", change.StreamId));
        if (change.Secret is null && change.Address == change.Stream.Address)
        {
            return;
        }

        // Rotated, both secrets sign, so that a receiver that knows only the one before accepts as well.
        var current = change.Secret ?? change.Before ?? OpenSecret(change.Stream.Secret);
        var previous = change.Stream.Type == "https" && change.Secret is not null ? change.Before : null;
        response.Test = await AskDestinationAsync(tx.Call, change.Stream.Type, new Destination(
            change.Address, current, previous, change.Stream.Tags, change.StreamId, Ids.Format("wks", tx.Call.WorkspaceId)), tx.Cancellation);
        ThrowIfRefused(response.Test, change.Stream.Type, "changed");
        if (response.Test.Result == "accepted")
        {
            await ReviveAsync(tx, change.Id, change.StreamId, change.Stream.DeliveredThrough);
        }
    }

    private static void CheckChange(UpdateAuditStreamRequest request)
    {
        ActionFilter.Parse(request.Actions, "actions");
        if (!request.HasName && request.Actions.Count == 0 && !request.AllActions && !request.HasApiKey && !request.HasUrl
            && !request.HasSecret && !request.RotateSecret)
        {
            throw Problem.Invalid("name", "is missing, and so is every other change", "Send what is to change.");
        }

        // A text that is given and empty passes the contract's rules, which take it for absent.
        if (request.HasName && string.IsNullOrWhiteSpace(request.Name))
        {
            throw Problem.Invalid("name", "is empty", "Send a name, or leave it out.");
        }

        if (request.HasApiKey && request.ApiKey.Length == 0)
        {
            throw Problem.Invalid("apiKey", "is empty", "Send a key, or leave it out.");
        }

        if (request.AllActions && request.Actions.Count > 0)
        {
            throw Problem.Invalid("allActions", "comes with actions", "Send one of them.");
        }

        if (request.RotateSecret && request.HasSecret)
        {
            throw Problem.Invalid("rotateSecret", "comes with a secret", "Send one of them.");
        }
    }

    private static void CheckFor(string type, UpdateAuditStreamRequest request)
    {
        var wrong = type == "datadog"
            ? request.HasUrl ? "url" : request.HasSecret ? "secret" : request.RotateSecret ? "rotateSecret" : null
            : request.HasApiKey ? "apiKey" : null;
        if (wrong is not null)
        {
            throw Problem.Invalid(wrong, $"is not for a stream of the type {type}",
                type == "datadog" ? "Send apiKey for a new key." : "Send rotateSecret or secret for a new secret.");
        }
    }

    private sealed record ChangingStream(
        string Type, string Name, string Address, byte[] Secret, string[] Tags, string[] Actions, long DeliveredThrough);

    /// <param name="Secret">The new one; null when it stays.</param>
    /// <param name="Before">The old one, when it can be opened.</param>
    private sealed record Change(
        Guid Id, string StreamId, ChangingStream Stream, string Name, string[] Actions, string Address, string? Secret, string? Before,
        IReadOnlyList<string> Changed);
}
