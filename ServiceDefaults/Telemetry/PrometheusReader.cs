using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Platform.ServiceDefaults.Telemetry;

/// <summary>
/// Writes the collected metrics in the Prometheus text format 0.0.4. The OpenTelemetry project's exporter for it has never left preview;
/// this covers counters, gauges and explicit-bucket histograms, which are all that we and the frameworks emit.
/// </summary>
internal sealed class PrometheusReader() : BaseExportingMetricReader(new TextExporter())
{
    private readonly Lock _collecting = new();

    /// <summary>Collects and writes everything; one scrape at a time.</summary>
    public string Scrape()
    {
        lock (_collecting)
        {
            // A pull exporter may only be collected through the delegate that the reader gave it.
            var text = (TextExporter)Exporter;
            text.Collect!(Timeout.Infinite);
            return text.Text;
        }
    }

    private BaseExporter<Metric> Exporter => exporter;

    [ExportModes(ExportModes.Pull)]
    private sealed class TextExporter : BaseExporter<Metric>, IPullMetricExporter
    {
        public Func<int, bool>? Collect { get; set; }

        public string Text { get; private set; } = "";

        public override ExportResult Export(in Batch<Metric> batch)
        {
            var text = new StringBuilder();
            foreach (var metric in batch)
            {
                Write(text, metric);
            }

            Text = text.ToString();
            return ExportResult.Success;
        }

        private static void Write(StringBuilder text, Metric metric)
        {
            var isCounter = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
            var isHistogram = metric.MetricType is MetricType.Histogram;
            var name = Name(metric) + (isCounter ? "_total" : "");
            text.Append("# HELP ")
                .Append(name)
                .Append(' ')
                .Append(metric.Description.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal))
                .Append('\n')
                .Append("# TYPE ")
                .Append(name)
                .Append(' ')
                .Append(
                    isCounter ? "counter"
                    : isHistogram ? "histogram"
                    : "gauge"
                )
                .Append('\n');
            foreach (ref readonly var point in metric.GetMetricPoints())
            {
                var labels = Labels(point);
                if (isHistogram)
                {
                    WriteHistogram(text, name, labels, point);
                }
                else
                {
                    Line(text, name, labels, Value(metric, point));
                }
            }
        }

        private static double Value(Metric metric, in MetricPoint point) =>
            metric.MetricType switch
            {
                MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
                MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
                MetricType.LongGauge => point.GetGaugeLastValueLong(),
                _ => point.GetGaugeLastValueDouble(),
            };

        private static void WriteHistogram(StringBuilder text, string name, string labels, in MetricPoint point)
        {
            long cumulative = 0;
            foreach (var bucket in point.GetHistogramBuckets())
            {
                cumulative += bucket.BucketCount;
                var bound = double.IsPositiveInfinity(bucket.ExplicitBound)
                    ? "+Inf"
                    : bucket.ExplicitBound.ToString("R", CultureInfo.InvariantCulture);
                Line(text, name + "_bucket", Join(labels, $"le=\"{bound}\""), cumulative);
            }

            Line(text, name + "_sum", labels, point.GetHistogramSum());
            Line(text, name + "_count", labels, point.GetHistogramCount());
        }

        private static void Line(StringBuilder text, string name, string labels, double value)
        {
            text.Append(name);
            if (labels.Length > 0)
            {
                text.Append('{').Append(labels).Append('}');
            }

            text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }

        private static string Labels(in MetricPoint point)
        {
            var labels = "";
            foreach (var (key, value) in point.Tags)
            {
                labels = Join(labels, $"{Sanitize(key)}=\"{Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")}\"");
            }

            return labels;
        }

        private static string Join(string labels, string label) => labels.Length == 0 ? label : labels + "," + label;

        private static string Name(Metric metric) =>
            Sanitize(metric.Name)
            + metric.Unit switch
            {
                "s" => "_seconds",
                "By" => "_bytes",
                "ms" => "_milliseconds",
                _ => "",
            };

        private static string Sanitize(string name) =>
            string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));

        private static string Escape(string value) =>
            value
                .Replace("\\", @"\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", @"\n", StringComparison.Ordinal);
    }
}
