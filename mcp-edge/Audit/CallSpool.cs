using Google.Protobuf;
using Microsoft.Extensions.Options;
using Platform.Audit.Contracts.V1;
using Platform.ServiceDefaults;

namespace Platform.Edge.Audit;

/// <summary>
/// Keeps the records that audit could not take, on disk, so that a refusal outlives this process. Each run writes a file of its own and
/// holds it locked; what earlier runs left is taken over.
/// </summary>
internal sealed partial class CallSpool : IDisposable
{
    private const string Extension = ".calls";
    private const int Batch = 500;

    private readonly Lock _writing = new();
    private readonly string _directory;
    private readonly long _limit;
    private readonly ILogger<CallSpool> _log;
    private FileStream? _file;
    private int _part;
    private long _before;

    public CallSpool(IOptions<AuditOptions> options, ILogger<CallSpool> log)
    {
        _directory = options.Value.SpoolDirectory;
        _limit = options.Value.MaxSpoolBytes;
        _log = log;
        System.IO.Directory.CreateDirectory(_directory);
    }

    /// <summary>
    /// How many of the records are on disk now: fewer when the spool is full or the disk refuses. The others are lost, and their missing
    /// numbers tell so.
    /// </summary>
    public int Append(string instance, IReadOnlyList<CallRecord> records)
    {
        var kept = 0;
        lock (_writing)
        {
            try
            {
                if (_file is null)
                {
                    _before = Files().Sum(path => new FileInfo(path).Length);
                    _file = OwnersFile.Open(PathOf(instance, ++_part), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
                }

                foreach (var record in records)
                {
                    if (_before + _file.Length + record.CalculateSize() > _limit)
                    {
                        LogFull(_limit);
                        break;
                    }

                    record.WriteDelimitedTo(_file);
                    kept++;
                }

                _file.Flush(flushToDisk: true);
                return kept;
            }
            catch (IOException exception)
            {
                LogBroken(exception);
                return 0;
            }
        }
    }

    /// <summary>Sends what waits, oldest run first. False when something was refused: it goes on there the next time.</summary>
    public async Task<bool> DrainAsync(Func<string, IReadOnlyList<CallRecord>, Task<bool>> send)
    {
        lock (_writing)
        {
            _file?.Dispose();
            _file = null;
        }
        foreach (var path in Files().Order(StringComparer.Ordinal))
        {
            if (!await TrySendAsync(path, send))
            {
                return false;
            }
        }

        return true;
    }

    private static async Task<bool> TrySendAsync(string path, Func<string, IReadOnlyList<CallRecord>, Task<bool>> send)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            // Another edge writes it at the moment.
            return true;
        }
        await using (file)
        {
            var instance = Path.GetFileName(path).Split('_')[0];
            var batch = new List<CallRecord>(Batch);
            while (true)
            {
                var record = Read(file);
                if (record is not null)
                {
                    batch.Add(record);
                }

                if (batch.Count > 0 && (record is null || batch.Count == Batch))
                {
                    if (!await send(instance, batch))
                    {
                        return false;
                    }

                    batch.Clear();
                }
                if (record is null)
                {
                    break;
                }
            }
        }
        File.Delete(path);
        return true;
    }

    private static CallRecord? Read(FileStream file)
    {
        try
        {
            return file.Position < file.Length ? CallRecord.Parser.ParseDelimitedFrom(file) : null;
        }
        catch (InvalidProtocolBufferException)
        {
            // The process died while it wrote the last record, before anybody was answered.
            return null;
        }
    }

    private IEnumerable<string> Files() => System.IO.Directory.EnumerateFiles(_directory, $"*{Extension}");

    private string PathOf(string instance, int part) => Path.Combine(_directory, $"{instance}_{part:D6}{Extension}");

    public void Dispose() => _file?.Dispose();

    [LoggerMessage(2201, LogLevel.Error, "The spool of call records is full at {Limit} bytes; a record is lost")]
    private partial void LogFull(long limit);

    [LoggerMessage(2202, LogLevel.Error, "The spool of call records cannot be written; a record is lost")]
    private partial void LogBroken(Exception exception);
}
