using Platform.Audit.Contracts;
using Platform.Audit.Service;
using Platform.Audit.Service.Calls;
using Platform.Audit.Service.Log;
using Platform.Audit.Service.Secrets;
using Platform.Audit.Service.Trail;
using Platform.Changes.Undo;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Events;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("audit");
builder.AddServiceDatabase(AuditConstraints.Add);
builder.AddServiceLogin("sequencer");
builder.AddToolsets(AuditContract.Catalogue);
builder.Services.AddSingleton<IChangeUndo>(StreamRemedies.Create());
builder.AddMessaging(bus => bus.Consume<EventIntake>(EventIntake.Queue));
builder.AddAudit();

var app = builder.Build();
app.MapGrpcService<AuditTrailService>();
app.MapGrpcService<CallsService>();
app.MapGrpcService<SigningSecretsService>();
app.MapAuditKeys();
app.MapGrpcService<ChangesService>();
await app.RunServiceAsync(args);
