using System.Net;
using Platform.Audit.Service.Sinks;

namespace Platform.Audit.Tests;

public sealed class OutboundConnectionsTests
{
    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.32.0.1")]
    [InlineData("100.128.0.1")]
    [InlineData("2606:4700::1111")]
    [InlineData("::ffff:8.8.8.8")]
    public void A_public_address_is_allowed(string address) =>
        Assert.True(OutboundConnections.IsAllowed(IPAddress.Parse(address), allowLoopback: false));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.8.9.10")]
    [InlineData("169.254.169.254")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.0.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::127.0.0.1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("ff02::1")]
    public void An_address_that_is_not_public_is_refused(string address) =>
        Assert.False(OutboundConnections.IsAllowed(IPAddress.Parse(address), allowLoopback: false));

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("10.0.0.1", false)]
    [InlineData("169.254.169.254", false)]
    public void Development_adds_loopback_and_nothing_else(string address, bool allowed) =>
        Assert.Equal(allowed, OutboundConnections.IsAllowed(IPAddress.Parse(address), allowLoopback: true));

    [Theory]
    [InlineData("10.20.3.4", true)]
    [InlineData("::ffff:10.20.3.4", true)]
    [InlineData("fd12::1", true)]
    [InlineData("10.21.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("127.0.0.1", false)]
    public void An_operator_opens_networks_of_their_own_and_no_others(string address, bool allowed) =>
        Assert.Equal(
            allowed,
            OutboundConnections.IsAllowed(IPAddress.Parse(address), false, IPNetwork.Parse("10.20.0.0/16"), IPNetwork.Parse("fd12::/16"))
        );

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("2130706433")]
    [InlineData("0x7f.1")]
    [InlineData("[::1]")]
    public async Task However_it_is_spelled_nothing_connects_to_this_machine(string host)
    {
        await using var receiver = new DatadogReceiver();
        await receiver.StartAsync();
        using var client = new HttpClient(OutboundConnections.CreateHandler(allowLoopback: false));
        var uri = new UriBuilder("http", host, new Uri(receiver.Address).Port, "/api/v2/logs").Uri;
        var refusal = await Assert.ThrowsAsync<HttpRequestException>(() =>
            client.PostAsync(uri, new ByteArrayContent([]), TestContext.Current.CancellationToken)
        );
        Assert.IsType<ForbiddenAddressException>(refusal.InnerException);
        Assert.Empty(receiver.Violations);
    }
}
