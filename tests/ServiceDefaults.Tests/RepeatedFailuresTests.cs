using System.Net.Sockets;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Platform.ServiceDefaults.Telemetry;
using Platform.Testing;

namespace Platform.ServiceDefaults.Tests;

public sealed partial class RepeatedFailuresTests : IDisposable
{
    private readonly CapturedLog _written = new();
    private readonly TestClock _clock = new() { Speed = 100 };
    private readonly ServiceProvider _services;
    private readonly ILoggerFactory _loggers;

    public RepeatedFailuresTests()
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(_clock);
        services.AddLogging(logging => logging.AddProvider(_written));
        RepeatedFailures.AddTo(services);
        _services = services.BuildServiceProvider();
        _loggers = _services.GetRequiredService<ILoggerFactory>();
    }

    public void Dispose() => _services.Dispose();

    public static TheoryData<Exception> Outages =>
        [
            new SocketException((int)SocketError.ConnectionRefused),
            new NpgsqlException("Failed to connect", new SocketException((int)SocketError.ConnectionRefused)),
            new RpcException(new Status(StatusCode.Unavailable, "away")),
            new MassTransit.RabbitMqConnectionException("Broker unreachable"),
            new RabbitMQ.Client.Exceptions.BrokerUnreachableException(new IOException("Connection reset by peer")),
            new InvalidOperationException("No keys.", new HttpRequestException("503")),
            new TimeoutException("The broker has not confirmed."),
            new Away("Keycloak answered 502."),
        ];

    [Theory]
    [MemberData(nameof(Outages), DisableDiscoveryEnumeration = true)]
    public void An_outage_is_one_line_without_a_stack_however_many_calls_it_fails(Exception outage)
    {
        var log = _loggers.CreateLogger("Library");
        for (var call = 0; call < 1000; call++)
        {
            CallFailed(log, Thrown(outage), call);
        }

        var line = Assert.Single(_written.Entries);
        Assert.StartsWith($"0 failed: {outage.GetType().Name}: ", line.Text, StringComparison.Ordinal);
        Assert.Null(line.Exception);
    }

    [Fact]
    public async Task The_count_is_told_when_the_minute_is_over_and_once_a_minute_while_it_goes_on()
    {
        var log = _loggers.CreateLogger("Library");
        Fail(5);
        _clock.Advance(TimeSpan.FromSeconds(61));
        await Eventually.True(() => _written.Entries.Count == 2);
        Assert.EndsWith("(4 more of this kind in 61 s)", _written.Entries.Last().Text, StringComparison.Ordinal);

        Fail(3);
        _clock.Advance(TimeSpan.FromSeconds(61));
        await Eventually.True(() => _written.Entries.Count == 3);
        Assert.Contains("(3 more of this kind in ", _written.Entries.Last().Text, StringComparison.Ordinal);

        void Fail(int times)
        {
            for (var call = 0; call < times; call++)
            {
                Failed(log, Thrown(new TimeoutException("slow")));
            }
        }
    }

    [Fact]
    public void The_count_is_told_when_the_process_ends()
    {
        var log = _loggers.CreateLogger("Library");
        Failed(log, Thrown(new TimeoutException("slow")));
        Failed(log, Thrown(new TimeoutException("slow")));
        _services.Dispose();

        Assert.Contains("(1 more of this kind in ", _written.Entries.Last().Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_nobody_foresaw_keeps_its_stack_and_another_place_is_another_failure()
    {
        var log = _loggers.CreateLogger("Ours");
        for (var call = 0; call < 3; call++)
        {
            Failed(log, Thrown(new InvalidOperationException("bug")));
            Failed(log, ThrownElsewhere(new InvalidOperationException("bug")));
        }

        Assert.Equal(2, _written.Entries.Count);
        Assert.All(_written.Entries, line => Assert.Contains("at Platform.", line.Exception!.StackTrace, StringComparison.Ordinal));
    }

    [Fact]
    public void Other_failures_of_the_same_logger_and_what_is_no_failure_are_written()
    {
        var log = _loggers.CreateLogger("Library");
        Failed(log, Thrown(new SocketException((int)SocketError.ConnectionRefused)));
        Failed(log, Thrown(new SocketException((int)SocketError.HostUnreachable)));
        Waits(log, Thrown(new SocketException((int)SocketError.HostUnreachable)));
        for (var line = 0; line < 20; line++)
        {
            GoesOn(log);
        }

        Assert.Equal(23, _written.Entries.Count);
    }

    [Fact]
    public void Warnings_without_an_exception_are_counted_after_the_tenth()
    {
        var log = _loggers.CreateLogger("Ours");
        for (var gap = 0; gap < 25; gap++)
        {
            Gap(log, 1);
        }

        Assert.Equal(10, _written.Entries.Count);
        _services.Dispose();
        Assert.Contains("(15 more of this kind in ", _written.Entries.Last().Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_warning_that_repeats_does_not_hide_the_same_about_something_else()
    {
        var log = _loggers.CreateLogger("Ours");
        for (var time = 0; time < 500; time++)
        {
            Gap(log, 1);
        }

        Gap(log, 2);
        Assert.Equal(11, _written.Entries.Count);
    }

    [Fact]
    public void Warnings_of_which_each_is_about_something_else_are_counted_after_the_hundredth()
    {
        var log = _loggers.CreateLogger("Ours");
        for (var gap = 0; gap < 3000; gap++)
        {
            Gap(log, gap);
        }

        Assert.Equal(100, _written.Entries.Count);
        _services.Dispose();
        Assert.Contains("(2900 more of this kind in ", _written.Entries.Last().Text, StringComparison.Ordinal);
    }

    private static Exception Thrown(Exception exception)
    {
        try
        {
            throw exception;
        }
        catch (Exception caught)
        {
            return caught;
        }
    }

    private static Exception ThrownElsewhere(Exception exception)
    {
        try
        {
            throw exception;
        }
        catch (Exception caught)
        {
            return caught;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "{Call} failed")]
    private static partial void CallFailed(ILogger log, Exception exception, int call);

    [LoggerMessage(2, LogLevel.Error, "It failed")]
    private static partial void Failed(ILogger log, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "It waits")]
    private static partial void Waits(ILogger log, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "It goes on")]
    private static partial void GoesOn(ILogger log);

    [LoggerMessage(5, LogLevel.Warning, "A gap at {Gap}")]
    private static partial void Gap(ILogger log, int gap);

    private sealed class Away(string message) : ForeseenException(message);
}
