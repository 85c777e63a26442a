namespace Platform.Native.Feed;

/// <summary>A reason for which the feed cannot be filled, said in words for the person at the terminal.</summary>
public sealed class FeedException : Exception
{
    public FeedException()
    {
    }

    public FeedException(string message)
        : base(message)
    {
    }

    public FeedException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
