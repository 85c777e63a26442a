using Microsoft.Extensions.Options;

namespace Platform.Directory.Service;

internal static class MailExtensions
{
    /// <summary>
    /// The worker that sends what invitations left to be sent. With <c>Mail:Sink</c>, in development alone, mails go by SMTP to a server in
    /// this process, which files them.
    /// </summary>
    public static void AddMail(this WebApplicationBuilder builder, string[] args)
    {
        builder.Services.AddOptions<MailOptions>().Bind(builder.Configuration.GetSection("Mail")).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<MailOptions>, MailOptionsValidator>();
        builder.Services.AddSingleton<DueMails>();
        builder.Services.AddHostedService<MailWorker>();
        var mail = builder.Configuration.GetSection("Mail").Get<MailOptions>() ?? new MailOptions();
        if (mail.Sink.Length == 0 || mail.IsConfigured || args.Contains("migrate"))
        {
            return;
        }

        if (!builder.Environment.IsDevelopment())
        {
            throw new InvalidOperationException(
                "Mail:Sink keeps mails in a folder of this machine. It is for the environment Development only."
            );
        }

        var sink = SmtpSink.IntoFolder(mail.Sink);
        builder.Services.AddSingleton(_ => sink);
        builder.Services.PostConfigure<MailOptions>(options =>
        {
            (options.Host, options.Port, options.StartTls) = ("127.0.0.1", sink.Port, false);
            options.From = options.From.Length > 0 ? options.From : "no-reply@platform.example";
        });
    }
}
