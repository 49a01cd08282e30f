package expression

import (
	"bytes"
	"fmt"

	"github.com/expr-lang/expr/vm"
	"go.mongodb.org/mongo-driver/bson"
)

// Worker applies a transform to one document after another. It is not safe for concurrent use.
type Worker interface {
	// Apply returns whether the document passes the filter and, where it does, the document with set and
	// unset applied: document itself where nothing changes, else bytes valid until the next call.
	Apply(document bson.Raw) (out bson.Raw, keep bool, err error)
}

// scope is the document at hand, and where the fields that the expressions read are in it.
type scope struct {
	document []byte
	tree     *fieldTree
	slots    []element
	located  bool
}

// element returns the field of a slot. The document is gone through when the first one is asked for.
func (s *scope) element(slot int) (element, error) {
	if !s.located {
		clear(s.slots)
		if err := s.tree.locate(s.document, s.slots); err != nil {
			return element{}, err
		}
		s.located = true
	}
	return s.slots[slot], nil
}

// worker implements [Worker].
type worker struct {
	transform *Transform
	scope     scope
	env       map[string]any
	machine   vm.VM
	assigned  []assigned // by edit.index
	values    []byte     // of assigned
	out       []byte
}

// NewWorker returns a worker for one goroutine.
func (t *Transform) NewWorker() Worker {
	w := &worker{transform: t, scope: scope{tree: t.fields, slots: make([]element, t.slots)}}
	w.env = map[string]any{"doc": &w.scope}
	w.assigned = make([]assigned, len(t.set))
	return w
}

func (w *worker) Apply(document bson.Raw) (out bson.Raw, keep bool, err error) {
	w.scope.document, w.scope.located = document, false
	if filter := w.transform.filter; filter != nil {
		passes, err := filter.run(&w.machine, w.env)
		if err != nil {
			return nil, false, err
		}
		if passes != true {
			return nil, false, nil
		}
	}
	if w.transform.edits == nil {
		return document, true, nil
	}
	if err := w.evaluate(); err != nil {
		return nil, false, err
	}
	if w.out, err = w.apply(w.out[:0], w.transform.edits, document); err != nil {
		return nil, false, err
	}
	if len(w.out) > largestDocument {
		err := fmt.Errorf("set makes a document of %d bytes of it, and the largest has %d", len(w.out), largestDocument)
		w.out = nil
		return nil, false, err
	}
	if bytes.Equal(document, w.out) {
		return document, true, nil
	}
	return w.out, true, nil
}

// largestDocument is what a server takes at most.
const largestDocument = 16 << 20

// evaluate computes the values of set, all of them from the document as it was.
func (w *worker) evaluate() error {
	w.values = w.values[:0]
	for n, p := range w.transform.set {
		if p.bare != nil {
			e, err := w.scope.element(p.bare.slot)
			if err != nil {
				return err
			}
			w.assigned[n] = assigned(e)
			continue
		}
		v, err := p.run(&w.machine, w.env)
		if err != nil {
			return err
		}
		start := len(w.values)
		kind, values, err := encode(w.values, v)
		if err != nil {
			return fmt.Errorf("%s: %w", describePath(p.field), err)
		}
		w.values = values
		w.assigned[n] = assigned{kind: kind, value: values[start:len(values):len(values)]}
	}
	return nil
}
