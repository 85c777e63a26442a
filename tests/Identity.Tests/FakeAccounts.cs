using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Platform.Identity.Tests;

/// <summary>An account of the realm, with both of its names or none.</summary>
internal sealed record FakeAccount(string Password, string? FirstName = null, string? LastName = null);

/// <summary>
/// The accounts of a realm as joining sees them: they are looked up by address and created with a password of at least 12 characters
/// and a name without brackets.
/// </summary>
internal sealed class FakeAccounts
{
    public const string Rule = "At least 12 characters.";
    private const string Realm = "/admin/realms/platform";

    /// <summary>By address.</summary>
    public ConcurrentDictionary<string, FakeAccount> Accounts { get; } = new();

    /// <summary>The addresses that somebody asked about.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>The addresses that got an account from here.</summary>
    public ConcurrentQueue<string> Created { get; } = new();

    public bool IsAway { get; set; }

    /// <summary>Whether a new account is created and the connection breaks before the answer.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>Runs before an account is created.</summary>
    public Func<Task> Before { get; set; } = () => Task.CompletedTask;

    public void Map(WebApplication app)
    {
        app.MapGet(Realm, () => Results.Json(new { passwordPolicy = "length(12)" }));
        app.MapGet($"{Realm}/users", (string? email, string? username) => Find((email ?? username)!));
        app.MapPost($"{Realm}/users", (JsonNode account, HttpContext http) => CreateAsync(account, http));
    }

    private IResult Find(string email)
    {
        if (IsAway)
        {
            return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        }

        Asked.Enqueue(email);
        return Results.Json(
            Accounts.TryGetValue(email, out var account)
                ?
                [
                    new
                    {
                        id = email,
                        username = email,
                        email,
                        firstName = account.FirstName,
                        lastName = account.LastName,
                    },
                ]
                : Array.Empty<object>()
        );
    }

    private async Task<IResult> CreateAsync(JsonNode account, HttpContext http)
    {
        if (IsAway)
        {
            return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        }

        var (email, password) = ((string)account["email"]!, (string)account["credentials"]![0]!["value"]!);
        if (password.Length < 12)
        {
            return Results.Json(new { error = "invalidPasswordMinLengthMessage" }, statusCode: StatusCodes.Status400BadRequest);
        }

        if ($"{account["firstName"]} {account["lastName"]}".Contains('[', StringComparison.Ordinal))
        {
            var errors = new[] { new { field = "firstName" }, new { field = "lastName" } };
            return Results.Json(new { errors }, statusCode: StatusCodes.Status400BadRequest);
        }

        await Before();
        if (!Accounts.TryAdd(email, new(password, (string?)account["firstName"], (string?)account["lastName"])))
        {
            return Results.Conflict();
        }

        Created.Enqueue(email);
        if (LosesAnswers)
        {
            http.Abort();
        }

        return Results.StatusCode(StatusCodes.Status201Created);
    }
}
