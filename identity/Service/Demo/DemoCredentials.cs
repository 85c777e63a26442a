using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Platform.Contracts;
using Platform.ServiceDefaults;

namespace Platform.Identity.Service.Demo;

/// <summary>A member of the demo workspace, as directory seeds it.</summary>
internal sealed record DemoMember(string Role, string Username, string Email, string DisplayName, string Password);

/// <summary>What a person needs to try the demo workspace.</summary>
internal sealed record DemoCredential(string Role, string Username, string Password, string Token);

/// <summary>
/// Usernames, passwords and personal tokens of the demo members, in a file for whoever started the platform. What an earlier start wrote is
/// kept.
/// </summary>
internal sealed class DemoCredentials
{
    // Directory seeds them under these addresses.
    private static readonly (string Role, string Email, string DisplayName)[] _seeded =
    [
        (Roles.Owner, "owner@demo.example", "Olivia Owner"),
        (Roles.Editor, "editor@demo.example", "Edgar Editor"),
        (Roles.Viewer, "viewer@demo.example", "Vera Viewer"),
    ];

    private readonly string _path;

    public DemoCredentials(IOptions<DemoOptions> options)
    {
        _path = options.Value.CredentialsPath;
        Earlier = Read();
        Members = !options.Value.Seed
            ? []
            :
            [
                .. _seeded.Select(seeded => new DemoMember(
                    seeded.Role,
                    seeded.Role,
                    seeded.Email,
                    seeded.DisplayName,
                    options.Value.Passwords.GetValueOrDefault(seeded.Role)
                        ?? Earlier.FirstOrDefault(credential => credential.Username == seeded.Role)?.Password
                        ?? RandomNumberGenerator.GetHexString(24, lowercase: true)
                )),
            ];
    }

    /// <summary>None outside Development.</summary>
    public IReadOnlyList<DemoMember> Members { get; }

    public IReadOnlyList<DemoCredential> Earlier { get; }

    public void Write(IReadOnlyList<DemoCredential> credentials)
    {
        if (_path.Length == 0)
        {
            return;
        }

        var path = Path.GetFullPath(_path);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        // Whoever reads it finds the whole file or none.
        var draft = $"{path}.{Environment.ProcessId}";
        using (var file = OwnersFile.Open(draft, FileMode.Create))
        {
            JsonSerializer.Serialize(file, new CredentialsFile(credentials), JsonSerializerOptions.Web);
        }

        File.Move(draft, path, overwrite: true);
    }

    private IReadOnlyList<DemoCredential> Read()
    {
        try
        {
            return File.Exists(_path)
                ? JsonSerializer.Deserialize<CredentialsFile>(File.ReadAllText(_path), JsonSerializerOptions.Web)?.Members ?? []
                : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private sealed record CredentialsFile(IReadOnlyList<DemoCredential> Members);
}
