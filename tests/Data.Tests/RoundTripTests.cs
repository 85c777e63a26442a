using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using Platform.Data.Contracts.V1;
using Platform.Testing;

namespace Platform.Data.Tests;

public sealed class RoundTripTests(RoundTripTests.Fixture data) : IClassFixture<RoundTripTests.Fixture>
{
    [Fact]
    public async Task A_read_of_records_is_one_round_trip()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("A", FieldType.Text));
        var ids = await data.CreateRecordsAsync(owner, table, """{"A":"a"}""", """{"A":"b"}""");
        var search = new SearchRecordsRequest
        {
            TableId = table.Id,
            Limit = 1,
            IncludeTotal = true,
            Filter = DataFixture.Json("""{"operator":"CONTAINS","leftSide":"A","rightSide":"b"}"""),
            Sorting = { new Sorting { SortingField = "A" } },
        };
        await AssertTripsAsync(1, () => data.GetRecordAsync(owner, table, ids[0]));
        await AssertTripsAsync(1, async () => await data.Records.ListRecordsAsync(
                new ListRecordsRequest
                {
                    TableId = table.Id,
                    Limit = 1,
                    IncludeTotal = true,
                },
                data.As(owner)
            ));
        await AssertTripsAsync(1, async () => await data.Records.SearchRecordsAsync(search, data.As(owner)));
    }

    [Fact]
    public async Task A_change_of_records_takes_two()
    {
        var owner = DataFixture.Owner();
        var table = await data.CreateTableAsync(owner, DataFixture.Of("N", FieldType.Number));
        var id = await data.CreateRecordAsync(owner, table, """{"N":0}""");
        var n = 0;
        await AssertTripsAsync(2, () => data.CreateRecordsAsync(owner, table, """{"N":1}"""));
        await AssertTripsAsync(2, async () => await data.Records.UpdateRecordAsync(
                new UpdateRecordRequest
                {
                    TableId = table.Id,
                    RecordId = id,
                    Fields = DataFixture.Json($$"""{"N":{{++n}}}"""),
                },
                data.As(owner)
            ));
    }

    // The first calls open connections, load types and prepare statements.
    private async Task AssertTripsAsync(int expected, Func<Task> call)
    {
        for (var i = 0; i < 4; i++)
        {
            await call();
        }

        var before = data.Wire.RoundTrips;
        await call();
        Assert.Equal(expected, data.Wire.RoundTrips - before);
    }

    public sealed class Fixture(PostgresFixture postgres) : DataFixture(postgres)
    {
        public CountingProxy Wire { get; } = new();

        public override async ValueTask DisposeAsync()
        {
            GC.SuppressFinalize(this);
            await base.DisposeAsync();
            await Wire.DisposeAsync();
        }

        // Counting searches must not be counted.
        protected override IEnumerable<KeyValuePair<string, string?>> Settings() => [new("Indexes:CountEvery", "1.00:00:00")];

        protected override void Configure(IServiceCollection services)
        {
            services.RemoveAll<NpgsqlDataSource>();
            services.AddSingleton(provider =>
            {
                var connection = new NpgsqlConnectionStringBuilder(
                    provider.GetRequiredService<IConfiguration>().GetConnectionString("data")
                )
                {
                    MaxAutoPrepare = 100,
                    AutoPrepareMinUsages = 2,
                };
                (connection.Host, connection.Port) = ("127.0.0.1", Wire.Start(connection.Host!, connection.Port));
                return NpgsqlDataSource.Create(connection);
            });
        }
    }
}
