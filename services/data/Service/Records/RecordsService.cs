using Platform.Data.Service.Indexes;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Records;

/// <summary>Records of a table. One file per call.</summary>
internal sealed partial class RecordsService(UnitOfWork work, TableSchemas schemas, Cursors cursors, SearchUsage usage, TimeProvider time)
    : Contracts.V1.Records.RecordsBase;
