namespace Platform.Native.Servers;

/// <summary>A server could not be started; the message ends with the last lines it wrote.</summary>
public sealed class ServerStartException : Exception
{
    public ServerStartException(string server, string reason, IReadOnlyList<string> lastOutput)
        : base(lastOutput.Count == 0
            ? $"{server}: {reason}."
            : $"{server}: {reason}. Its last output:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", lastOutput.TakeLast(20))}")
    {
        LastOutput = lastOutput;
    }

    public ServerStartException(string message) : base(message) => LastOutput = [];

    public ServerStartException(string message, Exception innerException) : base(message, innerException) => LastOutput = [];

    public ServerStartException() => LastOutput = [];

    public IReadOnlyList<string> LastOutput { get; }
}
