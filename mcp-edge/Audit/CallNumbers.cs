using System.Collections.Concurrent;
using System.IO.MemoryMappedFiles;
using Microsoft.Extensions.Options;
using Platform.Audit.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults;

namespace Platform.Edge.Audit;

/// <summary>
/// Numbers the records of each workspace. How far it has counted is in a file that outlives this process however it ends: the next run
/// tells audit, and what was numbered and never sent becomes a gap in the log.
/// </summary>
internal sealed class CallNumbers : IDisposable
{
    private const string Extension = ".numbers";
    private const int IdLength = 16;
    private const int EntryLength = IdLength + sizeof(long);

    // A workspace past these is counted in memory alone.
    private const int MaxWorkspaces = 40_000;
    private const int MaxTold = 1000;

    private readonly ConcurrentDictionary<string, Counter> _counters = new(StringComparer.Ordinal);
    private readonly string _directory;
    private readonly string _path;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private int _used;

    public CallNumbers(IOptions<AuditOptions> options)
    {
        _directory = options.Value.SpoolDirectory;
        System.IO.Directory.CreateDirectory(_directory);
        Instance = Guid.CreateVersion7().ToString();
        _path = Path.Combine(_directory, Instance + Extension);
        // Held locked while this process lives, so that nobody takes it for ended.
        var file = OwnersFile.Open(_path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        const int Length = MaxWorkspaces * EntryLength;
        _file = MemoryMappedFile.CreateFromFile(file, null, Length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, false);
        _view = _file.CreateViewAccessor(0, Length);
    }

    /// <summary>This run, which every record of it names.</summary>
    public string Instance { get; }

    /// <summary>The next number of a workspace, from 1.</summary>
    /// <param name="workspace"><c>wks_…</c>, or empty.</param>
    public long Next(string workspace) => _counters.GetOrAdd(workspace, Open).Next();

    /// <summary>How far this run has counted.</summary>
    public IReadOnlyList<LastNumber> Given() =>
        [.. _counters.Select(counter => new LastNumber { WorkspaceId = counter.Key, Number = counter.Value.Last })];

    /// <summary>Tells of runs that have ended, and forgets those that were taken. False when one was not.</summary>
    public async Task<bool> TellEndedAsync(Func<string, IReadOnlyList<LastNumber>, Task<bool>> tell)
    {
        foreach (var path in System.IO.Directory.EnumerateFiles(_directory, $"*{Extension}").Where(path => path != _path))
        {
            if (Read(path) is not { } numbers)
            {
                continue;
            }

            foreach (var some in numbers.Chunk(MaxTold))
            {
                if (!await tell(Path.GetFileNameWithoutExtension(path), some))
                {
                    return false;
                }
            }

            File.Delete(path);
        }

        return true;
    }

    /// <summary>Nothing of this run is left to tell.</summary>
    public void Forget() => File.Delete(_path);

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }

    private Counter Open(string workspace)
    {
        var offset = (long)(Interlocked.Increment(ref _used) - 1) * EntryLength;
        if (offset + EntryLength > _view.Capacity)
        {
            return new Counter(null, 0);
        }

        var id = workspace.Length > 0 && Ids.TryParse("wks", workspace, out var known) ? known : Guid.Empty;
        _view.WriteArray(offset, id.ToByteArray(), 0, IdLength);
        return new Counter(_view, offset + IdLength);
    }

    // Null while its process lives.
    private static List<LastNumber>? Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return
            [
                .. bytes
                    .Chunk(EntryLength)
                    .Where(entry => entry.Length == EntryLength && BitConverter.ToInt64(entry, IdLength) > 0)
                    .Select(entry => (Id: new Guid(entry.AsSpan(0, IdLength)), Number: BitConverter.ToInt64(entry, IdLength)))
                    .Select(entry => new LastNumber
                    {
                        WorkspaceId = entry.Id == Guid.Empty ? "" : Ids.Format("wks", entry.Id),
                        Number = entry.Number,
                    }),
            ];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private sealed class Counter(MemoryMappedViewAccessor? view, long offset)
    {
        private readonly Lock _counting = new();

        public long Last { get; private set; }

        public long Next()
        {
            lock (_counting)
            {
                Last++;
                view?.Write(offset, Last);
                return Last;
            }
        }
    }
}
