using System.Text.Json;
using Microsoft.Extensions.Logging;
using Platform.ServiceDefaults;

namespace Platform.Identity.EmbeddedRealm.State;

/// <summary>
/// The realms of a data folder, one file each. A file is replaced as a whole, after its content has reached the disk, so a crash leaves the
/// one before or the one after.
/// </summary>
internal sealed partial class RealmStore(RealmOptions options, TimeProvider time, ILogger<RealmStore> log)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PreferredObjectCreationHandling = System.Text.Json.Serialization.JsonObjectCreationHandling.Replace,
    };

    private readonly Dictionary<string, ServedRealm> _realms = [];

    /// <summary>Reads what is there, and imports the realm files whose realms are not.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.DataDirectory);
        foreach (var file in Directory.EnumerateFiles(options.DataDirectory, "*.realm.json"))
        {
            var name = Path.GetFileName(file)[..^".realm.json".Length];
            await using var content = File.OpenRead(file);
            try
            {
                Add(
                    name,
                    await JsonSerializer.DeserializeAsync<RealmState>(content, s_json, cancellationToken)
                        ?? throw new JsonException("It is empty.")
                );
            }
            catch (JsonException exception)
            {
                throw new RealmStartException($"{file} cannot be read ({exception.Message}). Remove it to begin with the realm file anew.");
            }

            LogOpened(name, file);
        }

        foreach (
            var file in options.Imports.SelectMany(import => Directory.Exists(import) ? Directory.GetFiles(import, "*.json") : [import])
        )
        {
            var imported = RealmImport.Read(await File.ReadAllTextAsync(file, cancellationToken), options.Placeholders);
            var name = (string?)imported["realm"] ?? throw new RealmStartException($"{file} does not name its realm.");
            if (Find(name) is null)
            {
                await CreateAsync(imported, cancellationToken);
                LogImported(name, file);
            }
        }
    }

    public ServedRealm? Find(string name)
    {
        lock (_realms)
        {
            return _realms.GetValueOrDefault(name);
        }
    }

    /// <summary>Null when there is one of that name.</summary>
    public async Task<ServedRealm?> CreateAsync(System.Text.Json.Nodes.JsonObject file, CancellationToken cancellationToken)
    {
        var name = (string)file["realm"]!;
        if (name.Length == 0 || name == "master" || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_'))
        {
            throw new RealmStartException($"'{name}' cannot be a realm's name here: letters, digits, '-' and '_', and not 'master'.");
        }

        var state = RealmImport.Create(file, options.PublicUrl, time);
        ServedRealm realm;
        lock (_realms)
        {
            if (_realms.ContainsKey(name))
            {
                return null;
            }

            realm = Add(name, state);
        }
        await SaveAsync(realm, JsonSerializer.SerializeToUtf8Bytes(state, s_json), realm.NextVersion(), cancellationToken);
        return realm;
    }

    /// <summary>The realm as it is now, to be written; null when nothing changed. Called while nobody else changes it.</summary>
    public static (byte[] Content, long Version)? Snapshot(ServedRealm realm) =>
        realm.TakeChanged() ? (JsonSerializer.SerializeToUtf8Bytes(realm.State, s_json), realm.NextVersion()) : null;

    /// <summary>Returns when this or a later state is on the disk.</summary>
    public async Task SaveAsync(ServedRealm realm, byte[] content, long version, CancellationToken cancellationToken)
    {
        await realm.Writing.WaitAsync(cancellationToken);
        try
        {
            if (realm.WrittenVersion >= version)
            {
                return;
            }

            var file = Path.Combine(options.DataDirectory, $"{realm.Name}.realm.json");
            await using (var stream = OwnersFile.Open(file + ".new", FileMode.Create))
            {
                await stream.WriteAsync(content, CancellationToken.None);
                stream.Flush(flushToDisk: true);
            }
            File.Move(file + ".new", file, overwrite: true);
            realm.WrittenVersion = version;
        }
        finally
        {
            realm.Writing.Release();
        }
    }

    private ServedRealm Add(string name, RealmState state) => _realms[name] = new ServedRealm(name, options.PublicUrl, state, time);

    [LoggerMessage(9002, LogLevel.Information, "Serving realm {Realm} as it was left in {File}")]
    private partial void LogOpened(string realm, string file);

    [LoggerMessage(9003, LogLevel.Information, "Serving realm {Realm} from its file {File}")]
    private partial void LogImported(string realm, string file);
}
