using System.Globalization;
using CsvHelper.Configuration;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Csv;

/// <summary>Records as CSV. One file per call.</summary>
internal sealed partial class CsvService(UnitOfWork work, TableSchemas schemas, Cursors cursors, TimeProvider time)
    : Contracts.V1.Csv.CsvBase
{
    /// <summary>
    /// RFC 4180: quotes are doubled inside quotes and stand nowhere else. Written lines end with CR LF; read lines may end with either or
    /// both.
    /// </summary>
    private static CsvConfiguration Format(string delimiter = ",") =>
        new(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter,
            Mode = CsvHelper.CsvMode.RFC4180,
            HasHeaderRecord = false,
            IgnoreBlankLines = true,
        };
}
