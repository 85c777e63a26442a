using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace Aspire.Hosting.Native;

/// <summary>The AppHost's user secrets, where it has a UserSecretsId.</summary>
internal sealed class UserSecretsManager(Assembly? assembly) : IUserSecretsManager
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };
    private static readonly Lock s_lock = new();

    private readonly string? _id = assembly?.GetCustomAttribute<UserSecretsIdAttribute>()?.UserSecretsId;

    public bool IsAvailable => _id is not null;

    public string FilePath => _id is null ? "" : PathHelper.GetSecretsPathFromSecretsId(_id);

    public bool TrySetSecret(string name, string value)
    {
        if (_id is null)
            return false;
        Change(secrets => secrets[name] = value);
        return true;
    }

    public bool TryDeleteSecret(string name)
    {
        if (_id is null)
            return false;
        Change(secrets => secrets.Remove(name));
        return true;
    }

    public void GetOrSetSecret(IConfigurationManager configuration, string name, Func<string> valueGenerator)
    {
        if (!string.IsNullOrEmpty(configuration[name]))
            return;
        var value = Read()[name]?.GetValue<string>();
        if (value is null)
        {
            value = valueGenerator();
            TrySetSecret(name, value);
        }
        configuration.AddInMemoryCollection([new(name, value)]);
    }

    private JsonObject Read() =>
        _id is not null && File.Exists(FilePath) ? JsonNode.Parse(File.ReadAllText(FilePath)) as JsonObject ?? [] : [];

    private void Change(Action<JsonObject> change)
    {
        lock (s_lock)
        {
            var secrets = Read();
            change(secrets);
            Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
            using var stream = new FileStream(FilePath, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            JsonSerializer.Serialize(stream, secrets, s_indented);
        }
    }
}
