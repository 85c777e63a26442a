// A model with one of everything that an AppHost of this repository uses; the tests look at what the service is given.
var builder = DistributedApplication.CreateBuilder(args);

var given = builder.AddParameter("given", "literal");
var configured = builder.AddParameter("configured");
var generated = builder.AddParameter("generated", new GenerateParameterDefault { MinLength = 30, Special = false }, secret: true);

var postgres = builder.AddPostgres("postgres").WithDataVolume();
var database = postgres.AddDatabase("sample-db", "sample");
var redis = builder.AddRedis("redis");
var rabbitmq = builder.AddRabbitMQ("rabbitmq");
var owner = builder.AddConnectionString("owner", ReferenceExpression.Create($"{database};Application Name=owner"));

var migrations = builder.AddProject<Projects.Sample_Service>("first-migrations")
    .WithArgs("migrate")
    .WithReference(database)
    .WaitFor(database);

var first = builder.AddProject<Projects.Sample_Service>("first")
    .WithHttpEndpoint(name: "grpc", env: "GRPC_PORT")
    .WithHttpHealthCheck("/health", endpointName: "http")
    .WithReference(database)
    .WithReference(owner)
    .WithReference(redis)
    .WithReference(rabbitmq, "bus")
    .WithEnvironment("GIVEN", given)
    .WithEnvironment("CONFIGURED", configured)
    .WithEnvironment("GENERATED", generated)
    .WithEnvironment("OVERRIDDEN", "model")
    .WithEnvironment("EXPRESSION", $"[{database.Resource.Parent.UserNameReference}] {{{given}}}")
    .WithEnvironment(context => context.EnvironmentVariables["CALLBACK"] = context.Resource.Name)
    .WithArgs("--given", given)
    .WithExternalHttpEndpoints()
    .WaitFor(redis)
    .WaitFor(rabbitmq)
    .WaitForCompletion(migrations);

var second = builder.AddProject<Projects.Sample_Service>("second-one", launchProfileName: null)
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithReference(first)
    .WithReference("elsewhere", new Uri("http://example.test/"))
    .WithEnvironment("FIRST_GRPC", first.GetEndpoint("grpc"))
    .WithReplicas(2)
    .WaitFor(first);
first.WithEnvironment("SECOND", second.GetEndpoint("http"));

builder.AddProject<Projects.Sample_Service>("later", launchProfileName: null).WithHttpEndpoint().WithExplicitStart();

var ready = new List<string>();
builder.Eventing.Subscribe<ResourceReadyEvent>((@event, _) =>
{
    lock (ready)
        ready.Add(@event.Resource.Name);
    return Task.CompletedTask;
});
builder.Eventing.Subscribe<AfterResourcesCreatedEvent>((_, _) =>
{
    lock (ready)
        Console.WriteLine($"Everything is up; ready came {string.Join(' ', ready)}");
    return Task.CompletedTask;
});

builder.Build().Run();
