namespace Platform.Identity.Service.Keycloak;

/// <summary>What became of the wish for an account.</summary>
internal enum AccountOutcome
{
    /// <summary>The account was created, and the person can sign in to it.</summary>
    Created,

    /// <summary>There was an account already. Nothing was changed.</summary>
    Exists,

    /// <summary>There is no account, and creating one takes a name and a password.</summary>
    PasswordNeeded,

    /// <summary>The realm's rules do not allow the password. Nothing was created.</summary>
    PasswordRefused,

    /// <summary>The realm does not take the name. Nothing was created.</summary>
    NameRefused,

    /// <summary>Accounts are not created here: there is no realm, or its operator creates them in another way.</summary>
    NotOffered,
}
