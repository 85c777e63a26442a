using Grpc.Core;
using Npgsql;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Records;

internal sealed partial class RecordsService
{
    public override Task<UpdateRecordResponse> UpdateRecord(UpdateRecordRequest request, ServerCallContext context) =>
        schemas.UseAsync(context, request.TableId, async table =>
        {
            var selection = FieldSelection.Of(table, request.ReturnFields, request.FieldKeys, allByDefault: false);
            var id = Ids.TryParse("rec", request.RecordId, out var parsed) ? parsed : throw Problem.NotFound("record", request.RecordId);
            RecordValues? values = null;
            try
            {
                return await work.WriteAsync(context, async tx =>
                {
                    var current = await NewChoices.AddAsync(tx, table, [request.Fields]);
                    values = RecordValues.OfChange(current, [request.Fields], _ => "fields");
                    if (!values.Any)
                    {
                        throw Problem.Invalid("fields", "does not name any field", current.KnownFields(withSystem: false));
                    }

                    var links = InverseLinks.Of(current, values);
                    if (links is not null)
                    {
                        await links.LockAsync(tx, [id]);
                    }

                    using var rows = new RecordRows(selection);
                    var update = new RecordUpdate(current, [id], values);
                    await update.RunAsync(tx, rows, [request.HasExpectedVersion ? request.ExpectedVersion : null]);
                    if (!update.Versions.TryGetValue(id, out var version))
                    {
                        throw Problem.NotFound("record", request.RecordId);
                    }

                    if (request.HasExpectedVersion && version.Before != request.ExpectedVersion)
                    {
                        throw Problem.Conflict(
                            Reasons.VersionConflict,
                            $"The record has version {version.Before}, not {request.ExpectedVersion}: somebody changed it meanwhile.",
                            "Read it again, and repeat the change with its version."
                        );
                    }

                    // When no value changed, there is nothing to announce.
                    if (version.After is { } after)
                    {
                        tx.Announce(
                            new RecordUpdated(
                                tx.NewEventId(),
                                tx.Call.WorkspaceId,
                                tx.Now,
                                current.Key,
                                update.ChangeId,
                                request.RecordId,
                                after,
                                [.. update.Fields.Select(field => field.Key)]
                            ),
                            new Target("record", request.RecordId),
                            new Target("table", current.Key)
                        );
                    }

                    if (links is not null)
                    {
                        await links.ApplyAsync(tx, [id]);
                        await update.ReadAgainAsync(tx, rows);
                    }

                    return new UpdateRecordResponse { Record = update.Records[0] };
                });
            }
            catch (PostgresException exception) when (UniqueValues.FieldOf(exception, table) is { } field)
            {
                throw await UniqueValues.ExplainAsync(
                    work,
                    context,
                    table,
                    field,
                    values!.Columns.First(column => column.Field.Id == field.Id).Values,
                    _ => "fields",
                    [id]
                );
            }
        });
}
