namespace Platform.AppHost.StartUp;

/// <summary>How files are opened that nobody but their owner may read.</summary>
internal static class OwnersFile
{
    public static FileStreamOptions Appended => Options(FileMode.Append);

    public static FileStreamOptions Created => Options(FileMode.Create);

    private static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
