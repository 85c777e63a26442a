using System.Globalization;
using System.Text;
using Grpc.Core;
using Platform.Data.Contracts.V1;
using Platform.Data.Service.Queries;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Tables;

internal sealed partial class TablesService
{
    public override async Task<ListFieldsResponse> ListFields(ListFieldsRequest request, ServerCallContext context)
    {
        var table = await schemas.ReadAsync(context, request.TableId);
        var query = Encoding.UTF8.GetBytes($"fields {table.Key}");
        var answer = new ListFieldsResponse();
        var page = Page.Of(answer.Fields, request.HasLimit ? request.Limit : NewFields.MaxFields);

        // A cursor names the last field shown and how many of its choices were shown. A field goes on until all of them were.
        var choices = 0;
        var fields = table.Fields.AsEnumerable();
        if (cursors.Open(request.Cursor, query) is [{ } last, { } shown])
        {
            choices = int.Parse(shown, CultureInfo.InvariantCulture);
            fields = Cursors.From(fields, field => field.Key == last);
            if (fields.First().Choices.Count <= choices)
            {
                (fields, choices) = (fields.Skip(1), 0);
            }
        }

        foreach (var field in fields)
        {
            var part = field.ToAnswer(choices);
            var behind = choices + part.Choices.Count;
            if (!page.TryAdd(part, () => Seal(field.Key, behind)))
            {
                break;
            }

            if (part.HasMoreChoices)
            {
                (page.Info.HasMore, page.Info.NextCursor) = (true, Seal(field.Key, behind));
                break;
            }

            choices = 0;
        }

        answer.Page = page.Info;
        return answer;

        string Seal(string field, int shown) => cursors.Seal(query, field, shown.ToString(CultureInfo.InvariantCulture));
    }
}
