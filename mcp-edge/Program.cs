using Platform.Audit.Contracts;
using Platform.Contracts;
using Platform.Data.Contracts;
using Platform.Directory.Contracts;
using Platform.Edge;
using Platform.Identity.Contracts;
using Platform.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("edge");
builder.AddEdge(Toolsets.Default, IdentityContract.Catalogue, DirectoryContract.Catalogue, DataContract.Catalogue, AuditContract.Catalogue);
var app = builder.Build();
app.MapServiceDefaults();
app.MapEdge();
await app.RunAsync();
