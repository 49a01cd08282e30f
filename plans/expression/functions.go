package expression

import (
	"fmt"
	"reflect"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/conf"
)

// function is a function of the language. Its types are what expressions are checked against and what its
// arguments are held to; with one of them null the result is null, unless nulls is set.
type function struct {
	name  string
	call  func(args []any) (any, error)
	nulls bool
	types []any // pointers to function types, one for each way to call it
}

// functions is every function of the language that is not a loop over an array (all, any, filter, map, …), which are
// expr's own.
var functions = concat(textFunctions, numberFunctions, valueFunctions, arrayFunctions)

func concat(lists ...[]function) (all []function) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// language is expr's configuration: the variable doc, null as another name of nil, and the functions.
func language() *conf.Config {
	config := conf.CreateNew()
	config.Optimize = false
	for _, name := range impure {
		config.Disabled[name] = true
		delete(config.Builtins, name)
	}
	config.WithEnv(map[string]any{"doc": nil, "null": nil})
	config.Env.Fields["doc"] = nature.Nature{} // of any type
	for _, f := range functions {
		types := make([]reflect.Type, len(f.types))
		for n, t := range f.types {
			types[n] = reflect.TypeOf(t).Elem()
		}
		config.Functions[f.name] = &builtin.Function{Name: f.name, Func: f.guarded(types), Types: types}
	}
	return config
}

// guarded returns the function with its arguments held to its types, for a document's values come without any.
func (f function) guarded(types []reflect.Type) func(args ...any) (any, error) {
	return func(args ...any) (result any, err error) {
		if !f.nulls {
			for _, a := range args {
				if a == nil {
					return nil, nil
				}
			}
		}
		fitted, err := f.fit(types, args)
		if err != nil {
			return nil, err
		}
		if result, err = f.call(fitted); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		return result, nil
	}
}

// fit converts the arguments to what one of the types asks for.
func (f function) fit(types []reflect.Type, args []any) ([]any, error) {
	var problem error
	for _, t := range types {
		if !t.IsVariadic() && t.NumIn() != len(args) || t.IsVariadic() && len(args) < t.NumIn()-1 {
			continue
		}
		fitted := make([]any, len(args))
		var misfit error
		for n, a := range args {
			in := t.In(min(n, t.NumIn()-1))
			if t.IsVariadic() && n >= t.NumIn()-1 {
				in = in.Elem()
			}
			var ok bool
			if fitted[n], ok = fitOne(in, a); !ok && misfit == nil {
				misfit = fmt.Errorf("%s takes %s here, not %s", f.name, wanted(in), describe(a))
			}
		}
		if misfit == nil {
			return fitted, nil
		}
		if problem == nil {
			problem = misfit
		}
	}
	if problem == nil {
		problem = fmt.Errorf("%s does not take %d arguments", f.name, len(args))
	}
	return nil, problem
}

func fitOne(in reflect.Type, a any) (any, bool) {
	if a == nil {
		return nil, true
	}
	switch in.Kind() {
	case reflect.Interface:
		return a, true
	case reflect.String:
		return stringOf(a)
	case reflect.Int:
		n, ok := numberOf(a)
		if !ok || !n.isInteger() {
			return nil, false
		}
		return int(n.integer), true
	case reflect.Slice:
		return arrayOf(a)
	}
	return a, reflect.TypeOf(a).AssignableTo(in)
}

func wanted(in reflect.Type) string {
	switch in.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "an array"
	}
	if in == reflect.TypeFor[*time.Location]() {
		return "a time zone"
	}
	return in.String()
}

// own returns one of expr's own functions.
func own(name string) func(args []any) (any, error) {
	f := builtin.Builtins[builtin.Index[name]]
	return func(args []any) (any, error) {
		switch {
		case f.Fast != nil:
			return f.Fast(args[0]), nil
		case f.Safe != nil:
			result, _, err := f.Safe(args...)
			return result, err
		}
		return f.Func(args...)
	}
}

// Shapes of functions.
type (
	textToText = func(string) string
	anyToAny   = func(any) any
)
