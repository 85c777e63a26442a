namespace Platform.Demo;

/// <summary>The demo cannot go on; the message says why.</summary>
internal sealed class DemoFailedException(string message, Exception? inner = null) : Exception(message, inner);
