using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Platform.Contracts;

namespace Platform.ServiceDefaults.State;

/// <summary>What a dry run answers: a client must not keep ids of what will never exist.</summary>
internal static class DryRunAnswer
{
    public static void RemoveIds(IMessage answer, IReadOnlySet<Guid> made)
    {
        foreach (var field in answer.Descriptor.Fields.InDeclarationOrder())
        {
            var value = field.Accessor.GetValue(answer);
            switch (value)
            {
                case string text when IsMade(text):
                    field.Accessor.Clear(answer);
                    break;
                case IMessage inner:
                    RemoveIds(inner, made);
                    break;
                case IList list when field.FieldType == FieldType.String:
                    for (var i = list.Count - 1; i >= 0; i--)
                    {
                        if (IsMade((string)list[i]!))
                        {
                            list.RemoveAt(i);
                        }
                    }

                    break;
                case IList list when field.FieldType == FieldType.Message:
                    foreach (IMessage item in list)
                    {
                        RemoveIds(item, made);
                    }

                    break;
            }
        }

        bool IsMade(string text) =>
            text.LastIndexOf('_') is > 0 and var end && Ids.TryParse(text[..end], text, out var id) && made.Contains(id);
    }
}
