using System.Collections;
using System.Collections.Frozen;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Platform.Contracts.Catalogue;
using Platform.ServiceDefaults.Calls;

namespace Platform.Architecture.Tests;

/// <summary>What makes two calls the same. Idempotency keys and confirmations rest on it.</summary>
public sealed class CallLaws
{
    [Theory]
    [MemberData(nameof(ToolLaws.Names), MemberType = typeof(ToolLaws))]
    public void Two_calls_are_the_same_only_with_all_that_decides_their_meaning(string name)
    {
        Assert.True(Repository.Catalogue.TryGetTool(name, out var tool));
        var (workspace, environment) = (Guid.NewGuid(), Guid.NewGuid());
        var request = New(tool.Method.InputType);
        var call = Make(tool, request, workspace, environment, "tsk_a");
        List<Call> others =
        [
            Make(tool, request, Guid.NewGuid(), environment, "tsk_a"),
            Make(tool, request, workspace, Guid.NewGuid(), "tsk_a"),
            Make(tool, request, workspace, null, "tsk_a"),
            Make(tool, request, workspace, environment, "tsk_b"),
            Make(tool, request, workspace, environment, null),
            Make(Repository.Catalogue.Tools.First(other => other != tool), request, workspace, environment, "tsk_a"),
            .. tool.Method.InputType.Fields.InDeclarationOrder().Select(field => Make(tool, With(field), workspace, environment, "tsk_a")),
        ];

        Assert.Equal(call.Digest(), Make(tool, New(tool.Method.InputType), workspace, environment, "tsk_a").Digest());
        Assert.Equal(others.Count + 1, others.Append(call).Select(one => Convert.ToHexString(one.Digest())).Distinct().Count());
    }

    private static Call Make(ToolDefinition tool, IMessage request, Guid workspace, Guid? environment, string? task) =>
        new()
        {
            CallId = $"call_{Guid.NewGuid():n}",
            Caller = new Caller
            {
                WorkspaceId = workspace,
                EnvironmentId = environment,
                Permissions = FrozenSet<string>.Empty,
            },
            Definition = tool,
            Request = request,
            Task = task,
        };

    private static IMessage New(MessageDescriptor type) => type.Parser.ParseFrom(ByteString.Empty);

    // A request that differs from an empty one in this field alone.
    private static IMessage With(FieldDescriptor field)
    {
        var request = New(field.ContainingType);
        if (field.IsMap)
        {
            var entry = field.MessageType.Fields;
            ((IDictionary)field.Accessor.GetValue(request)).Add(Something(entry[1]), Something(entry[2]));
        }
        else if (field.IsRepeated)
        {
            ((IList)field.Accessor.GetValue(request)).Add(Something(field));
        }
        else
        {
            field.Accessor.SetValue(request, Something(field));
        }

        return request;
    }

    private static object Something(FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.Message => New(field.MessageType),
            FieldType.String => "x",
            FieldType.Bytes => ByteString.CopyFromUtf8("x"),
            FieldType.Bool => true,
            FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, 1),
            FieldType.Double => 1d,
            FieldType.Float => 1f,
            FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => 1L,
            FieldType.UInt64 or FieldType.Fixed64 => 1UL,
            FieldType.UInt32 or FieldType.Fixed32 => 1U,
            _ => 1,
        };
}
