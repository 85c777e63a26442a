using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;
using Platform.ServiceDefaults.Calls;

namespace Platform.Data.Service.Queries;

/// <summary>Where a page ended. Sealed, because it holds values of records, and bound to the query it came from.</summary>
internal sealed class Cursors(IDataProtectionProvider protection)
{
    private readonly IDataProtector _protector = protection.CreateProtector("cursor.v1");

    public string Seal(byte[] query, params IReadOnlyList<string?> keys) =>
        WebEncoders.Base64UrlEncode(_protector.Protect(JsonSerializer.SerializeToUtf8Bytes(new Position(query, keys))));

    /// <summary>The keys of the last row before the page; null for the first page.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: the cursor is damaged, or of another query.</exception>
    public IReadOnlyList<string?>? Open(string cursor, byte[] query)
    {
        if (cursor.Length == 0)
        {
            return null;
        }

        Position? position = null;
        try
        {
            position = JsonSerializer.Deserialize<Position>(_protector.Unprotect(WebEncoders.Base64UrlDecode(cursor)));
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException or JsonException)
        {
            // Refused below, like a cursor of another query.
        }

        return position is not null && position.Query.AsSpan().SequenceEqual(query)
            ? position.Keys
            : throw Problem.Invalid(
                "cursor",
                "does not belong to this query",
                "Pass the nextCursor of the page before with the same arguments, or none to start again."
            );
    }

    /// <summary>What stands behind the entry that a cursor names, in a list that is read whole.</summary>
    /// <param name="all">The list.</param>
    /// <param name="isLast">Whether it is that entry.</param>
    /// <returns>With that entry.</returns>
    /// <exception cref="RpcException">INVALID_ARGUMENT: the entry is gone, so nobody can tell what stood behind it.</exception>
    public static IEnumerable<T> From<T>(IEnumerable<T> all, Func<T, bool> isLast) =>
        all.SkipWhile(one => !isLast(one)).ToList() is { Count: > 0 } rest
            ? rest
            : throw Problem.Invalid("cursor", "stands behind an entry that is gone", "Leave it out to start again.");

    private sealed record Position(byte[] Query, IReadOnlyList<string?> Keys);
}
