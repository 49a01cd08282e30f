package steps

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
)

// Two documents of the source may share an _id: on a sharded collection it is unique only within a value of the
// shard key. The target can hold one of them. A leftover of an earlier run shares its _id with a document of the
// target; a twin shares it with one of the source. As the source is read in the order of _id, that one stands right
// beside it, or, at either end of a batch, in the batch before or after, which the source is asked about.

// twinCounter returns how many documents that the step is about have the _id.
type twinCounter func(ctx context.Context, id bson.RawValue) (int64, error)

// countTwins asks a source, and leaves out what a filter leaves out.
func countTwins(reader *endpoint.Reader, collection string, d *delivery) twinCounter {
	return func(ctx context.Context, id bson.RawValue) (many int64, err error) {
		counted := map[string]bool{} // a document may come again
		err = reader.FindByID(ctx, collection, []bson.RawValue{id}, func(document bson.Raw) {
			if d.transform != nil {
				if _, keep, err := d.transform.Apply(document); err == nil && !keep {
					return
				}
			}
			counted[string(document)] = true
		})
		return int64(len(counted)), err
	}
}

// findTwins finds out which of the duplicates that the target has share their _id with others of the source.
func (s *settlement) findTwins(ctx context.Context, duplicates []endpoint.WriteError, there []presence) error {
	for n, f := range duplicates {
		first, last := s.alike(f.Index)
		many := int64(last - first)
		if there[n] == differing && s.twins != nil && (s.unordered || first == 0 || last == len(s.documents)) {
			id, _ := endpoint.IDOf(s.documents[f.Index])
			counted, err := s.twins(ctx, id)
			if err != nil {
				return err
			}
			many = max(many, counted)
		}
		if many > 1 {
			if s.sharing == nil {
				s.sharing = map[int]int64{}
			}
			s.sharing[f.Index] = many
		}
	}
	return nil
}

// alike returns the documents from first to below last, which share the _id of the one at index.
func (s *settlement) alike(index int) (first, last int) {
	id, _ := endpoint.IDOf(s.documents[index])
	same := func(n int) bool {
		other, _ := endpoint.IDOf(s.documents[n])
		return endpoint.SameID(id, other)
	}
	first, last = index, index+1
	for first > 0 && same(first-1) {
		first--
	}
	for last < len(s.documents) && same(last) {
		last++
	}
	return first, last
}

func arrivedTwin(many int64) string {
	return fmt.Sprintf("the source has %d documents with this _id, which is unique only within a shard key; this is the one that the target has", many)
}

// listArrivedTwins lists the twins that the target took: whoever looks at one that was rejected has to know that
// there is another. One in another batch is told of by the number in the reject's message.
func (s *settlement) listArrivedTwins(failed []endpoint.WriteError) {
	if len(s.sharing) == 0 {
		return
	}
	known := make(map[int]bool, len(failed))
	for _, f := range failed {
		known[f.Index] = true
	}
	for index, many := range s.sharing {
		first, last := s.alike(index)
		for n := first; n < last; n++ {
			if !known[n] {
				known[n] = true
				s.listed = append(s.listed, s.note(s.documents[n], OutcomeInserted, arrivedTwin(many)))
			}
		}
	}
}
