namespace Platform.Native.Feed;

/// <summary>One run: find out what the configured sources lack, and see to it that <c>native/feed</c> has exactly that.</summary>
internal sealed class Filling(Checkout checkout, TextWriter log)
{
    private readonly string _stampFile = Path.Combine(checkout.Work, "stamp.json");
    private readonly Pin _pin = Pin.Read(checkout.Pin);
    private readonly StandIns _standIns = new(checkout);
    private readonly Dictionary<string, Stamp.Package> _made = new(StringComparer.OrdinalIgnoreCase);
    private Stamp _last = Stamp.None;

    public void Run()
    {
        _last = Stamp.Read(_stampFile);
        var distribution = new Distribution(_pin, checkout.Dashboard);
        var fingerprints = _standIns.Ids.ToDictionary(id => id, _standIns.Fingerprint, StringComparer.OrdinalIgnoreCase);
        var inputs = Stamp.Digest(checkout, _standIns.Ids);
        if (_last.Inputs == inputs && _last.Made.All(made => IsCurrent(made, fingerprints))
            && (_last.Made.Count == 0 || distribution.IsUnpacked))
        {
            log.WriteLine($"The native feed is up to date ({_last.Made.Count} packages).");
            return;
        }

        var versions = checkout.ReadVersions();
        var wanted = Wanted(versions);
        log.WriteLine($"Asking the configured package sources for {wanted.Count} packages …");
        var missing = new Sources(checkout).Missing(wanted);
        // Where a package is wanted in another version than the one that is bundled, there is nothing to give.
        var bundled = _pin.Packages.Where(p => missing.Contains(p.Id) && wanted[p.Id] == p.Version).ToList();
        var standIns = _standIns.Ids.Where(missing.Contains).Order(StringComparer.Ordinal).ToList();

        if (bundled.Count + standIns.Count > 0 && !distribution.IsUnpacked)
        {
            log.WriteLine($"Fetching {_pin.Npm.Package} {_pin.Npm.Version} with npm (122 MB), for its assemblies and the dashboard …");
            distribution.Unpack(Path.Combine(checkout.Work, "npm"));
        }
        PackBundled(bundled, distribution);
        PackStandIns(standIns, versions, fingerprints);
        Sweep();

        var nowhere = missing.Where(id => !_made.ContainsKey(id)).Order(StringComparer.Ordinal).Select(id => $"{id} {wanted[id]}").ToList();
        // Without the inputs the next run asks again, instead of calling an incomplete feed up to date.
        new Stamp(nowhere.Count == 0 ? inputs : "", _made).Write(_stampFile);
        log.WriteLine(_made.Count == 0
            ? "The configured sources have every package; native/feed stays empty."
            : $"native/feed has {_made.Count} packages that the configured sources lack.");
        if (nowhere.Count > 0)
            log.WriteLine($"No configured source has, and nothing here makes: {string.Join(", ", nowhere)}.");
    }

    private Dictionary<string, string> Wanted(Checkout.Versions versions)
    {
        // A floating version is met by whatever the sources have, so there is no exact version to ask for.
        var wanted = versions.Central.Where(v => !v.Value.Contains('*', StringComparison.Ordinal))
            .ToDictionary(v => v.Key, v => v.Value, StringComparer.OrdinalIgnoreCase);
        foreach (var id in _standIns.Ids)
            wanted[id] = versions.Of(id);
        foreach (var package in _pin.Packages)
            wanted.TryAdd(package.Id, package.Version);
        return wanted;
    }

    private void PackBundled(List<PinnedPackage> packages, Distribution distribution)
    {
        var source = Stamp.DigestOf(checkout.Pin, typeof(Filling).Assembly.Location);
        foreach (var package in packages)
            _made[package.Id] = new Stamp.Package(package.Version, source);
        if (packages.TrueForAll(p => IsMade(p.Id)))
            return;
        var bundle = distribution.OpenPackages();
        foreach (var package in packages)
        {
            bundle.Pack(package).Write(checkout.Feed);
            Forget(package.Id, package.Version);
            log.WriteLine($"  {package.Id} {package.Version}");
        }
    }

    private void PackStandIns(List<string> ids, Checkout.Versions versions, Dictionary<string, string> fingerprints)
    {
        foreach (var id in ids)
            _made[id] = new Stamp.Package(versions.Of(id), fingerprints[id]);
        var changed = ids.Where(id => !IsMade(id)).ToList();
        if (changed.Count == 0)
            return;
        log.WriteLine($"Packing {changed.Count} stand-ins …");
        _standIns.Pack(changed, versions);
        foreach (var id in changed)
        {
            Forget(id, versions.Of(id));
            log.WriteLine($"  {id} {versions.Of(id)} (stand-in)");
        }
    }

    private bool IsCurrent(KeyValuePair<string, Stamp.Package> made, Dictionary<string, string> fingerprints) =>
        File.Exists(FileOf(made.Key, made.Value.Version))
        && (!fingerprints.TryGetValue(made.Key, out var fingerprint) || fingerprint == made.Value.Source);

    private bool IsMade(string id) =>
        _last.Made.TryGetValue(id, out var last) && last == _made[id] && File.Exists(FileOf(id, last.Version));

    private string FileOf(string id, string version) => Path.Combine(checkout.Feed, $"{id}.{version}.nupkg");

    // NuGet never looks again at a version that it has unpacked, so new content under an old version needs this.
    private void Forget(string id, string version)
    {
        var unpacked = checkout.PackagesFolders.Select(folder => Path.Combine(folder, id.ToLowerInvariant(), version.ToLowerInvariant()));
        foreach (var folder in unpacked.Where(Directory.Exists))
            Directory.Delete(folder, recursive: true);
    }

    // What the sources have by now must come from them, in the packages folder too.
    private void Sweep()
    {
        foreach (var (id, package) in _last.Made.Where(last => _made.GetValueOrDefault(last.Key)?.Version != last.Value.Version))
            Forget(id, package.Version);
        var current = _made.Select(made => FileOf(made.Key, made.Value.Version)).ToHashSet();
        foreach (var file in Directory.EnumerateFiles(checkout.Feed, "*.nupkg*").Where(file => !current.Contains(file)))
            File.Delete(file);
    }
}
