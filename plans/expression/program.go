package expression

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// program is one compiled expression.
type program struct {
	field      string // as in [Error]
	code       *vm.Program
	condition  ast.Node // rewritten, of a filter
	conditions []string // the operands of its outermost &&, as they are written
	references []*reference
	bare       *reference // the field that is all there is of the expression: its value is copied as it is
}

// compile checks an expression and compiles it.
func compile(field, text string, condition bool) (*program, *Error) {
	config := language()
	if condition {
		config.Expect, config.ExpectAny = reflect.Bool, true
	}
	tree, err := parser.ParseWithConfig(text, config)
	if err == nil {
		_, err = checker.Check(tree, config)
	}
	if err != nil {
		return nil, mistake(field, err)
	}
	r := &rewriter{}
	p := &program{field: field}
	bare, isField := path(tree.Node)
	if condition {
		for _, operand := range conjunction(tree.Node) {
			p.conditions = append(p.conditions, operand.String())
		}
		tree.Node, p.conditions = totalFirst(r.condition(tree.Node), p.conditions)
		p.condition = tree.Node
	} else {
		tree.Node = r.node(tree.Node)
	}
	if r.err != nil {
		return nil, mistake(field, r.err.Bind(tree.Source))
	}
	p.references = r.references
	if !condition {
		if isField {
			p.bare = &reference{path: bare}
			p.references = []*reference{p.bare}
			return p, nil
		}
		if v, ok := constantOf(tree.Node); ok { // what cannot be stored is known now
			if _, _, err := encode(nil, v); err != nil {
				return nil, &Error{Field: field, Line: 1, Column: 1, Message: err.Error()}
			}
		}
	}
	config = compiled()
	if _, err = checker.Check(tree, config); err == nil {
		p.code, err = compiler.Compile(tree, config)
	}
	if err != nil {
		return nil, mistake(field, err)
	}
	return p, nil
}

// mistake is an error of expr with its place, and with what may help.
func mistake(field string, err error) *Error {
	e := positioned(field, err)
	switch {
	case strings.Contains(e.Message, "unknown name now"):
		e.Message = "now is not there"
		e.Hint = "it gives another answer each time, so that an interrupted run would go on with another: write the date, or ${NAME}"
	case strings.HasPrefix(e.Message, "unknown name "):
		e.Hint = "fields of the document are written doc.NAME"
		e.Unknown, e.Known = strings.TrimPrefix(e.Message, "unknown name "), Names()
	}
	return e
}

// Names returns what can be called in an expression.
func Names() (list []string) {
	for _, f := range functions {
		list = append(list, f.name)
	}
	for _, f := range builtin.Builtins {
		if f.Predicate {
			list = append(list, f.Name)
		}
	}
	return list
}

// run evaluates the program for the document of a scope.
func (p *program) run(machine *vm.VM, env map[string]any) (any, error) {
	v, err := machine.Run(p.code, env)
	if err == nil {
		return v, nil
	}
	message, column := err.Error(), 0
	var located *file.Error
	if errors.As(err, &located) {
		message, column = located.Message, located.Column+1
	}
	if errors.Is(err, errMalformed) {
		return nil, errMalformed
	}
	return nil, fmt.Errorf("%s, at character %d: %s", describePath(p.field), column, message)
}
