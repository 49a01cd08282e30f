package expression

import (
	"strings"

	"github.com/expr-lang/expr/file"
)

// Error is a mistake in an expression. Line and Column count from 1, inside the expression's text.
type Error struct {
	Field   string // when, filter, set:PATH or unset:PATH
	InPath  bool   // the mistake is in the PATH, not in the text
	Line    int
	Column  int
	Message string
	Hint    string

	Unknown string   // a name that is not known, "" where the mistake is another one
	Known   []string // the names that could stand in its place
}

func (e *Error) Error() string { return e.Message }

// Errors is every mistake of a transform.
type Errors []*Error

func (e Errors) Error() string {
	var lines []string
	for _, one := range e {
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "; ")
}

// Unwrap returns the mistakes, each an [*Error].
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for n, one := range e {
		list[n] = one
	}
	return list
}

func positioned(field string, err error) *Error {
	out := &Error{Field: field, Line: 1, Column: 1, Message: err.Error()}
	if located, ok := err.(*file.Error); ok { //nolint:errorlint // expr returns it bare
		out.Line, out.Column, out.Message = located.Line, located.Column+1, located.Message
	}
	return out
}
