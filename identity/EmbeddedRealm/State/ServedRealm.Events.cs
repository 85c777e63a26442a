using System.Text.Json.Nodes;

namespace Platform.Identity.EmbeddedRealm.State;

internal sealed partial class ServedRealm
{
    /// <summary>How many events of a kind are kept, whatever <c>eventsExpiration</c> says.</summary>
    public const int MaxEvents = 5000;

    /// <summary>Something that a person or a client did.</summary>
    public void Record(
        string type,
        string? clientId,
        string? address,
        string? userId = null,
        string? sessionId = null,
        string? error = null,
        params ReadOnlySpan<(string Name, string? Value)> details
    )
    {
        if (!IsOn("eventsEnabled"))
        {
            return;
        }

        var happened = Event();
        happened["type"] = type;
        happened["clientId"] = clientId;
        happened["userId"] = userId;
        happened["sessionId"] = sessionId;
        happened["ipAddress"] = address;
        if (error is not null)
        {
            happened["error"] = error;
        }

        var described = new JsonObject();
        foreach (var (detail, value) in details)
        {
            if (value is not null)
            {
                described[detail] = value;
            }
        }
        happened["details"] = described;
        Keep(State.Events, happened);
    }

    /// <summary>Something that an administrator did.</summary>
    public void RecordAdministration(
        string operation,
        string resourceType,
        string resourcePath,
        string? byUser,
        string? byClient,
        string? address
    )
    {
        if (!IsOn("adminEventsEnabled"))
        {
            return;
        }

        var happened = Event();
        happened["operationType"] = operation;
        happened["resourceType"] = resourceType;
        happened["resourcePath"] = resourcePath;
        happened["authDetails"] = new JsonObject
        {
            ["realmId"] = State.Id,
            ["clientId"] = byClient,
            ["userId"] = byUser,
            ["ipAddress"] = address,
        };
        Keep(State.AdminEvents, happened);
    }

    private JsonObject Event() =>
        new()
        {
            ["id"] = Guid.NewGuid().ToString(),
            ["time"] = Now.ToUnixTimeMilliseconds(),
            ["realmId"] = State.Id,
        };

    private void Keep(List<JsonObject> events, JsonObject happened)
    {
        events.Add(happened);
        var oldest = (Now - Seconds("eventsExpiration", 2592000)).ToUnixTimeMilliseconds();
        events.RemoveRange(0, Math.Max(events.TakeWhile(old => (long)old["time"]! < oldest).Count(), events.Count - MaxEvents));
        Changed();
    }
}
