package expression

import (
	"encoding/binary"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// edit is what set and unset do at one place of a document: to the field itself, or to fields below it.
type edit struct {
	name   string
	path   string   // in full, for messages
	field  string   // set:PATH or unset:PATH; "" where only fields below are edited
	assign *program // nil: removed
	below  []*edit  // in the order of the plan
	index  int      // of the value among those of a worker
}

func (e *edit) add(field, path string, assigned *program) *Error {
	if problem := checkPath(field, path); problem != nil {
		return problem
	}
	at := e
	names := strings.Split(path, ".")
	for n, name := range names {
		if at.field != "" {
			return conflict(field, at.field)
		}
		next := at.child(name)
		if next == nil {
			next = &edit{name: name, path: strings.Join(names[:n+1], ".")}
			at.below = append(at.below, next)
		}
		at = next
	}
	if at.field != "" {
		return conflict(field, at.field)
	}
	if len(at.below) > 0 {
		return conflict(field, at.first())
	}
	at.field, at.assign = field, assigned
	return nil
}

func (e *edit) child(name string) *edit {
	for _, c := range e.below {
		if c.name == name {
			return c
		}
	}
	return nil
}

// first returns the field of the first edit below.
func (e *edit) first() string {
	for e.field == "" {
		e = e.below[0]
	}
	return e.field
}

func conflict(field, with string) *Error {
	return &Error{Field: field, InPath: true, Line: 1, Column: 1, Message: fmt.Sprintf("%s and %s are about the same field", describePath(with), describePath(field))}
}

// collect appends the expressions of set, and gives the edits their places among them.
func (e *edit) collect(programs []*program) []*program {
	if e.assign != nil {
		e.index = len(programs)
		return append(programs, e.assign)
	}
	for _, c := range e.below {
		programs = c.collect(programs)
	}
	return programs
}

// assigned is a value to set. Type 0: the field stays as it is, for the one that it would be copied from is missing.
type assigned struct {
	kind  bsontype.Type
	value []byte
}

// apply appends a document with the edits below e applied to it.
func (w *worker) apply(dst []byte, e *edit, document []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	var done uint64 // edits that found their field, by place; more than 64 are looked up in seen
	var seen map[int]bool
	if len(e.below) > 64 {
		seen = map[int]bool{}
	}
	has := func(n int) bool {
		if seen != nil {
			return seen[n]
		}
		return done&(1<<n) != 0
	}
	err := elementsFrom(document, func(at int, name []byte, field element) (bool, error) {
		n := e.place(name)
		if n < 0 {
			dst = append(dst, document[at:at+1+len(name)+1+len(field.value)]...)
			return true, nil
		}
		again := has(n)
		if seen != nil {
			seen[n] = true
		} else {
			done |= 1 << n
		}
		var err error
		dst, err = w.applyField(dst, e.below[n], name, field, again)
		return true, err
	})
	if err != nil {
		return dst, err
	}
	for n, c := range e.below {
		if !has(n) {
			if dst, err = w.create(dst, c); err != nil {
				return dst, err
			}
		}
	}
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}

func (e *edit) place(name []byte) int {
	for n, c := range e.below {
		if c.name == string(name) {
			return n
		}
	}
	return -1
}

// applyField appends a field that an edit is about. again says that it is another field of the same name: what is
// set replaces all of them, and what is removed is gone.
func (w *worker) applyField(dst []byte, e *edit, name []byte, field element, again bool) ([]byte, error) {
	keep := func() []byte {
		dst = append(dst, byte(field.kind))
		dst = append(append(dst, name...), 0)
		return append(dst, field.value...)
	}
	switch {
	case e.assign != nil:
		v := w.assigned[e.index]
		if v.kind == 0 {
			return keep(), nil
		}
		if again {
			return dst, nil
		}
		return appendElement(dst, e.name, v), nil
	case e.field != "":
		return dst, nil
	case field.kind == bson.TypeEmbeddedDocument:
		dst = append(dst, byte(field.kind))
		dst = append(append(dst, name...), 0)
		return w.apply(dst, e, field.value)
	case field.kind == bson.TypeArray:
		if problem := w.assigns(e); problem != "" {
			return dst, fmt.Errorf("%s: %s is an array; set the whole of it, with map(doc.%s, …)", problem, e.path, e.path)
		}
		return w.applyArray(append(append(append(dst, byte(field.kind)), name...), 0), e, field.value)
	}
	if problem := w.assigns(e); problem != "" {
		v, err := decode(field)
		if err != nil {
			return dst, err
		}
		return dst, fmt.Errorf("%s: %s is %s, not an object", problem, e.path, describe(v))
	}
	return keep(), nil
}

// applyArray removes fields from the objects of an array.
func (w *worker) applyArray(dst []byte, e *edit, array []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	err := elements(array, func(name []byte, one element) (bool, error) {
		dst = append(append(append(dst, byte(one.kind)), name...), 0)
		var err error
		switch one.kind {
		case bson.TypeEmbeddedDocument:
			dst, err = w.apply(dst, e, one.value)
		case bson.TypeArray:
			dst, err = w.applyArray(dst, e, one.value)
		default:
			dst = append(dst, one.value...)
		}
		return true, err
	})
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, err
}

// assigns returns the first set at or below e that has a value for this document, "" when there is none.
func (w *worker) assigns(e *edit) string {
	if e.assign != nil {
		if w.assigned[e.index].kind == 0 {
			return ""
		}
		return describePath(e.field)
	}
	for _, c := range e.below {
		if found := w.assigns(c); found != "" {
			return found
		}
	}
	return ""
}

// create appends a field that the document does not have, with the objects above it.
func (w *worker) create(dst []byte, e *edit) ([]byte, error) {
	if w.assigns(e) == "" {
		return dst, nil
	}
	if e.assign != nil {
		return appendElement(dst, e.name, w.assigned[e.index]), nil
	}
	dst = bsoncore.AppendHeader(dst, bson.TypeEmbeddedDocument, e.name)
	return w.apply(dst, e, []byte{5, 0, 0, 0, 0})
}

func appendElement(dst []byte, name string, v assigned) []byte {
	return append(bsoncore.AppendHeader(dst, v.kind, name), v.value...)
}
