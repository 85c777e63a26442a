using Grpc.Core;
using Platform.Audit.Contracts;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Streams;
using Platform.ServiceDefaults.Calls;

namespace Platform.Audit.Service.Secrets;

internal sealed partial class SigningSecretsService
{
    private const string Revealed = "audit_stream_secret.read";

    public override async Task<RevealSigningSecretResponse> RevealSigningSecret(
        RevealSigningSecretRequest request,
        ServerCallContext context
    )
    {
        await AuthorizeAsync(context, Revealed, request.StreamId);
        var secret = await work.ReadAsync(
            context,
            FindSecret,
            [StreamChanges.Parse(request.StreamId), time.GetUtcNow().UtcDateTime],
            async reader =>
                await reader.ReadAsync(context.CancellationToken)
                    ? Read(reader, request.StreamId)
                    : throw Problem.NotFound("audit stream", request.StreamId)
        );
        await RecordAsync(context.Call(), Revealed, AuditOutcomes.Read, null, request.StreamId, context.CancellationToken);
        return new RevealSigningSecretResponse { SigningSecret = secret };
    }
}
