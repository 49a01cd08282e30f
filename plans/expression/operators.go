package expression

import (
	"errors"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
)

// What operators and fields become, so that they mean for a document's values what they mean in MQL. A $ in front
// keeps them out of the language: it is checked without them.
const (
	opRead     = "$read"   // the document, a *reference
	opExists   = "$exists" // the document, a *reference
	opTest     = "$test"   // the document, a *leaf
	opWhole    = "$whole"  // the document
	opMember   = "$member" // a value, a name or a number
	opMethod   = "$method" // a name, a value, arguments
	opTrue     = "$true"   // a value: is it true?
	opNot      = "$not"
	opNegative = "$negative"
	opArray    = "$array"  // a name, a value that must be an array or null
	opObject   = "$object" // names and values in turn
	opSlice    = "$slice"
	opSum      = "$sum"
	opInList   = "$inList" // a value, *members
)

// operators is the internal functions by name; those of a binary operator are called "$" and its sign.
var operators = withSigns(map[string]func(args ...any) (any, error){
	opRead: func(args ...any) (any, error) {
		e, err := args[0].(*scope).element(args[1].(*reference).slot)
		if err != nil {
			return nil, err
		}
		return decode(e)
	},
	opExists: func(args ...any) (any, error) {
		e, err := args[0].(*scope).element(args[1].(*reference).slot)
		return e.kind != 0, err
	},
	opTest: func(args ...any) (any, error) {
		test := args[1].(*leaf)
		e, err := args[0].(*scope).element(test.field.slot)
		if err != nil {
			return nil, err
		}
		return test.test(e)
	},
	opWhole:    func(args ...any) (any, error) { return Document(args[0].(*scope).document), nil },
	opMember:   func(args ...any) (any, error) { return member(args[0], args[1]) },
	opMethod:   func(args ...any) (any, error) { return method(args[0].(string), args[1], args[2:]) },
	opTrue:     func(args ...any) (any, error) { return args[0] == true, nil },
	opNot:      func(args ...any) (any, error) { return args[0] != true, nil },
	opNegative: func(args ...any) (any, error) { return negative(args[0]) },
	opObject:   func(args ...any) (any, error) { return object(args) },
	opSlice:    func(args ...any) (any, error) { return slice(args) },
	opSum:      func(args ...any) (any, error) { return sum(args) },
	opInList:   func(args ...any) (any, error) { return args[1].(*members).has(args[0]), nil },
	opArray: func(args ...any) (any, error) {
		if args[1] == nil {
			return []any{}, nil
		}
		if list, ok := arrayOf(args[1]); ok {
			return list, nil
		}
		return nil, errors.New(args[0].(string) + " takes an array, not " + describe(args[1]))
	},
	"$in":         func(args ...any) (any, error) { return contains(args[1], args[0]) },
	"$matches":    matches,
	"$startsWith": textTest(strings.HasPrefix),
	"$endsWith":   textTest(strings.HasSuffix),
	"$contains":   textTest(strings.Contains),
})

func withSigns(operators map[string]func(args ...any) (any, error)) map[string]func(args ...any) (any, error) {
	for _, sign := range []string{"==", "!=", "<", "<=", ">", ">="} {
		operators["$"+sign] = func(args ...any) (any, error) { return compares(sign, args[0], args[1]), nil }
	}
	for _, sign := range []string{"+", "-", "*", "/", "%", "**", "^"} {
		operators["$"+sign] = func(args ...any) (any, error) { return arithmetic(sign, args[0], args[1]) }
	}
	return operators
}

// compiled is language with the internal functions, by which a rewritten expression is compiled.
func compiled() *conf.Config {
	config := language()
	for name, f := range operators {
		config.Functions[name] = &builtin.Function{Name: name, Func: f}
	}
	return config
}

// textTest is a test of two strings. What is no string does not pass it.
func textTest(test func(s, t string) bool) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		s, ok := stringOf(args[0])
		t, also := stringOf(args[1])
		return ok && also && test(s, t), nil
	}
}

func matches(args ...any) (any, error) {
	s, ok := stringOf(args[0])
	if !ok || args[1] == nil {
		return false, nil
	}
	if pattern, ok := args[1].(*regexp.Regexp); ok {
		return pattern.MatchString(s), nil
	}
	pattern, ok := stringOf(args[1])
	if !ok {
		return nil, errors.New("matches takes a regular expression, not " + describe(args[1]))
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return compiled.MatchString(s), nil
}

// contains tells whether an array has an element, or an object a field of that name.
func contains(in, v any) (any, error) {
	if in == nil {
		return false, nil
	}
	if list, ok := arrayOf(in); ok {
		for _, one := range list {
			if equal(v, one) {
				return true, nil
			}
		}
		return false, nil
	}
	d, ok := in.(Document)
	if !ok {
		return nil, errors.New("in takes an array or an object, not " + describe(in))
	}
	found := false
	name, ok := stringOf(v)
	err := elements(d, func(n []byte, _ element) (bool, error) {
		found = found || ok && string(n) == name
		return !found, nil
	})
	return found, err
}
