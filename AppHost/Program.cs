using Platform.AppHost;
using Platform.AppHost.Servers;
using Platform.AppHost.StartUp;
using Platform.ServiceDefaults;

StartFailure.Explain("The AppHost", Running.DescribeOrchestration);
Proxies.AreNotForLoopback();
var builder = DistributedApplication.CreateBuilder(args);
builder.CheckSettings(args);
builder.KeepOthersOut();

// What runs, and what it is wired to.
var postgres = builder.AddPostgres("postgres").WithDataVolume();
var rabbitmq = builder.AddRabbitMQ("rabbitmq").WithDataVolume();
var redis = builder.AddRedis("redis").WithoutHttpsCertificate();
var keycloak = builder.AddKeycloak("keycloak", "../identity/realm");

var directory = builder.AddService<Projects.Platform_Directory_Service>("directory", postgres, rabbitmq);
var data = builder.AddService<Projects.Platform_Data_Service>("data", postgres, rabbitmq);
var audit = builder.AddService<Projects.Platform_Audit_Service>("audit", postgres, rabbitmq, "sequencer");
var identity = builder.AddService<Projects.Platform_Identity_Service>("identity", postgres, rabbitmq);
var edge = builder.AddEdge<Projects.Platform_Edge>("edge", redis, keycloak);

// Everybody checks callers with identity's keys; identity asks directory who a person is, and audit for what only people may see. Nobody
// waits for another service: each starts without the others, as it does wherever it is deployed.
foreach (var service in (IResourceBuilder<ProjectResource>[])[directory, data, audit])
{
    service.WithReference(identity);
    edge.WithReference(service);
}

directory.WithMail(edge);
identity.WithReference(directory).WithReference(audit).WithKeycloak(keycloak, edge);
edge.WithReference(identity);
identity.AddServiceSecret(edge, "Edge__Access__ServiceSecret");

builder.AddDemo(directory, identity, audit);
builder.RunServers(keycloak, rabbitmq);
builder.StopServicesBeforeServers();
builder.EndWithOrchestrator();
builder.WriteLogs();
builder.PrintProgress();
builder.WriteEndpoints(edge, identity, keycloak);

builder.Build().RunUntilStopped();
