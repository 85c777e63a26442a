using System.Diagnostics;

namespace Platform.Demo;

/// <summary>Tells what happens while it happens.</summary>
internal sealed class Story(TextWriter output, bool interactive = false)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private int _chapter;

    public bool Failed { get; private set; }

    public void Chapter(string title) => output.WriteLine($"\n{++_chapter}. {title}  [{_clock.Elapsed.TotalSeconds:0.0} s]");

    public void Say(string line) => output.WriteLine($"   {line}");

    /// <summary>Something that has to be true, and whether it is.</summary>
    public void Check(bool holds, string line)
    {
        Failed |= !holds;
        output.WriteLine($"   {(holds ? "ok    " : "FAILED")} {line}");
    }

    public void Fail(string line) => Check(false, line);

    /// <summary>A line that is written over on a terminal; elsewhere about ten lines in all.</summary>
    public void Progress(int done, int total, string unit)
    {
        if (interactive)
        {
            output.Write($"\r   {done}/{total} {unit}{(done == total ? "\n" : "")}");
        }
        else if (done == total || done * 10 / total > (done - 100) * 10 / total)
        {
            output.WriteLine($"   {done}/{total} {unit}");
        }
    }

    public void Table(IReadOnlyList<string> head, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = head.Select((name, column) => rows.Select(row => row[column].Length).Append(name.Length).Max()).ToList();
        foreach (var row in rows.Prepend([.. widths.Select(width => new string('-', width))]).Prepend(head))
        {
            output.WriteLine("   " + string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }
}
