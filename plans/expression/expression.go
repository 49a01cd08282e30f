// Package expression is the part of the plan language that computes: conditions (`when`) over the
// environment and earlier steps, and transforms (`filter`, `set`, `unset`) over one document.
package expression

import (
	"go.mongodb.org/mongo-driver/bson"
)

// Transform is a compiled filter, set and unset. It is immutable and may be shared; each goroutine takes a
// [Worker] of its own.
type Transform struct {
	FilterText string

	// Pushdown is the part of the filter that the source can evaluate with the very same answer for every
	// document, as an MQL document; nil when there is none. Remainder tells whether a part is left to
	// evaluate here.
	Pushdown  bson.Raw
	Remainder bool
}

// Worker applies a transform to one document after another. It is not safe for concurrent use.
type Worker interface {
	// Apply returns whether the document passes the filter and, where it does, the document with set and
	// unset applied: document itself where nothing changes, else bytes valid until the next call.
	Apply(document bson.Raw) (out bson.Raw, keep bool, err error)
}
