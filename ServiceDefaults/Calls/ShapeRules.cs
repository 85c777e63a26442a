using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Platform.Contracts;

namespace Platform.ServiceDefaults.Calls;

/// <summary>Checks a request against the field options of its contract. The edge checks the same rules; a service trusts no edge.</summary>
internal static class ShapeRules
{
    private static readonly ConcurrentDictionary<MessageDescriptor, FieldRule[]> _rules = new();

    public static IReadOnlyList<Violation> Check(IMessage message)
    {
        List<Violation>? violations = null;
        Check(message, "", ref violations);
        return violations ?? (IReadOnlyList<Violation>)[];
    }

    /// <summary>Of a call that changes only what is sent: the violation that nothing to change was sent; null if something was.</summary>
    public static Violation? FindEmptyPatch(IMessage message)
    {
        var rules = _rules.GetOrAdd(message.Descriptor, RulesOf).Where(rule => rule.SaysWhat).ToList();
        return rules.Exists(rule => rule.IsSent(message))
            ? null
            : new Violation
            {
                Field = rules[0].Name,
                Rule = "is missing, and so is everything else that could change",
                Fix = $"Send at least one of: {string.Join(", ", rules.Select(rule => rule.Name))}.",
            };
    }

    private static void Check(IMessage message, string path, ref List<Violation>? violations)
    {
        foreach (var rule in _rules.GetOrAdd(message.Descriptor, RulesOf))
        {
            rule.Check(message, path, ref violations);
        }
    }

    private static FieldRule[] RulesOf(MessageDescriptor message) =>
        [.. message.Fields.InDeclarationOrder().Select(field => new FieldRule(field))];

    private sealed class FieldRule(FieldDescriptor field)
    {
        private readonly Field _options = field.GetOptions()?.GetExtension(OptionsExtensions.Field) ?? new Field();
        private readonly Regex? _pattern = field.GetOptions()?.GetExtension(OptionsExtensions.Field)?.Pattern is { Length: > 0 } pattern
            ? new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.ECMAScript, TimeSpan.FromMilliseconds(100))
            : null;

        public string Name { get; } = field.JsonName;

        /// <summary>Whether the field names something to change.</summary>
        public bool SaysWhat => !_options.Required && !_options.Modifier;

        public bool IsSent(IMessage message) =>
            field.HasPresence
                ? field.Accessor.HasValue(message)
                : field.Accessor.GetValue(message) switch
                {
                    string text => text.Length > 0,
                    bool value => value,
                    System.Collections.ICollection items => items.Count > 0,
                    var number => Convert.ToInt32(number, null) != 0,
                };

        public void Check(IMessage message, string path, ref List<Violation>? violations)
        {
            var name = path + field.JsonName;
            var value = field.Accessor.GetValue(message);
            if (field.IsMap)
            {
                CheckCount(((System.Collections.IDictionary)value).Count, name, ref violations);
            }
            else if (field.IsRepeated)
            {
                var items = (System.Collections.IList)value;
                CheckCount(items.Count, name, ref violations);
                for (var i = 0; i < items.Count; i++)
                {
                    CheckValue(items[i], $"{name}[{i}]", ref violations);
                }
            }
            else if (field.HasPresence && !field.Accessor.HasValue(message) || IsEmpty(value) && (!field.HasPresence || _options.Required))
            {
                if (_options.Required)
                {
                    Add(ref violations, name, "is required", $"Send {name}.");
                }
            }
            else
            {
                CheckValue(value, name, ref violations);
            }
        }

        // Without presence, an empty text is the same as an absent one. Only the edge can tell whether it was given, and the schema makes
        // the edge refuse it. Numbers and booleans without presence always count as given.
        private static bool IsEmpty(object? value) => value is null or "" or ByteString { Length: 0 };

        private void CheckValue(object? value, string name, ref List<Violation>? violations)
        {
            switch (value)
            {
                case string text:
                    CheckText(text, name, ref violations);
                    break;
                case Json or Google.Protobuf.WellKnownTypes.Timestamp:
                    break;
                case IMessage message:
                    ShapeRules.Check(message, name + ".", ref violations);
                    break;
                case bool or ByteString or Enum:
                    break;
                case IConvertible number when _options.HasMinimum || _options.HasMaximum:
                    CheckRange(number.ToDouble(null), name, ref violations);
                    break;
            }
        }

        private void CheckCount(int count, string name, ref List<Violation>? violations)
        {
            // None at all is left out, unless it must be there.
            var minimum = Math.Max(_options.MinItems, _options.Required ? 1 : 0);
            if (count < minimum && (count > 0 || _options.Required))
            {
                Add(ref violations, name, $"has {count} items, fewer than {minimum}", $"Send at least {minimum}.");
            }

            if (_options.MaxItems > 0 && count > _options.MaxItems)
            {
                Add(
                    ref violations,
                    name,
                    $"has {count} items, more than {_options.MaxItems}",
                    $"Send at most {_options.MaxItems} at a time."
                );
            }
        }

        private void CheckText(string text, string name, ref List<Violation>? violations)
        {
            var length = text.EnumerateRunes().Count();
            if (length == 0 && _options.MinLength > 0)
            {
                Add(ref violations, name, "is empty", "Send a value, or leave it out.");
                return;
            }

            if (length < _options.MinLength)
            {
                Add(
                    ref violations,
                    name,
                    $"is shorter than {_options.MinLength} characters",
                    $"Send at least {_options.MinLength} characters."
                );
            }

            if (_options.MaxLength > 0 && length > _options.MaxLength)
            {
                Add(
                    ref violations,
                    name,
                    $"is longer than {_options.MaxLength} characters",
                    $"Send at most {_options.MaxLength} characters."
                );
            }

            if (text.Contains('\0', StringComparison.Ordinal))
            {
                Add(ref violations, name, "holds a NUL character", "Remove it.");
            }

            if (_pattern is { } pattern && !pattern.IsMatch(text))
            {
                Add(ref violations, name, $"does not match {_options.Pattern}", "Send a value of that form.");
            }

            if (_options.Allowed.Count > 0 && !_options.Allowed.Contains(text))
            {
                Add(ref violations, name, "is not one of the allowed values", $"Use one of: {string.Join(", ", _options.Allowed)}.");
            }
        }

        private void CheckRange(double value, string name, ref List<Violation>? violations)
        {
            if (_options.HasMinimum && value < _options.Minimum || _options.HasMaximum && value > _options.Maximum)
            {
                var range = (_options.HasMinimum, _options.HasMaximum) switch
                {
                    (true, true) => FormattableString.Invariant($"between {_options.Minimum} and {_options.Maximum}"),
                    (true, false) => FormattableString.Invariant($"at least {_options.Minimum}"),
                    _ => FormattableString.Invariant($"at most {_options.Maximum}"),
                };
                Add(ref violations, name, $"is not {range}", $"Send a number {range}.");
            }
        }

        private static void Add(ref List<Violation>? violations, string field, string rule, string fix) =>
            (violations ??= []).Add(
                new Violation
                {
                    Field = field,
                    Rule = rule,
                    Fix = fix,
                }
            );
    }
}
