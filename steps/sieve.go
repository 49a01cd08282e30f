package steps

import (
	"go.mongodb.org/mongo-driver/bson"

	"vida/plans/expression"
)

// sieve makes of the source's documents what a copy with the same filter, set and unset makes of them. A document on
// which an expression fails is left out: the copy has rejected it.
type sieve struct {
	worker expression.Worker // nil: documents pass as they are
}

func newSieve(transform *expression.Transform) sieve {
	if transform == nil {
		return sieve{}
	}
	return sieve{transform.NewWorker()}
}

// pass returns the documents of a batch that are expected in the target, in memory of their own where they change.
func (s sieve) pass(documents []bson.Raw) []bson.Raw {
	if s.worker == nil {
		return documents
	}
	kept := make([]bson.Raw, 0, len(documents))
	for _, document := range documents {
		out, keep, err := s.worker.Apply(document)
		switch {
		case err != nil || !keep:
			continue
		case &out[0] != &document[0]:
			out = append(bson.Raw(nil), out...)
		}
		kept = append(kept, out)
	}
	return kept
}
