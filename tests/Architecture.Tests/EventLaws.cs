using Platform.Contracts;

namespace Platform.Architecture.Tests;

/// <summary>What holds for every event there is.</summary>
public sealed class EventLaws
{
    public static TheoryData<Type> Events =>
        [.. Repository.Contracts.SelectMany(contracts => contracts.GetTypes()).Where(type => type.IsAssignableTo(typeof(IEvent)))];

    [Theory]
    [MemberData(nameof(Events))]
    public void An_event_is_a_sealed_record_that_begins_with_its_three_fields(Type happened)
    {
        Assert.True(happened.IsSealed);
        Assert.NotNull(happened.GetMethod("<Clone>$"));
        Assert.Equal(
            [nameof(IEvent.EventId), nameof(IEvent.WorkspaceId), nameof(IEvent.OccurredAt)],
            happened.GetConstructors().Single().GetParameters().Take(3).Select(parameter => parameter.Name)
        );
    }

    [Fact]
    public void There_are_events() => Assert.NotEmpty(Events);
}
