using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Platform.Architecture.Tests;

/// <summary>Which types a compiled type uses: in signatures, attributes and code, including lambdas and async methods.</summary>
internal sealed class TypeUse
{
    private readonly HashSet<TypeReference> _used = [];

    /// <summary>The outermost types, so that each has a namespace.</summary>
    public static IEnumerable<TypeReference> Of(TypeDefinition type)
    {
        var use = new TypeUse();
        use.AddDefinition(type);
        return use._used.DistinctBy(used => used.FullName);
    }

    private void AddDefinition(TypeDefinition type)
    {
        Add(type.BaseType);
        AddAttributes(type);
        AddConstraints(type);
        foreach (var one in type.Interfaces)
        {
            Add(one.InterfaceType);
        }

        foreach (var field in type.Fields)
        {
            Add(field.FieldType);
            AddAttributes(field);
        }

        foreach (var property in type.Properties)
        {
            AddAttributes(property);
        }

        foreach (var method in type.Methods)
        {
            AddMethod(method);
        }

        // Lambdas and async methods are types in here, several levels deep.
        foreach (var nested in type.NestedTypes)
        {
            AddDefinition(nested);
        }
    }

    private void AddMethod(MethodDefinition method)
    {
        AddSignature(method);
        AddAttributes(method);
        AddConstraints(method);
        if (!method.HasBody)
        {
            return;
        }

        foreach (var local in method.Body.Variables)
        {
            Add(local.VariableType);
        }

        foreach (var caught in method.Body.ExceptionHandlers)
        {
            Add(caught.CatchType);
        }

        foreach (var instruction in method.Body.Instructions)
        {
            AddOperand(instruction);
        }
    }

    private void AddOperand(Instruction instruction)
    {
        switch (instruction.Operand)
        {
            case TypeReference type:
                Add(type);
                break;
            case FieldReference field:
                Add(field.DeclaringType);
                Add(field.FieldType);
                break;
            case MethodReference method:
                Add(method.DeclaringType);
                AddSignature(method);
                break;
        }
    }

    private void AddSignature(MethodReference method)
    {
        Add(method.ReturnType);
        foreach (var parameter in method.Parameters)
        {
            Add(parameter.ParameterType);
        }

        if (method is GenericInstanceMethod generic)
        {
            foreach (var argument in generic.GenericArguments)
            {
                Add(argument);
            }
        }
    }

    private void AddConstraints(IGenericParameterProvider provider)
    {
        foreach (var constraint in provider.GenericParameters.SelectMany(parameter => parameter.Constraints))
        {
            Add(constraint.ConstraintType);
        }
    }

    private void AddAttributes(ICustomAttributeProvider provider)
    {
        foreach (var attribute in provider.CustomAttributes)
        {
            Add(attribute.AttributeType);
            foreach (var argument in attribute.ConstructorArguments)
            {
                Add(argument.Value as TypeReference);
            }
        }
    }

    private void Add(TypeReference? type)
    {
        switch (type)
        {
            case null or GenericParameter:
                return;
            case GenericInstanceType generic:
                foreach (var argument in generic.GenericArguments)
                {
                    Add(argument);
                }

                break;
        }

        var element = type.GetElementType();
        if (element is not null && element != type)
        {
            Add(element);
            return;
        }

        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        _used.Add(type);
    }
}
