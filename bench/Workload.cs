using System.Globalization;

namespace Platform.Bench;

/// <summary>
/// One record of the workload, about 530 bytes: a name, an amount, a due date, a status, a checkbox, an e-mail address, notes and a link.
/// </summary>
internal sealed record Order(string Name, decimal Amount, DateOnly Due, string Status, bool Active, string Email, string Notes, string Site)
{
    public static readonly string[] Statuses = ["new", "open", "waiting", "done", "cancelled"];

    private static readonly string[] _words =
    [
        "amber",
        "basin",
        "cedar",
        "delta",
        "ember",
        "fjord",
        "grove",
        "haven",
        "islet",
        "jetty",
        "knoll",
        "lagoon",
        "meadow",
        "north",
        "orchard",
        "prairie",
    ];

    /// <summary>The same number is the same record, on every side.</summary>
    public static Order Number(int number) =>
        new(
            $"{Word(number, 0)} {Word(number, 1)} {number.ToString("D8", CultureInfo.InvariantCulture)}",
            Hash(number, 2) % 1_000_000 / 100m,
            new DateOnly(2020, 1, 1).AddDays((int)(Hash(number, 3) % 3652)),
            Statuses[Hash(number, 4) % 5],
            Hash(number, 5) % 2 == 0,
            $"person{number}@example.com",
            string.Join(' ', Enumerable.Range(0, 80).Select(i => Word(number, 10 + i)))[..400],
            $"https://example.com/orders/{number}"
        );

    private static string Word(int number, int part) => _words[Hash(number, part) % (uint)_words.Length];

    private static uint Hash(int number, int part)
    {
        var hash = (uint)number * 0x9E3779B1u + (uint)part * 0x85EBCA77u;
        hash = (hash ^ (hash >> 15)) * 0xC2B2AE3Du;
        return hash ^ (hash >> 13);
    }
}

/// <summary>One status and a tenth of the amounts: about one record in fifty fits. The newest due dates first, 50 of them.</summary>
internal sealed record Query(string Status, int From)
{
    public const int Limit = 50;

    public int To => From + 1000;

    public static readonly IReadOnlyList<Query> All =
    [
        .. Order.Statuses.SelectMany(status => Enumerable.Range(0, 10).Select(thousand => new Query(status, thousand * 1000))),
    ];

    public static Query Any() => All[Random.Shared.Next(All.Count)];
}

/// <summary>A system that keeps the workload's table and is asked for it.</summary>
internal interface ISubject
{
    string Name { get; }

    /// <summary>Makes the table and fills it; <see cref="Order.Number"/> 0 and up.</summary>
    Task FillAsync(int rows);

    /// <summary>Searches until nothing makes searches faster any more.</summary>
    Task EarnIndexAsync() => Task.CompletedTask;

    Task GetAsync();

    Task SearchAsync();

    Task UpdateAsync();

    Task CreateHundredAsync();

    /// <summary>The due dates that a search answers, in its order.</summary>
    Task<IReadOnlyList<DateOnly>> DuesAsync(Query query);
}
