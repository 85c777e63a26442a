namespace Platform.ServiceDefaults;

/// <summary>Bodies of requests that are read whole.</summary>
public static class RequestBodies
{
    /// <summary>
    /// The body; null when it is longer than <paramref name="maxLength"/> bytes, ends early or breaks the rules of HTTP: whatever is wrong
    /// with it is the sender's to mend. One that comes in chunks tells its length only by ending.
    /// </summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadBodyAsync(this HttpRequest request, int maxLength)
    {
        if (request.ContentLength > maxLength)
        {
            return null;
        }

        var buffer = new byte[(request.ContentLength ?? maxLength) + 1];
        try
        {
            var length = await request.Body.ReadAtLeastAsync(
                buffer,
                buffer.Length,
                throwOnEndOfStream: false,
                request.HttpContext.RequestAborted
            );
            return length > maxLength ? null : buffer.AsMemory(0, length);
        }
        catch (BadHttpRequestException)
        {
            return null;
        }
    }
}
