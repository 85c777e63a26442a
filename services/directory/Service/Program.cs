using Platform.Changes.Undo;
using Platform.Directory.Contracts;
using Platform.Directory.Service;
using Platform.Directory.Service.Demo;
using Platform.Directory.Service.Invitations;
using Platform.Directory.Service.Joining;
using Platform.Directory.Service.Mail;
using Platform.Directory.Service.MemberInvitations;
using Platform.Directory.Service.Members;
using Platform.Directory.Service.Organizations;
using Platform.Directory.Service.Users;
using Platform.Directory.Service.Workspaces;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Events;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("directory");
builder.AddServiceDatabase(DirectoryConstraints.Describe);
builder.AddToolsets(DirectoryContract.Catalogue);
builder.Services.AddSingleton<IChangeUndo>(DirectoryUndo.Create());

// Identity goes on with the last known memberships while this service is away, and must know what they miss.
builder.AddMessaging(bus => bus.TellProgress());
builder.AddMail(args);
builder.AddDemoWorkspace(args);

var app = builder.Build();
app.MapGrpcService<MembersService>();
app.MapGrpcService<WorkspacesService>();
app.MapGrpcService<OrganizationsService>();
app.MapGrpcService<InvitationsService>();
app.MapGrpcService<UsersService>();
app.MapGrpcService<MemberInvitationsService>();
app.MapGrpcService<JoiningService>();
app.MapGrpcService<ChangesService>();
await app.RunServiceAsync(args);
