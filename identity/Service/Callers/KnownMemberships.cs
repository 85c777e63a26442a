using Microsoft.Extensions.Options;
using Platform.Contracts;
using Platform.Directory.Contracts.V1;
using Platform.ServiceDefaults.Events;

namespace Platform.Identity.Service.Callers;

/// <summary>Memberships as they were when directory last answered for them, and until when no change to them is known.</summary>
internal sealed record Recalled(IReadOnlyList<Membership> Memberships, DateTimeOffset AsOf);

/// <summary>
/// What directory said about members, kept in memory for the time when it does not answer. It is never asked while directory answers, so
/// nothing about revocation changes then. An answer is dropped by the events of directory that touch it; where events could have been
/// missed, nothing is recalled (ADR 19).
/// </summary>
internal sealed class KnownMemberships(IOptions<MemberOptions> options, TimeProvider time) : IEventFollower
{
    private const string Directory = "directory";
    private const string Member = "member";
    private const int MaxAnswers = 20_000;
    private const int MaxChanges = 20_000;

    // The relay says about every second how far it is. Further behind, it has not sent what it should have, or it does not arrive.
    private static readonly TimeSpan _behind = TimeSpan.FromSeconds(3);

    // They change nothing about members of the workspace. Everything else of directory, also what nobody has thought of yet, does.
    private static readonly HashSet<string> _unrelated = ["organization", "user", "membership", "invitation", "member_invitation", "task"];

    private readonly Lock _lock = new();
    private readonly Dictionary<ResolveMemberRequest, Answer> _answers = [];

    // By member and by workspace, when it last changed, as a count of changes: clocks of several machines would have to agree.
    private readonly Dictionary<string, long> _changed = new(StringComparer.Ordinal);
    private long _count;

    // Answers that were asked for before it are not known to be current.
    private long _complete;
    private bool _isFollowing;
    private DateTimeOffset _answeredAsOf = DateTimeOffset.MinValue;
    private DateTimeOffset _completeTo = DateTimeOffset.MinValue;
    private long _alive;

    /// <summary>Taken before directory is asked, and given to <see cref="Keep"/> with its answer.</summary>
    public long Ask()
    {
        lock (_lock)
        {
            return _count;
        }
    }

    /// <summary>Keeps an answer unless what it says has changed since it was asked for.</summary>
    public void Keep(ResolveMemberRequest question, ResolveMemberResponse response, long asked)
    {
        lock (_lock)
        {
            _alive = time.GetTimestamp();
            _answeredAsOf = Later(_answeredAsOf, response.AsOf?.ToDateTimeOffset() ?? DateTimeOffset.MinValue);
            if (_answers.Count >= MaxAnswers)
            {
                // Callers who are at work are here again within half a second.
                _answers.Clear();
            }

            if (response.Memberships.Count > 0 && _isFollowing)
            {
                _answers[question] = new Answer(response.Memberships, asked);
            }
            else
            {
                _answers.Remove(question);
            }
        }
    }

    /// <summary>Null when it is not known, or not known to be current.</summary>
    public Recalled? Recall(ResolveMemberRequest question)
    {
        lock (_lock)
        {
            return
                _isFollowing
                && _completeTo != DateTimeOffset.MinValue
                && _completeTo + _behind >= _answeredAsOf
                && time.GetElapsedTime(_alive) < options.Value.LastKnownFor
                && _answers.TryGetValue(question, out var answer)
                && IsCurrent(answer)
                ? new Recalled(answer.Memberships, Later(_completeTo, _answeredAsOf))
                : null;
        }
    }

    public void Began()
    {
        lock (_lock)
        {
            Restart();
            _isFollowing = true;
        }
    }

    public void Interrupted()
    {
        lock (_lock)
        {
            Restart();
            _isFollowing = false;
        }
    }

    public void Saw(OutboxProgress progress)
    {
        if (progress.Source == Directory)
        {
            lock (_lock)
            {
                _completeTo = Later(_completeTo, progress.CompleteTo);
                _alive = time.GetTimestamp();
            }
        }
    }

    public void Saw(EventBatch batch)
    {
        if (batch.Source != Directory)
        {
            return;
        }

        lock (_lock)
        {
            foreach (var envelope in batch.Events)
            {
                Change(envelope);
            }

            if (_changed.Count > MaxChanges)
            {
                _changed.Clear();
                _complete = ++_count;
            }
        }
    }

    private void Change(EventEnvelope envelope)
    {
        foreach (var target in envelope.Targets.Where(target => !_unrelated.Contains(target.Kind)))
        {
            _count++;
            if (target.Kind == Member && target.Count == target.Ids.Count)
            {
                foreach (var member in target.Ids)
                {
                    _changed[member] = _count;
                }
            }
            else
            {
                _changed[Ids.Format("wks", envelope.WorkspaceId)] = _count;
            }
        }
    }

    private void Restart()
    {
        _answers.Clear();
        _changed.Clear();
        _complete = ++_count;
        _completeTo = DateTimeOffset.MinValue;
    }

    // A change is counted after it has committed, so that an answer which was asked for later holds it.
    private bool IsCurrent(Answer answer) =>
        answer.Asked >= _complete
        && answer.Memberships.All(membership =>
            _changed.GetValueOrDefault(membership.MemberId) <= answer.Asked
            && _changed.GetValueOrDefault(membership.WorkspaceId) <= answer.Asked
        );

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private sealed record Answer(IReadOnlyList<Membership> Memberships, long Asked);
}
