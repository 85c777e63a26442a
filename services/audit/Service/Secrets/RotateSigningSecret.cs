using Grpc.Core;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Audit.Service.Streams;

namespace Platform.Audit.Service.Secrets;

internal sealed partial class SigningSecretsService
{
    private static readonly string[] _secret = ["secret"];

    public override async Task<RotateSigningSecretResponse> RotateSigningSecret(
        RotateSigningSecretRequest request,
        ServerCallContext context
    )
    {
        await AuthorizeAsync(context, "audit_stream.updated", request.StreamId);
        var answer = await work.WriteAsync(context, async tx =>
        {
            var stream = await StreamChanges.LoadAsync(tx, request.StreamId);
            if (!sinks.Of(stream.Type).IsSecretOurs)
            {
                throw NothingSigns();
            }

            var test = await changes.ApplyAsync(
                tx,
                new StreamChange(
                    stream,
                    stream.Name,
                    stream.Actions,
                    stream.Address,
                    WebhookSecret.Create(),
                    secrets.TryOpen(stream.Secret),
                    _secret
                )
            );
            return new RotateSigningSecretResponse
            {
                Test = test,
                SigningSecret = await tx.QueryOneAsync(FindSecret, row => Read(row, request.StreamId), stream.Id, tx.Now.UtcDateTime),
            };
        });
        streamsChanged.Set();
        return answer;
    }
}
