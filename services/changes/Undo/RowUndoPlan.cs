using System.Data;
using Npgsql;

namespace Platform.Changes.Undo;

/// <summary>Who changed a row last, when and in which call.</summary>
public sealed record LastChange(string By, DateTime At, string CallId)
{
    internal static LastChange Read(NpgsqlDataReader row) =>
        new(row.GetString("actor"), row.GetDateTime("changed_at"), row.GetString("call_id"));
}

/// <summary>What an undo of rows is about to do.</summary>
/// <param name="All">Every row that the changes touched.</param>
/// <param name="Wanted">Those that can go back and have not yet.</param>
public sealed record RowUndoPlan(IReadOnlyList<RowPlan> All, List<RowPlan> Wanted);
