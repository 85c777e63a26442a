using System.Data;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Platform.Directory.Contracts;
using Platform.Directory.Contracts.V1;

namespace Platform.Directory.Service.Joining;

/// <summary>What both kinds of invitation offer, as their queries select it.</summary>
internal static class OfferColumns
{
    public static Offer Read(NpgsqlDataReader row) =>
        new()
        {
            State = StateOf(row.GetString("state")),
            Name = ShownName.Of(row.GetString("name"), "(no name)"),
            Inviter = ShownName.Of(row.GetString("inviter"), ""),
            Email = row.GetString("email"),
            Role = row.GetString("role"),
            ExpiresAt = Timestamp.FromDateTime(row.GetDateTime("expires_at")),
        };

    public static Offer InState(this Offer offer, OfferState state) => new(offer) { State = state };

    private static OfferState StateOf(string state) =>
        state switch
        {
            "pending" => OfferState.Pending,
            "accepted" => OfferState.Accepted,
            "revoked" => OfferState.Revoked,
            "expired" => OfferState.Expired,
            _ => throw new InvalidOperationException($"{state} is not the state of an invitation."),
        };
}
