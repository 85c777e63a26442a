using System.Text.Json.Nodes;

namespace Platform.Identity.Service.Assertions;

internal static class AssertionKeysEndpoint
{
    /// <summary>The public keys of caller assertions as a JWK set (RFC 7517).</summary>
    public static void MapAssertionKeys(this IEndpointRouteBuilder app) =>
        app.MapGet("/.well-known/assertion-keys", async (AssertionKeyRing keys, HttpContext context) =>
        {
            var published = await keys.PublishedAsync(context.RequestAborted);
            context.Response.Headers.CacheControl = "public, max-age=30";
            return Results.Json(
                new JsonObject
                {
                    ["keys"] = new JsonArray([
                        .. published.Select(key => new JsonObject
                        {
                            ["kty"] = key.Kty,
                            ["crv"] = key.Crv,
                            ["use"] = key.Use,
                            ["alg"] = key.Alg,
                            ["kid"] = key.Kid,
                            ["x"] = key.X,
                            ["y"] = key.Y,
                        }),
                    ]),
                }
            );
        });
}
