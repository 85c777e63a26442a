using System.Text.Json.Nodes;
using Platform.Demo;
using Platform.EndToEnd.Tests;

namespace Platform.Bench.Campaign;

/// <summary>What people do: they sign in, and govern.</summary>
internal sealed partial class Load
{
    private static readonly TimeSpan _signInPatience = TimeSpan.FromSeconds(60);

    // The token that the newest sign-in gave; there is a new one every few seconds.
    private string? _bearer;
    private string _governance = "";
    private string _workspace = "";
    private DemoMember? _person;
    private Uri? _issuer;

    /// <summary>Without an issuer nobody signs in, and nobody governs.</summary>
    public async Task PrepareGovernanceAsync(Endpoints endpoints)
    {
        (_governance, _person, _issuer) = ($"{endpoints.Governance}", endpoints.Owner, endpoints.Issuer);
        if (_issuer is not null)
        {
            await SignInAsync();
            var me = await client.GovernAsync("me", HttpMethod.Get, $"{_governance}/me", _bearer!);
            _workspace = me.Content!["workspaces"]![0]!["id"]!.GetValue<string>();
        }
    }

    private async Task SignInAsync()
    {
        if (_issuer is null)
        {
            return;
        }

        var began = DateTimeOffset.UtcNow;
        var (answer, text) = (Attempt.Ok, (string?)null);
        try
        {
            using var limit = new CancellationTokenSource(_signInPatience);
            _bearer = await AuthorizationCode.SignInAsync(_issuer, "platform-governance", "openid", _person!, limit.Token);
        }
        catch (Exception exception)
        {
            // Whatever page came instead of the expected one.
            (answer, text) = ("503", exception.Message);
        }

        ledger.Add(new Attempt(Kinds.SignIn, "sign in", "", began, DateTimeOffset.UtcNow, answer, text, null));
    }

    private Task ReadSettingsAsync() =>
        _bearer is null
            ? Task.CompletedTask
            : client.GovernAsync("read settings", HttpMethod.Get, $"{_governance}/workspaces/{_workspace}/mcp-settings", _bearer);

    private async Task CreateTokenAsync() => await CreatePersonalTokenAsync();

    private async Task<(string Name, JsonObject? Token)> CreatePersonalTokenAsync()
    {
        var deed = new Deed(Counts.Token, Marker(), 1, IsKeyed: false);
        if (_bearer is null)
        {
            return (deed.Marker, null);
        }

        var attempt = await client.GovernAsync(
            "create token",
            HttpMethod.Post,
            $"{_governance}/workspaces/{_workspace}/personal-tokens",
            _bearer,
            new()
            {
                ["name"] = ledger.Add(deed).Marker,
                ["scopes"] = new JsonArray("workspace:read"),
                ["expiresInDays"] = 1,
            }
        );
        deed.Attempts.Add(attempt with { Content = null });
        return (deed.Marker, attempt.Content);
    }

    private async Task RevokeTokenAsync()
    {
        var (name, token) = await CreatePersonalTokenAsync();
        if (token?["id"]?.GetValue<string>() is { } id)
        {
            var deed = ledger.Add(new Deed(Counts.RevokedToken, name, 1, IsKeyed: false));
            var url = $"{_governance}/workspaces/{_workspace}/personal-tokens/{id}";
            var attempt = await client.GovernAsync("revoke token", HttpMethod.Delete, url, _bearer!);
            deed.Attempts.Add(attempt with { Content = null });
        }
    }
}
