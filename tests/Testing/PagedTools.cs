using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.ServiceDefaults.Calls;
using Xunit;

namespace Platform.Testing;

/// <summary>Walks the lists of a service from the first page to the last, whichever they are.</summary>
public static class PagedTools
{
    /// <summary>The tools that answer a page.</summary>
    public static IEnumerable<ToolDefinition> Of(ToolCatalogue catalogue) =>
        catalogue.Tools.Where(tool => PageOf(tool) is not null).Where(tool => tool.IsRead);

    /// <summary>
    /// Reads all pages of a tool, with the highest limit it takes, and checks that each says how it goes on and is no larger than an
    /// answer may be.
    /// </summary>
    /// <param name="arguments">JSON names of request fields with their values; those that the tool lacks are left out.</param>
    /// <returns>The answers, page by page.</returns>
    public static async Task<List<IMessage>> ReadAsync(
        ToolDefinition tool,
        CallInvoker calls,
        Func<CallOptions> options,
        IReadOnlyDictionary<string, object> arguments
    )
    {
        var pages = new List<IMessage>();
        var cursor = "";
        do
        {
            var request = Message(tool.Method.InputType);
            foreach (var (name, value) in arguments)
            {
                Set(request, name, value);
            }

            var limit = tool.Method.InputType.FindFieldByName("limit");
            limit.Accessor.SetValue(request, (int)limit.GetOptions().GetExtension(OptionsExtensions.Field).Maximum);
            Set(request, "cursor", cursor);
            var answer = await CallAsync(tool, calls, options(), request);
            var size = JsonSize.Of(answer);
            Assert.True(size <= AnswerSize.MaxAnswer, $"{tool.Name} answers {size} bytes on page {pages.Count + 1}.");
            var page = (PageInfo)PageOf(tool)!.Accessor.GetValue(answer);
            Assert.Equal(page.HasMore, page.NextCursor.Length > 0);
            Assert.NotEqual(cursor, page.NextCursor.Length > 0 ? page.NextCursor : "none");
            cursor = page.NextCursor;
            pages.Add(answer);
        } while (cursor.Length > 0);

        return pages;
    }

    /// <summary>The entries of all pages: of the one list of messages that each of them holds.</summary>
    public static List<IMessage> Entries(IEnumerable<IMessage> pages) =>
        [
            .. pages.SelectMany(page =>
                page.Descriptor.Fields.InDeclarationOrder()
                    .Where(field => field.IsRepeated && field.FieldType == FieldType.Message && !field.IsMap)
                    .SelectMany(field => ((IList)field.Accessor.GetValue(page)).Cast<IMessage>())
            ),
        ];

    private static FieldDescriptor? PageOf(ToolDefinition tool) =>
        tool
            .Method.OutputType.Fields.InDeclarationOrder()
            .FirstOrDefault(field => field.FieldType == FieldType.Message && field.MessageType == PageInfo.Descriptor);

    private static void Set(IMessage request, string name, object value)
    {
        if (request.Descriptor.Fields.InDeclarationOrder().FirstOrDefault(field => field.JsonName == name) is { } field)
        {
            field.Accessor.SetValue(request, value);
        }
    }

    private static async Task<IMessage> CallAsync(ToolDefinition tool, CallInvoker calls, CallOptions options, IMessage request)
    {
        var method = new Method<IMessage, IMessage>(
            tool.Method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary,
            tool.Method.Service.FullName,
            tool.Method.Name,
            Marshallers.Create<IMessage>(message => message.ToByteArray(), tool.Method.InputType.Parser.ParseFrom),
            Marshallers.Create<IMessage>(message => message.ToByteArray(), tool.Method.OutputType.Parser.ParseFrom)
        );
        if (!tool.Method.IsServerStreaming)
        {
            return await calls.AsyncUnaryCall(method, null, options, request);
        }

        using var stream = calls.AsyncServerStreamingCall(method, null, options, request);
        IMessage? last = null;
        await foreach (var message in stream.ResponseStream.ReadAllAsync())
        {
            last = message;
        }

        return last!;
    }

    private static IMessage Message(MessageDescriptor type) => type.Parser.ParseFrom(ByteString.Empty);
}
