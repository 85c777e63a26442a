using Platform.Changes.Undo;
using Platform.Contracts;
using Platform.Directory.Service.MemberInvitations;

namespace Platform.Directory.Service;

/// <summary>What the directory can take back.</summary>
internal static class DirectoryUndo
{
    private const string Write = Scopes.DirectoryWrite;
    private const string Delete = Scopes.DirectoryDelete;

    public static RowUndo Create() =>
        new(
            new KeptTable(
                "directory",
                "organization",
                "organization",
                "r.id = k.key::uuid",
                "name",
                "external_id",
                "metadata",
                "updated_at"
            )
            {
                IdOf = key => Ids.Format("org", Guid.Parse(key)),
                HasVersion = true,
                Owned =
                [
                    ("organization_domain", "organization_id", "c.organization_id || '/' || c.domain"),
                    ("invitation", "organization_id", "c.id::text"),
                    ("membership", "organization_id", "c.id::text"),
                ],
                WritePermission = Write,
                DeletePermission = Delete,
            },
            new KeptTable(
                "directory",
                "directory_user",
                "user",
                "r.id = k.key::uuid",
                "email",
                "first_name",
                "last_name",
                "external_id",
                "metadata",
                "state",
                "updated_at"
            )
            {
                IdOf = key => Ids.Format("usr", Guid.Parse(key)),
                HasVersion = true,
                Owned = [("membership", "user_id", "c.id::text")],
                WritePermission = Write,
                DeletePermission = Delete,
            },
            new KeptTable(
                "directory",
                "organization_domain",
                "organization",
                "r.organization_id = split_part(k.key, '/', 1)::uuid and r.domain = split_part(k.key, '/', 2)",
                "state"
            )
            {
                IdOf = key => Ids.Format("org", Guid.Parse(key.Split('/')[0])),
                PartOf = "organization",
                WritePermission = Write,
                DeletePermission = Write,
            },
            new KeptTable("directory", "membership", "membership", "r.id = k.key::uuid", "role", "state", "updated_at")
            {
                IdOf = key => Ids.Format("om", Guid.Parse(key)),
                WritePermission = Write,
                DeletePermission = Write,
            },
            new KeptTable("directory", "invitation", "invitation", "r.id = k.key::uuid", "is_open", "revoked_at")
            {
                IdOf = key => Ids.Format("inv", Guid.Parse(key)),
                // Somebody may have it in their mailbox already: it stays, revoked, and says so to whoever comes with it.
                InsteadOfRemoval = "k.image::jsonb || jsonb_build_object('is_open', false, 'revoked_at', now())",
                IsTakenBack = row => !row.Contains("\"revoked_at\": null", StringComparison.Ordinal),
                AfterRestore = """
                insert into directory.mail (id, environment_id, state, asked_at, due_at)
                select k.key::uuid, platform.environment_id(), 'dropped', '{}', now() from unnest($1::text[]) as k(key)
                on conflict do nothing
                """,
                RestoreNote = "Links that were mailed before stay void; resend_invitation mails new ones.",
                Note = "A message that was sent cannot be called back; its link no longer works.",
                WritePermission = Write,
                DeletePermission = Write,
            },
            MemberInvitationUndo.Table
        )
        {
            Remedies = new Dictionary<string, string>
            {
                ["resend_member_invitation"] = "The message was sent; revoke_member_invitation makes its link void.",
                ["resend_invitation"] = "The message was sent; revoke_invitation makes its link void.",
            },
        };
}
