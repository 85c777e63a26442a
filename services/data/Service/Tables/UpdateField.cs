using Grpc.Core;
using Platform.Contracts;
using Platform.Data.Contracts.Events;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Fields;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    private const string ChangeField = """
        update data.field set name = $2, description = $3, required = $4, is_unique = $5, allow_new_choices = $6,
            max_length = $7, precision = $8, link_is_single = $9
        where id = $1
        """;

    public override async Task<UpdateFieldResponse> UpdateField(UpdateFieldRequest request, ServerCallContext context)
    {
        var id = Ids.TryParse("tbl", request.TableId, out var parsed) ? parsed : throw Problem.NotFound("table", request.TableId);
        var answer = await work.WriteAsync(context, async tx =>
        {
            await tx.ExecuteAsync(LockTable, id);
            var table = await TableSchemas.LoadAsync(tx, id) ?? throw Problem.NotFound("table", request.TableId);
            var field = table.Find(request.Field)
                ?? throw Problem.Invalid("field", "is not a field of the table", table.KnownFields(withSystem: false));
            var choices = new ChoiceChanges(field, request);
            var limits = FieldLimits.Of(field).With(field, request, out var misplaced);
            if (request.Required && !field.Kind.HasColumn)
            {
                throw Problem.Invalid("required", "does not go with the other side of a link, which another table keeps", "Leave it out.");
            }

            if (
                NewFields.Check(Wanted(field, request), "").Concat(misplaced).Concat(choices.Violations).ToList() is
                { Count: > 0 } violations
            )
            {
                throw Problem.Invalid(violations);
            }

            var changes = new SchemaChanges();
            var (name, description) = (field.Name, field.Description);
            var (required, unique, allowNew) = (field.Required, field.Unique, field.AllowNewChoices);
            changes.Add("name", name, request.HasName ? request.Name : null, text => name = text);
            changes.Add("description", description, request.HasDescription ? request.Description : null, text => description = text);
            changes.Add("required", required, request.HasRequired ? request.Required : null, value => required = value);
            changes.Add("unique", unique, request.HasUnique ? request.Unique : null, value => unique = value);
            changes.Add("allowNewChoices", allowNew, request.HasAllowNewChoices ? request.AllowNewChoices : null, value =>
                allowNew = value
            );
            if (unique && field.Kind.HasLength && limits.MaxLength is null)
            {
                limits = limits with { MaxLength = NewFields.MaxUniqueLength };
            }

            limits.Describe(field, changes);
            choices.Describe(changes);
            if (!changes.Any)
            {
                return new UpdateFieldResponse { Field = field.ToAnswer() };
            }

            await FieldValues.CheckAsync(tx, table, field, mustExist: required && !field.Required, mustDiffer: unique && !field.Unique);
            await limits.CheckAsync(tx, table, field);
            await FieldValues.IndexAsync(tx, table, field, unique);
            var changed = await choices.ReplaceRemovedAsync(tx, table, required);
            await tx.BatchAsync(
                _ => Task.FromResult(0),
                [
                    new Statement(
                        ChangeField,
                        field.Id,
                        name,
                        description,
                        required,
                        unique,
                        allowNew,
                        NewFields.Integer(limits.MaxLength),
                        NewFields.Integer(limits.Precision),
                        limits.IsSingle
                    ),
                    .. choices.Statements(tx),
                    Versions.Next(tx, id),
                    Versions.OfLinked(id),
                ]
            );
            tx.Announce(
                new FieldUpdated(tx.NewEventId(), tx.Call.WorkspaceId, tx.Now, table.Key, field.Key, changes.All),
                new Target("field", field.Key),
                new Target("table", table.Key)
            );
            var after = await TableSchemas.LoadAsync(tx, id);
            return new UpdateFieldResponse { Field = after!.Find(field.Key)!.ToAnswer(), ChangedRecords = changed };
        });
        schemas.Forget(id);
        return answer;
    }

    /// <summary>The field as a definition of what is wanted, to be held to the rules of definitions.</summary>
    private static Contracts.V1.Field Wanted(FieldSchema field, UpdateFieldRequest request)
    {
        var wanted = field.ToField();
        wanted.Id = "";
        wanted.Choices.Clear();
        wanted.Inverse = false;
        wanted.Name = request.HasName ? request.Name : wanted.Name;
        wanted.Unique = request.HasUnique ? request.Unique : wanted.Unique;
        if (request.HasMaxLength)
        {
            wanted.MaxLength = request.MaxLength;
        }
        else if (request.ClearLimits)
        {
            wanted.ClearMaxLength();
        }

        if (request.HasPrecision)
        {
            wanted.Precision = request.Precision;
        }

        wanted.AllowNewChoices = request.HasAllowNewChoices ? request.AllowNewChoices : wanted.AllowNewChoices;
        var removed = request.RemoveChoices.Select(field.FindChoice).ToHashSet();
        wanted.Choices.AddRange(
            field
                .Choices.Where(choice => !removed.Contains(choice))
                .Select(choice =>
                {
                    var change = request.ChangeChoices.FirstOrDefault(change => field.FindChoice(change.Choice) == choice);
                    return new Choice { Label = change is { HasLabel: true } ? change.Label : choice.Label };
                })
                .Concat(request.AddChoices)
        );
        return wanted;
    }
}
