using System.Text.RegularExpressions;
using Google.Protobuf.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Platform.Audit.Contracts.V1;
using Platform.Audit.Service.Sinks;
using Platform.Contracts;
using Platform.LocalServers;

namespace Platform.Audit.Tests;

/// <summary>What holds for every sink: the class and the contract name it in the same way, and in the same folder.</summary>
public sealed class SinkTests(AuditFixture audit) : IClassFixture<AuditFixture>
{
    private static MessageDescriptor Request => CreateAuditStreamRequest.Descriptor;

    [Fact]
    public void The_contract_allows_the_types_that_there_are_sinks_for() =>
        Assert.Equal(
            audit.Services.GetRequiredService<SinkSet>().All.Select(sink => sink.Type).Order(StringComparer.Ordinal),
            Request.FindFieldByName("type").GetOptions().GetExtension(OptionsExtensions.Field).Allowed.Order(StringComparer.Ordinal)
        );

    [Fact]
    public void A_sink_has_a_field_of_its_name_for_what_a_new_stream_needs() =>
        Assert.All(audit.Services.GetRequiredService<SinkSet>().All, sink =>
        {
            Assert.Equal(FieldType.Message, Request.FindFieldByName(sink.Type)?.FieldType);
            Assert.Null(sink.Read(new CreateAuditStreamRequest()));
        });

    [Fact]
    public void An_address_that_may_change_never_gets_a_secret_of_the_former_one() =>
        Assert.All(audit.Services.GetRequiredService<SinkSet>().All, sink =>
            Assert.True(sink.IsSecretOurs || sink.AddressForm is AddressForm.Site, sink.Type)
        );

    // A longer one would fit into no payload, and would not be left out either: the stream would stand still.
    [Fact]
    public void The_longest_entry_fits_into_a_payload() =>
        Assert.All(audit.Services.GetRequiredService<SinkSet>().All, sink =>
            Assert.True(sink.MaxEntryBytes + "[]".Length <= sink.MaxPayloadBytes, sink.Type)
        );

    [Fact]
    public void Nothing_outside_Sinks_names_a_sink()
    {
        var sinks = audit.Services.GetRequiredService<SinkSet>().All;
        var classes = string.Join('|', sinks.Select(sink => sink.GetType().Name));
        var settings = string.Join('|', sinks.Select(sink => Request.FindFieldByName(sink.Type).MessageType.Name));
        var types = string.Join('|', sinks.Select(sink => sink.Type));
        var names = new Regex($$"""\b({{classes}}|{{settings}})\b|"({{types}})["]""");
        var files = new DirectoryInfo(Path.Combine(LocalServer.Checkout, "services", "audit"))
            .EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(file => file.Extension is ".cs" or ".proto" && !file.FullName.Contains("/obj/", StringComparison.Ordinal))
            .ToLookup(file => file.Directory!.Name == "Sinks");

        Assert.Contains(files[true], file => names.IsMatch(File.ReadAllText(file.FullName)));
        Assert.DoesNotContain(files[false], file => names.IsMatch(File.ReadAllText(file.FullName)));
    }
}
