using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Platform.Changes.Contracts.V1;
using Platform.Contracts;
using Platform.ServiceDefaults.Calls;

namespace Platform.Edge.Tests.Fixture;

/// <summary>Two services in one: who is asked shows in the assertion.</summary>
public sealed class FakeChanges : Platform.Changes.Contracts.V1.Changes.ChangesBase
{
    public ConcurrentQueue<(string Service, string? Confirmation, string? CallId)> Asked { get; } = new();

    /// <summary>Services that know nothing of what is asked.</summary>
    public HashSet<string> Unknowing { get; } = [];

    /// <summary>Services that fail when it comes to acting, or at once.</summary>
    public HashSet<string> Failing { get; } = [];

    /// <summary>Services that know the task, and in which it changed nothing.</summary>
    public HashSet<string> Idle { get; } = [];

    /// <summary>Services that refuse to act, and say so.</summary>
    public HashSet<string> Busy { get; } = [];

    public override Task<BeginTaskResponse> BeginTask(BeginTaskRequest request, ServerCallContext context)
    {
        Ask(context);
        context.ResponseTrailers.Add("x-outcome", "committed");
        return Task.FromResult(new BeginTaskResponse { TaskId = "tsk_same" });
    }

    public override Task<SummarizeTaskResponse> SummarizeTask(SummarizeTaskRequest request, ServerCallContext context)
    {
        var part = new TaskPart { Service = Ask(context), Goal = "tidy up" };
        if (!Idle.Contains(part.Service))
        {
            part.Changes.Add(new NetChange { Kind = "record", Created = 1 });
        }

        return Task.FromResult(new SummarizeTaskResponse { Parts = { part } });
    }

    public override Task<UndoTaskResponse> UndoTask(UndoTaskRequest request, ServerCallContext context)
    {
        var confirmation = context.RequestHeaders.GetValue("x-confirmation");
        if (request.TaskId == "tsk_stays" && Ask(context) == "other")
        {
            var stays = new LeftAlone
            {
                Kind = "stream",
                Id = "str_1",
                Reason = "CANNOT_BE_UNDONE",
                Why = "It has no inverse.",
            };
            return Task.FromResult(
                new UndoTaskResponse
                {
                    Parts =
                    {
                        new UndoPart
                        {
                            Service = "other",
                            Left = { stays },
                            LeftCount = 1,
                        },
                    },
                }
            );
        }

        if (confirmation is null)
        {
            throw Confirm(Ask(context, mayFail: false));
        }

        var service = Ask(context);
        Assert.Equal($"sealed-by-{service}", confirmation);
        context.ResponseTrailers.Add("x-outcome", "committed");
        return Task.FromResult(
            new UndoTaskResponse
            {
                Parts =
                {
                    new UndoPart
                    {
                        Service = service,
                        Undone =
                        {
                            new Undone { Kind = "record", Count = 2 },
                        },
                    },
                },
            }
        );
    }

    private string Ask(ServerCallContext context, bool mayFail = true)
    {
        var service = context.RequestHeaders.GetValue("authorization")!["Bearer assertion-for-".Length..];
        Asked.Enqueue((service, context.RequestHeaders.GetValue("x-confirmation"), context.RequestHeaders.GetValue("x-call-id")));
        if (Unknowing.Contains(service))
        {
            throw Problem.Of(StatusCode.NotFound, "TASK_NOT_FOUND", "There is no such task.", "Begin one.");
        }

        if (mayFail && Failing.Contains(service))
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "10.0.0.7:5432 refused"));
        }

        return Busy.Contains(service) ? throw Problem.Busy() : service;
    }

    private static RpcException Confirm(string service) =>
        Problem.Of(
            StatusCode.FailedPrecondition,
            new ProblemDetail
            {
                Reason = Problem.ConfirmationRequiredReason,
                Message = "Nothing was changed yet.",
                Confirmation = new()
                {
                    Token = $"sealed-by-{service}",
                    ExpiresAt = Timestamp.FromDateTime(new DateTime(2030, 1, 2, 3, 4, 5, DateTimeKind.Utc)),
                    Preview = new Json { Utf8 = ByteString.CopyFromUtf8($$"""{"of":"{{service}}"}""") },
                },
            }
        );
}
