using System.Text;
using System.Text.Json;
using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Data.Contracts;
using Platform.Directory.Contracts;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;
using Platform.Edge.Compact;
using Platform.Identity.Contracts;
using Platform.Identity.Contracts.V1;

namespace Platform.Edge.Tests.Tools;

/// <summary>The tools of the product, and people who look at them.</summary>
internal static class Product
{
    public static readonly ToolSurface Surface = new(
        ToolCatalogue.Join(IdentityContract.Catalogue, DirectoryContract.Catalogue, DataContract.Catalogue, AuditContract.Catalogue),
        Toolsets.Default
    );

    public static readonly UrlNarrowing PlainUrl = new(null, false, "", "", false, "");

    /// <summary>The tools that an owner is shown behind a URL.</summary>
    public static List<(string Name, JsonElement Schema)> Listed(UrlNarrowing narrowing)
    {
        var owner = Caller(Roles.Owner);
        using var list = narrowing.ShowsOperations
            ? new CompactSurface(Surface).List(owner, narrowing, isModern: false, pageSize: 1000, null)
            : Surface.List(owner, narrowing, isModern: false, pageSize: 1000, null);
        return
        [
            .. JsonElement
                .Parse($"{{{Encoding.UTF8.GetString(list.WrittenSpan)}}}")
                .GetProperty("tools")
                .EnumerateArray()
                .Select(tool => (tool.GetProperty("name").GetString()!, tool.GetProperty("inputSchema"))),
        ];
    }

    /// <summary>Somebody in this role with a personal token of every scope.</summary>
    public static ResolvedCaller Caller(string role) =>
        new(
            new ResolveCallerResponse
            {
                Caller = new Caller
                {
                    Token = new CallerToken { Kind = "personal", TokenId = "tok_1" },
                    Switches = new Switches { Enabled = true, WriteAccess = true },
                    RolePermissions = { Roles.PermissionsOf(role) },
                    Scopes = { Scopes.All },
                },
            }
        );
}
