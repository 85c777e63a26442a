using Platform.Directory.Contracts;
using Platform.Directory.Service;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Changes;
using Platform.ServiceDefaults.Events;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("directory");
builder.AddServiceDatabase(DirectoryConstraints.Describe);
builder.AddToolsets(DirectoryContract.Catalogue);
builder.Services.AddSingleton<IChangeUndo>(DirectoryUndo.Create());
builder.AddMessaging();
builder.AddMail(args);
builder.Services.AddSingleton<InvitationAcceptance>();
builder.AddDemoWorkspace(args);

var app = builder.Build();
app.MapGrpcService<MembersService>();
app.MapGrpcService<WorkspacesService>();
app.MapGrpcService<OrganizationsService>();
app.MapGrpcService<InvitationsService>();
app.MapGrpcService<UsersService>();
app.MapGrpcService<MemberInvitationsService>();
app.MapJoinPage();
app.MapGrpcService<ChangesService>();
await app.RunServiceAsync(args);
