using System.Reflection;
using Google.Protobuf.Collections;
using Google.Protobuf.Reflection;

namespace Platform.Contracts.Catalogue;

/// <summary>The comments of a contract by the full name of what they stand above.</summary>
internal static class ContractComments
{
    // Field numbers of FileDescriptorProto, DescriptorProto and ServiceDescriptorProto, of which a source location's path is made.
    private const int FileMessage = 4;
    private const int FileEnum = 5;
    private const int FileService = 6;
    private const int MessageField = 2;
    private const int MessageNested = 3;
    private const int ServiceMethod = 2;

    public static Dictionary<string, string> Read(Assembly contracts)
    {
        using var stream = contracts.GetManifestResourceStream("contract.desc")
            ?? throw new InvalidOperationException(
                $"{contracts.GetName().Name} embeds no contract.desc: does its project import Contract.targets?"
            );
        var comments = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in FileDescriptorSet.Parser.ParseFrom(stream).File)
        {
            foreach (var location in file.SourceCodeInfo?.Location ?? [])
            {
                if (location.LeadingComments.Length > 0 && NameOf(file, location.Path) is { } name)
                {
                    comments[name] = Unwrap(location.LeadingComments);
                }
            }
        }

        return comments;
    }

    private static string? NameOf(FileDescriptorProto file, RepeatedField<int> path)
    {
        if (path.Count < 2)
        {
            return null;
        }

        var prefix = file.Package.Length == 0 ? "" : file.Package + ".";
        switch (path[0])
        {
            case FileService when path.Count == 2:
                return prefix + file.Service[path[1]].Name;
            case FileService when path.Count == 4 && path[2] == ServiceMethod:
                return $"{prefix}{file.Service[path[1]].Name}.{file.Service[path[1]].Method[path[3]].Name}";
            case FileEnum when path.Count == 2:
                return prefix + file.EnumType[path[1]].Name;
            case FileMessage:
                return MessageName(file.MessageType[path[1]], prefix, path);
            default:
                return null;
        }
    }

    private static string? MessageName(DescriptorProto message, string prefix, RepeatedField<int> path)
    {
        var name = prefix + message.Name;
        var at = 2;
        while (at + 1 < path.Count && path[at] == MessageNested)
        {
            message = message.NestedType[path[at + 1]];
            name += "." + message.Name;
            at += 2;
        }

        return at == path.Count ? name
            : at + 2 == path.Count && path[at] == MessageField ? $"{name}.{message.Field[path[at + 1]].Name}"
            : null;
    }

    // A comment is written in lines; the model reads sentences. A blank line stays a paragraph.
    private static string Unwrap(string comment) =>
        string.Join(
            "\n\n",
            comment
                .Trim()
                .Split("\n\n")
                .Select(paragraph =>
                    string.Join(' ', paragraph.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                )
        );
}
