using Microsoft.Extensions.Options;
using Platform.ServiceDefaults;
using Platform.ServiceDefaults.Telemetry;

namespace Platform.Directory.Service.Mail;

internal static class MailExtensions
{
    /// <summary>
    /// The worker that sends what invitations left to be sent. With <c>Mail:Sink</c>, in development alone, a folder takes the mails in
    /// place of a mail server.
    /// </summary>
    public static void AddMail(this WebApplicationBuilder builder, string[] args)
    {
        builder.AddSettings<MailOptions>("Mail");
        builder.Services.AddSingleton<IValidateOptions<MailOptions>, MailOptionsValidator>();
        builder.Services.AddSingleton<DueMails>();
        builder.Services.AddHostedService<MailWorker>();
        var mail = builder.Configuration.GetSection("Mail").Get<MailOptions>() ?? new MailOptions();
        if (!mail.UsesFolder || args.Contains("migrate"))
        {
            return;
        }

        if (!builder.Environment.IsDevelopment())
        {
            throw new WrongSettingException(
                "Mail:Sink keeps mails in a folder of this machine. It is for the environment Development only."
            );
        }

        builder.Services.PostConfigure<MailOptions>(options =>
            options.From = options.From.Length > 0 ? options.From : "no-reply@platform.example"
        );
    }
}
