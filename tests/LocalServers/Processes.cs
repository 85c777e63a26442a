using System.Globalization;

namespace Platform.LocalServers;

/// <summary>What /proc says about processes.</summary>
internal static class Processes
{
    /// <summary>Every process of the session that this process is in.</summary>
    public static IEnumerable<int> OfSession(int process)
    {
        var session = Field(process, 3);
        return All().Where(p => Field(p, 3) == session);
    }

    /// <summary>Every process that descends from this one.</summary>
    public static IEnumerable<int> Below(int process)
    {
        var children = All().ToLookup(p => Field(p, 1));
        var open = new Stack<int>([process]);
        while (open.TryPop(out var next))
        {
            foreach (var child in children[next.ToString(CultureInfo.InvariantCulture)])
            {
                open.Push(child);
                yield return child;
            }
        }
    }

    public static IEnumerable<int> All() =>
        Directory
            .GetDirectories("/proc")
            .Select(Path.GetFileName)
            .Select(n => int.TryParse(n, CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0);

    public static string Name(int process) => Read($"/proc/{process}/comm").Trim();

    public static string CommandLine(int process) => Read($"/proc/{process}/cmdline").Replace('\0', ' ');

    /// <summary>Whether the process was given this variable, written NAME=value.</summary>
    public static bool HasVariable(int process, string variable) => Read($"/proc/{process}/environ").Split('\0').Contains(variable);

    /// <summary>Whether the process works in this folder.</summary>
    public static bool WorksIn(int process, string folder) =>
        (new FileInfo($"/proc/{process}/cwd").LinkTarget ?? "").StartsWith(folder, StringComparison.Ordinal);

    /// <summary>The hexadecimal IPv4 addresses on which the process listens.</summary>
    public static IEnumerable<string> ListenAddresses(int process)
    {
        var sockets = Directory.Exists($"/proc/{process}/fd")
            ? Directory
                .GetFiles($"/proc/{process}/fd")
                .Select(f => new FileInfo(f).LinkTarget ?? "")
                .Where(t => t.StartsWith("socket:[", StringComparison.Ordinal))
                .Select(t => t[8..^1])
                .ToHashSet()
            : [];
        return Read($"/proc/{process}/net/tcp")
            .Split('\n')
            .Skip(1)
            .Concat(Read($"/proc/{process}/net/tcp6").Split('\n').Skip(1))
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f.Length > 9 && f[3] == "0A" && sockets.Contains(f[9]))
            .Select(f => f[1].Split(':')[0])
            .ToList();
    }

    private static string Field(int process, int afterName)
    {
        var stat = Read($"/proc/{process}/stat");
        return stat.Length == 0 ? "" : stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[afterName];
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
        catch (UnauthorizedAccessException)
        {
            return "";
        }
    }
}
