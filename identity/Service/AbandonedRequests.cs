namespace Platform.Identity.Service;

/// <summary>
/// A caller who hangs up cancels whatever was being done for them. What breaks off then is nobody's failure, and there is nobody to tell.
/// </summary>
internal static class AbandonedRequests
{
    public static void UseAbandonedRequests(this IApplicationBuilder app) =>
        app.Use(
            async (http, next) =>
            {
                try
                {
                    await next(http);
                }
                catch (Exception) when (http.RequestAborted.IsCancellationRequested) { }
            }
        );
}
