using Platform.Data.Service.Queries;
using Platform.Data.Service.Schemas;
using Platform.ServiceDefaults.State;

namespace Platform.Data.Service.Tables;

/// <summary>Tables and their fields. One file per call.</summary>
internal sealed partial class TablesService(UnitOfWork work, TableSchemas schemas, Cursors cursors) : Contracts.V1.Tables.TablesBase;
