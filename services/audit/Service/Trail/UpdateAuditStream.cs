using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Trail;

internal sealed partial class AuditTrailService
{
    public override async Task<UpdateAuditStreamResponse> UpdateAuditStream(UpdateAuditStreamRequest request, ServerCallContext context)
    {
        CheckChange(request);
        var answer = await work.WriteAsync(context, async tx =>
        {
            await StreamScope.RequireAsync(tx, request.StreamId);
            var stream = await StreamChanges.LoadAsync(tx, request.StreamId);
            var sink = sinks.Of(stream.Type);
            CheckFor(sink, request);
            var name = request.HasName ? request.Name : stream.Name;
            var actions =
                request.AllActions ? []
                : request.Actions.Count > 0 ? request.Actions.ToArray()
                : stream.Actions;
            var address = request.HasUrl ? sink.CheckAddress(request.Url, "url") : stream.Address;
            var secret =
                request.RotateSecret ? WebhookSecret.Create()
                : request.HasApiKey ? request.ApiKey
                : request.HasSecret ? sink.CheckSecret(request.Secret, "secret")
                : null;
            var before = secrets.TryOpen(stream.Secret);
            secret = secret == before ? null : secret;
            List<string> changed = [];
            Note("name", name != stream.Name);
            Note("actions", !actions.SequenceEqual(stream.Actions));
            Note("url", address != stream.Address);
            Note(sink.IsSecretOurs ? "secret" : "apiKey", secret is not null);
            var response = new UpdateAuditStreamResponse();
            if (changed.Count > 0)
            {
                response.Test = await changes.ApplyAsync(tx, new StreamChange(stream, name, actions, address, secret, before, changed));
            }

            response.Stream = await tx.QueryOneAsync(FindStream, row => StreamView.Read(row, sinks, tx.Now), stream.Id);
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
        return answer;
    }

    private static void CheckChange(UpdateAuditStreamRequest request)
    {
        ActionFilter.Parse(request.Actions, "actions");
        if (
            !request.HasName
            && request.Actions.Count == 0
            && !request.AllActions
            && !request.HasApiKey
            && !request.HasUrl
            && !request.HasSecret
            && !request.RotateSecret
        )
        {
            throw Problem.Invalid("name", "is missing, and so is every other change", "Send what is to change.");
        }

        if (request.HasName && string.IsNullOrWhiteSpace(request.Name))
        {
            throw Problem.Invalid("name", "is empty", "Send a name, or leave it out.");
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

    private static void CheckFor(ISink sink, UpdateAuditStreamRequest request)
    {
        var wrong =
            request.HasUrl && sink.AddressForm is not AddressForm.Url ? "url"
            : request.HasSecret && !sink.IsSecretOurs ? "secret"
            : request.RotateSecret && !sink.IsSecretOurs ? "rotateSecret"
            : request.HasApiKey && sink.IsSecretOurs ? "apiKey"
            : null;
        if (wrong is not null)
        {
            throw Problem.Invalid(
                wrong,
                $"is not for a stream of the type {sink.Type}",
                sink.IsSecretOurs ? "Send rotateSecret or secret for a new secret." : "Send apiKey for a new key."
            );
        }
    }
}
