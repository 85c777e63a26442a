namespace Platform.Identity.Service.Realm;

/// <summary>
/// A part of this service that has to act when the realm changes. Whatever fails is repeated, so every act must bear repetition.
/// </summary>
internal interface IRealmFollower
{
    /// <summary>The realm is as its file says. Comes again after every comparison.</summary>
    Task ReconciledAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Something happened in the realm.</summary>
    Task ActAsync(RealmEvent happened, CancellationToken cancellationToken) => Task.CompletedTask;
}
