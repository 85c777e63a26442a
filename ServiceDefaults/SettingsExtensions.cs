using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace Platform.ServiceDefaults;

/// <summary>The one way in which a program reads a section of its settings.</summary>
public static class SettingsExtensions
{
    /// <summary>
    /// Binds the section, and ends the start with one line when it holds a name that nothing reads, or a value that breaks a rule of
    /// <typeparamref name="T"/> (its validation attributes, and what is added to the answer).
    /// </summary>
    /// <param name="section">Its path, such as <c>Edge:Access</c>.</param>
    /// <param name="others">Names in the section that other options read.</param>
    public static OptionsBuilder<T> AddSettings<T>(this IHostApplicationBuilder builder, string section, params string[] others)
        where T : class
    {
        builder.Services.AddSingleton<IValidateOptions<T>>(new Rules<T>(builder.Configuration.GetSection(section), others));
        return builder.Services.AddOptions<T>().BindConfiguration(section).ValidateOnStart();
    }

    private sealed class Rules<T>(IConfigurationSection section, string[] others) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options)
        {
            string[] failures = [.. Unknown(section, typeof(T), others), .. Broken(options)];
            return failures.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
        }

        private IEnumerable<string> Broken(T options)
        {
            foreach (var property in Known(typeof(T)))
            {
                var results = new List<ValidationResult>();
                var context = new ValidationContext(options)
                {
                    MemberName = property.Name,
                    DisplayName = $"{section.Path}:{property.Name}",
                };
                Validator.TryValidateProperty(property.GetValue(options), context, results);
                foreach (var result in results)
                {
                    yield return result.ErrorMessage!;
                }
            }
        }
    }

    private static IEnumerable<string> Unknown(IConfigurationSection section, Type type, params string[] others)
    {
        // A list, or a dictionary: its members have names of their own.
        if (type.IsAssignableTo(typeof(IEnumerable)) && type != typeof(string))
        {
            var member = type.GetElementType() ?? type.GetGenericArguments()[^1];
            return section.GetChildren().SelectMany(child => Unknown(child, member));
        }

        // One value.
        if (TypeDescriptor.GetConverter(type).CanConvertFrom(typeof(string)))
        {
            return section.GetChildren().Select(child => $"Nothing reads the setting {child.Path}. {section.Path} is one value.");
        }

        var known = Known(type).ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        return section
            .GetChildren()
            .Where(child => !others.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            .SelectMany(child =>
                known.TryGetValue(child.Key, out var property)
                    ? Unknown(child, property.PropertyType)
                    :
                    [
                        $"Nothing reads the setting {child.Path}. The settings of {section.Path} are: "
                            + $"{string.Join(", ", known.Keys.Concat(others).Order(StringComparer.Ordinal))}.",
                    ]
            );
    }

    private static IEnumerable<PropertyInfo> Known(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is { IsPublic: true });
}
