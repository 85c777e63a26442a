using System.Text;
using Platform.Demo;

namespace Platform.EndToEnd.Tests;

/// <summary>What the demo's steps tell, line by line into the output of the running test.</summary>
internal sealed class TestStory : TextWriter
{
    private readonly ITestOutputHelper _output = TestContext.Current.TestOutputHelper!;
    private readonly List<string> _failed = [];

    private TestStory() { }

    public override Encoding Encoding => Encoding.UTF8;

    /// <summary>A story whose failed checks fail the test.</summary>
    public static (Story Story, TestStory Lines) Begin()
    {
        var lines = new TestStory();
        return (new Story(lines), lines);
    }

    public override void WriteLine(string? value)
    {
        _output.WriteLine(value ?? "");
        if (value?.Contains("FAILED", StringComparison.Ordinal) == true)
        {
            _failed.Add(value.Trim());
        }
    }

    public void AssertNothingFailed() => Assert.True(_failed.Count == 0, string.Join('\n', _failed));
}
