using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Platform.Edge.Tests.Fixture;
using Platform.Testing;

namespace Platform.Edge.Tests;

public sealed class JoinForwardingTests
{
    private const string Secret = "a-secret-that-is-only-in-the-mail";

    [Fact]
    public async Task The_page_of_the_directory_is_shown_under_the_public_url_and_its_token_told_to_nobody()
    {
        await using var directory = await StartAsync();
        await using var edge = await EdgeFixture.StartAsync(settings: ("services:identity:http:0", directory.Urls.Single()));
        var tags = new System.Collections.Concurrent.ConcurrentBag<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
                tags.Add(activity.DisplayName + string.Concat(activity.TagObjects.Select(tag => $"|{tag.Key}={tag.Value}"))),
        };
        ActivitySource.AddActivityListener(listener);

        var join = new Uri(edge.Url, "/join");
        using var page = await edge.Http.GetAsync(new Uri(join + $"?token={Secret}"), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, $"GET ?token={Secret} "), (page.StatusCode, await TextAsync(page)));
        Assert.Equal("no-referrer", Assert.Single(page.Headers.GetValues("Referrer-Policy")));
        Assert.Equal("default-src 'none'", Assert.Single(page.Headers.GetValues("Content-Security-Policy")));
        Assert.False(page.Headers.Contains("X-Inside"));

        using var request = new HttpRequestMessage(HttpMethod.Post, join)
        {
            Content = new FormUrlEncodedContent([new KeyValuePair<string, string>("token", Secret)]),
        };
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        using var accepted = await edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, $"POST  cross-site token={Secret}"), (accepted.StatusCode, await TextAsync(accepted)));

        using var large = await edge.Http.PostAsync(join, new ByteArrayContent(new byte[20_000]), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
        Assert.Contains("choose a shorter name or password", await TextAsync(large), StringComparison.Ordinal);
        using var other = await edge.Http.PostAsync(join, new StringContent("{}"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, other.StatusCode);
        Assert.Contains("press the button there", await TextAsync(other), StringComparison.Ordinal);
        using var put = await edge.Http.PutAsync(join, new ByteArrayContent([]), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, put.StatusCode);
        Assert.DoesNotContain(edge.Log.Lines, line => line.Contains(Secret, StringComparison.Ordinal));
        Assert.Contains(tags, tag => tag.Contains("/join", StringComparison.Ordinal));
        Assert.DoesNotContain(tags, tag => tag.Contains(Secret, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/join?token=x", "no-referrer")]
    [InlineData("/connect", null)]
    public async Task Whoever_checks_whether_a_page_is_there_gets_its_status_alone(string path, string? referrer)
    {
        await using var directory = await StartAsync();
        await using var edge = await EdgeFixture.StartAsync(settings: ("services:identity:http:0", directory.Urls.Single()));
        using var request = new HttpRequestMessage(HttpMethod.Head, new Uri(edge.Url, path));
        using var answer = await edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await TextAsync(answer)));
        Assert.Equal(referrer, answer.Headers.TryGetValues("Referrer-Policy", out var values) ? values.Single() : null);
    }

    [Fact]
    public async Task A_browser_is_sent_on_as_the_page_says()
    {
        await using var directory = await StartAsync();
        await using var edge = await EdgeFixture.StartAsync(settings: ("services:identity:http:0", directory.Urls.Single()));
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var answer = await http.GetAsync(new Uri(edge.Url, "/join?token=next"), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.SeeOther, "join?token=x&account"), (answer.StatusCode, answer.Headers.Location?.OriginalString));
    }

    [Fact]
    public async Task A_header_that_is_not_ASCII_does_not_keep_the_page_away()
    {
        await using var directory = await StartAsync();
        await using var edge = await EdgeFixture.StartAsync(settings: ("services:identity:http:0", directory.Urls.Single()));
        var answer = await Wire.SendAsync(
            edge.Url,
            System.Text.Encoding.UTF8.GetBytes(
                $"GET /join?token=x HTTP/1.1\r\nHost: {edge.Url.Authority}\r\nConnection: close\r\nSec-Fetch-Site: é\r\n\r\n"
            ),
            isCut: false,
            TimeSpan.FromSeconds(30),
            TestContext.Current.CancellationToken
        );
        Assert.Equal((null, 200), (answer.Problem, answer.Status));
    }

    [Theory]
    [InlineData("")]
    [InlineData("name=Ada")]
    [InlineData("&&=")]
    public async Task A_form_without_a_token_reaches_the_page_which_says_so(string form)
    {
        await using var directory = await StartAsync();
        await using var edge = await EdgeFixture.StartAsync(settings: ("services:identity:http:0", directory.Urls.Single()));
        using var content = new StringContent(form, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-www-form-urlencoded"));
        using var answer = await edge.Http.PostAsync(new Uri(edge.Url, "/join"), content, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, $"POST {form}"), (answer.StatusCode, await TextAsync(answer)));
    }

    [Fact]
    public async Task Whoever_asks_too_often_is_told_when_to_come_back_and_the_others_are_served()
    {
        await using var directory = await StartAsync();
        var clock = new MovedClock();
        await using var edge = await EdgeFixture.StartAsync(
            time: clock,
            settings:
            [
                ("services:identity:http:0", directory.Urls.Single()),
                ("Edge:Proxies:0", "127.0.0.1"),
                ("Edge:Access:JoinsPerAddress", "3"),
            ]
        );
        foreach (var (address, same) in new[] { ("203.0.113.9", "203.0.113.9"), ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4") })
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(HttpStatusCode.OK, (await SendAsync(edge, HttpMethod.Get, $"{i}", address)).StatusCode);
            }

            using var refused = await SendAsync(edge, HttpMethod.Get, "one more", same);
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
            Assert.Equal("no-referrer", Assert.Single(refused.Headers.GetValues("Referrer-Policy")));
            Assert.True(refused.Headers.CacheControl!.NoStore);
            Assert.Contains(
                $"again in {refused.Headers.RetryAfter.Delta.Value.TotalSeconds:0} seconds",
                await TextAsync(refused),
                StringComparison.Ordinal
            );
            Assert.Equal(HttpStatusCode.TooManyRequests, (await SendAsync(edge, HttpMethod.Post, "one more", address)).StatusCode);
            clock.Advance(refused.Headers.RetryAfter.Delta.Value);
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(edge, HttpMethod.Get, "one more", address)).StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(edge, HttpMethod.Get, "x", "203.0.113.10")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(edge, HttpMethod.Get, "x", "2001:db8:1:3::3")).StatusCode);
    }

    [Fact]
    public async Task One_invitation_is_asked_about_so_often_wherever_from_and_by_form_alone()
    {
        await using var directory = await StartAsync();
        await using var edge = await EdgeFixture.StartAsync(
            time: new MovedClock(),
            settings:
            [
                ("services:identity:http:0", directory.Urls.Single()),
                ("Edge:Proxies:0", "127.0.0.1"),
                ("Edge:Access:JoinsPerInvitation", "4"),
            ]
        );
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(
                HttpStatusCode.OK,
                (await SendAsync(edge, i % 2 == 0 ? HttpMethod.Post : HttpMethod.Get, Secret, $"203.0.113.{i}")).StatusCode
            );
        }

        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, (await SendAsync(edge, method, Secret, "203.0.113.9")).StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(edge, HttpMethod.Post, "another", "203.0.113.9")).StatusCode);

        using var hidden = new MultipartFormDataContent { { new StringContent(Secret), "token" } };
        using var refused = await edge.Http.PostAsync(new Uri(edge.Url, "/join"), hidden, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, refused.StatusCode);
    }

    [Fact]
    public async Task Without_the_directory_the_page_says_to_come_back()
    {
        await using var edge = await EdgeFixture.StartAsync(settings: ("services:identity:http:0", "http://127.0.0.1:1"));
        using var page = await SendAsync(edge, HttpMethod.Get, "x", "");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
        Assert.NotNull(page.Headers.RetryAfter);
        Assert.Contains("cannot be shown", await TextAsync(page), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whose_acceptance_was_lost_on_its_way_is_told_that_nobody_knows_and_to_try_again()
    {
        await using var edge = await EdgeFixture.StartAsync(settings: ("services:identity:http:0", "http://127.0.0.1:1"));
        using var page = await SendAsync(edge, HttpMethod.Post, "x", "");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
        Assert.NotNull(page.Headers.RetryAfter);
        Assert.Equal("no-referrer", Assert.Single(page.Headers.GetValues("Referrer-Policy")));
        Assert.Contains("We could not find out whether you joined", await TextAsync(page), StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> SendAsync(EdgeFixture edge, HttpMethod method, string token, string from)
    {
        using var request = new HttpRequestMessage(
            method,
            new Uri(edge.Url, method == HttpMethod.Get ? $"/join?token={Uri.EscapeDataString(token)}" : "/join")
        );
        if (method == HttpMethod.Post)
        {
            request.Content = new FormUrlEncodedContent([new KeyValuePair<string, string>("token", token)]);
        }

        request.Headers.Add("X-Forwarded-For", from);
        return await edge.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static Task<string> TextAsync(HttpResponseMessage answer) =>
        answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    private static async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapMethods("/join", ["GET", "POST"], async (HttpContext http) =>
        {
            http.Response.Headers["Referrer-Policy"] = "no-referrer";
            http.Response.Headers.ContentSecurityPolicy = "default-src 'none'";
            http.Response.Headers["X-Inside"] = "yes";
            if (http.Request.Query["token"] == "next")
            {
                http.Response.StatusCode = StatusCodes.Status303SeeOther;
                http.Response.Headers.Location = "join?token=x&account";
            }

            using var reader = new StreamReader(http.Request.Body);
            await http.Response.WriteAsync(
                $"{http.Request.Method} {http.Request.QueryString} {http.Request.Headers["Sec-Fetch-Site"]}".TrimEnd(' ')
                    + " "
                    + await reader.ReadToEndAsync(),
                http.RequestAborted
            );
        });
        await app.StartAsync();
        return app;
    }
}
