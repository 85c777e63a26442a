using Platform.Native.Feed;

try
{
    new Filling(new Checkout(args.Length > 0 ? args[0] : "."), Console.Out).Run();
    return 0;
}
catch (FeedException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
