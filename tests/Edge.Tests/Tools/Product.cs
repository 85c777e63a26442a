using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Contracts.Catalogue;
using Platform.Data.Contracts;
using Platform.Directory.Contracts;
using Platform.Edge.Callers;
using Platform.Edge.Catalogue;
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
