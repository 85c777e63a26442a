using System.Buffers;
using System.Text;
using Fixture.Contracts.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Platform.Contracts;
using Platform.Edge.Tests.Fixture;
using Platform.Edge.Transcoding;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tests.Tools;

/// <summary>Services measure answers before the edge writes them, and what is large stands in an answer once.</summary>
public sealed class AnswerSizeTests : IAsyncLifetime
{
    private EdgeFixture _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await EdgeFixture.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("plain text of usual length, such as people write it")]
    [InlineData("\"quotes\" \\ and\r\n\tcontrols \u0001\u007f")]
    [InlineData("Zoë Ångström 東京 עברית")]
    [InlineData("\U0001F600\U0001F468\u200d\U0001F469")]
    [InlineData("\u2028\u2029\u00a0\ue000\ufeff\u0378")]
    public void No_answer_is_longer_than_it_was_measured_nor_much_shorter(string text)
    {
        var thing = new Thing
        {
            Text = text,
            Whole = int.MinValue,
            Long = long.MinValue,
            Maybe = 0,
            Real = -1.7976931348623157E+308,
            Flag = true,
            Colour = Colour.DarkRed,
            Moment = Timestamp.FromDateTime(DateTime.MaxValue.ToUniversalTime()),
            Anything = new Json { Utf8 = ByteString.CopyFromUtf8("""{"a":[1,2,"é"]}""") },
            Tags = { text, "b" },
            Numbers = { 1, -1, int.MaxValue },
            Colours = { Colour.Blue, Colour.DarkRed },
            Parts =
            {
                new Part { Text = text },
                new Part(),
            },
            Blob = ByteString.CopyFrom(new byte[100]),
            Key = "secret",
            Signed = long.MaxValue,
            Fixed = ulong.MaxValue,
            ShortReal = float.MinValue,
            Kind = "big",
        };
        thing.Counts.Add("x" + text, -5);
        thing.Named.Add("n" + text, new Part { Text = text });
        foreach (var message in new[] { new Thing(), thing })
        {
            using var json = AnswerDecoder.Decode(new ReadOnlySequence<byte>(message.ToByteArray()), MessageShape.Of(Thing.Descriptor));
            Assert.InRange(JsonSize.Of(message), json.Length, json.Length * 3 / 2 + 150);
        }
    }

    [Fact]
    public async Task A_large_answer_stands_in_structured_content_only_and_the_text_says_so()
    {
        var large = new string('x', 300_000);
        var result = await _edge.CallAsync("echo_thing", $$$"""{"thing":{"anything":{"a":"{{{large}}}"} } }""");
        Assert.Equal(large, result.Structured().GetProperty("thing").GetProperty("anything").GetProperty("a").GetString());
        var text = result.Text();
        Assert.InRange(Encoding.UTF8.GetByteCount(text), 50, 500);
        Assert.Contains("stands in structuredContent only", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_changed_nothing_says_so()
    {
        _edge.BackEnd.Things.EchoOutcome = Outcomes.Unchanged;
        var result = await _edge.CallAsync("echo_thing", """{"thing":{"text":"x"}}""");
        Assert.False(result.Structured().GetProperty("changed").GetBoolean());
        _edge.BackEnd.Things.EchoOutcome = Outcomes.Committed;
        result = await _edge.CallAsync("echo_thing", """{"thing":{"text":"y"}}""");
        Assert.False(result.Structured().TryGetProperty("changed", out _));
    }
}
