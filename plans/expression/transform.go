package expression

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
)

// Transform is a compiled filter, set and unset. It is immutable and may be shared; each goroutine takes a
// [Worker] of its own.
type Transform struct {
	FilterText string // as it is written in the plan

	// Pushdown is a query that every document which passes the filter matches, so that the source need not send
	// the others; nil when there is none. It may match more: the filter itself is always evaluated here.
	Pushdown bson.Raw

	// Remainder is the conditions of the filter of which nothing is in Pushdown, as they are written.
	Remainder []string

	// Concealed says that values of the environment are in the filter, which may be secrets: neither Pushdown nor
	// Remainder is for people then.
	Concealed bool

	fields *fieldTree
	slots  int
	filter *program
	edits  *edit      // of set and unset; nil when there are none
	set    []*program // by edit.index
}

// Assignment is one entry of `set`.
type Assignment struct{ Path, Text string }

// CompileTransform compiles filter, set and unset; nil where there is nothing to do. Its error is [Errors], every
// mistake of all three.
func CompileTransform(filter string, set []Assignment, unset []string) (*Transform, error) {
	if filter == "" && len(set) == 0 && len(unset) == 0 {
		return nil, nil
	}
	t := &Transform{FilterText: filter, fields: &fieldTree{slot: -1}}
	var mistakes Errors
	if filter != "" {
		p, err := compile("filter", filter, true)
		if err != nil {
			mistakes = append(mistakes, err)
		} else {
			t.filter = p
			t.Pushdown, t.Remainder = pushdown(p.condition, p.conditions)
		}
	}
	edits, wrong := compileEdits(set, unset)
	mistakes = append(mistakes, wrong...)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	t.place(t.filter)
	if t.edits = edits; edits != nil {
		t.set = edits.collect(nil)
	}
	for _, p := range t.set {
		t.place(p)
	}
	return t, nil
}

// place gives the fields that a program reads their slots.
func (t *Transform) place(p *program) {
	if p == nil {
		return
	}
	for _, ref := range p.references {
		ref.slot = t.fields.add(ref.path, &t.slots)
	}
}

// Conceal says that the filter holds values of the environment; written is how the plan has it.
func (t *Transform) Conceal(written string) { t.FilterText, t.Concealed = written, true }

// Changes tells whether documents that pass may be changed: whether there is a set or an unset.
func (t *Transform) Changes() bool { return t.edits != nil }

// compileEdits compiles set and unset, and checks that no two of them are about the same field.
func compileEdits(set []Assignment, unset []string) (*edit, Errors) {
	if len(set)+len(unset) == 0 {
		return nil, nil
	}
	root := &edit{}
	var mistakes Errors
	add := func(field, path string, assigned *program) {
		if problem := root.add(field, path, assigned); problem != nil {
			mistakes = append(mistakes, problem)
		}
	}
	for _, a := range set {
		field := "set:" + a.Path
		p, err := compile(field, a.Text, false)
		if err != nil {
			mistakes = append(mistakes, err)
		}
		add(field, a.Path, p)
	}
	for _, path := range unset {
		add("unset:"+path, path, nil)
	}
	return root, mistakes
}

// checkPath returns what is wrong with the path of a set or an unset.
func checkPath(field, path string) *Error {
	problem, hint := "", ""
	names := strings.Split(path, ".")
	for _, name := range names {
		if problem == "" {
			problem = badName(name)
		}
	}
	switch {
	case problem != "":
		hint = "a path is names with dots between them: customer.email"
	case names[0] == "_id":
		problem = "the _id of a document cannot be changed or removed"
		hint = "a copy that was interrupted goes on by _id, and a document that is there already is found by it"
	default:
		return nil
	}
	return &Error{Field: field, InPath: true, Line: 1, Column: 1, Message: fmt.Sprintf("%s: %s", describePath(field), problem), Hint: hint}
}

// describePath is a field of the transform as the plan has it: set.customer.email.
func describePath(field string) string { return strings.Replace(field, ":", " ", 1) }

// badName returns what is wrong with the name of a field, "" when nothing is.
func badName(name string) string {
	switch {
	case name == "":
		return "a name is empty"
	case strings.HasPrefix(name, "$"):
		return "a name begins with $"
	case strings.ContainsRune(name, 0):
		return "a name holds a NUL byte"
	}
	return ""
}
