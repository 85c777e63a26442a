using Platform.Changes.Undo;
using Platform.Contracts;
using Platform.Data.Contracts;
using Platform.Data.Service.Changes;
using Platform.Data.Service.Csv;
using Platform.Data.Service.Databases;
using Platform.Data.Service.Indexes;
using Platform.Data.Service.Queries;
using Platform.Data.Service.Records;
using Platform.Data.Service.Schemas;
using Platform.Data.Service.Tables;
using Platform.Data.Service.Views;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Calls;
using Platform.ServiceDefaults.Events;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("data");
builder.AddServiceDatabase(constraints =>
    constraints
        .Add("database_name", () =>
            Problem.Conflict(Reasons.NameTaken, "A database of this name exists already.", "Use it, or choose another name.")
        )
        .Add("table_name", () =>
            Problem.Conflict(Reasons.NameTaken, "A table of this name exists in the database already.", "Use it, or choose another name.")
        )
        .Add("field_name", () =>
            Problem.Conflict(Reasons.NameTaken, "A field of this name exists in the table already.", "Use it, or choose another name.")
        )
        .Add("view_name", () =>
            Problem.Conflict(Reasons.NameTaken, "A view of this name exists in the table already.", "Use it, or choose another name.")
        )
);
builder.AddToolsets(DataContract.Catalogue);
builder.Services.AddSingleton<IChangeUndo, DataUndo>();
builder.AddMessaging();
builder.Services.AddSingleton<TableSchemas>();
builder.Services.AddSingleton<Cursors>();
builder.AddEarnedIndexes();
var app = builder.Build();
app.MapGrpcService<DatabasesService>();
app.MapGrpcService<TablesService>();
app.MapGrpcService<RecordsService>();
app.MapGrpcService<ChangesService>();
app.MapGrpcService<ViewsService>();
app.MapGrpcService<CsvService>();
await app.RunServiceAsync(args);
