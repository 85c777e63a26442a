using Platform.Directory.Contracts;
using Platform.Directory.Service;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Events;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("directory");
builder.AddServiceDatabase(DirectoryConstraints.Describe);
builder.AddToolsets(DirectoryContract.Catalogue);
builder.AddMessaging();
builder.AddDemoWorkspace(args);

var app = builder.Build();
app.MapGrpcService<MembersService>();
app.MapGrpcService<WorkspacesService>();
app.MapGrpcService<OrganizationsService>();
app.MapGrpcService<InvitationsService>();
app.MapGrpcService<UsersService>();
await app.RunServiceAsync(args);
