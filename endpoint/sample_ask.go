package endpoint

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
)

// The questions that a sampler asks.

// edge looks up the first or the last entry of the index, for the price of an empty page.
func (s *sampler) edge(ctx context.Context, direction int) (id bson.RawValue, any bool, taken float64, err error) {
	taken, err = s.cost(func() (err error) {
		id, any, err = s.reader.edge(ctx, s.outlook.Collection, Range{}, direction)
		return err
	})
	return id, any, taken, err
}

// through is the range of _ids that are in their order; ok is false where they are of several types.
func through(ids []bson.RawValue) (in Range, ok bool) {
	first, last := ids[0], ids[len(ids)-1]
	return Range{Bracket: bracketOf(first), From: Value{first}, Through: Value{last}}, bracketOf(first) == bracketOf(last)
}

// ids are the _ids at a place, in one page and in their order.
func (s *sampler) ids(ctx context.Context, at place, queries []bson.Raw, count int) ([]bson.RawValue, error) {
	ids, err := s.reader.entries(ctx, s.outlook.Collection, at.in, queries, at.direction, count)
	if at.direction < 0 {
		slices.Reverse(ids)
	}
	return ids, err
}

// point reads a document by its _id, and tells how many bytes it has (0: it is gone) and what that took.
func (s *sampler) point(ctx context.Context, id bson.RawValue) (bytes, taken float64, err error) {
	r, collection := s.reader, s.outlook.Collection
	taken, err = s.cost(func() error {
		return r.promptly(ctx, "look at a document of "+r.Namespace(collection), func(ctx context.Context) error {
			document, err := r.collection(collection).FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Raw()
			if errors.Is(err, mongo.ErrNoDocuments) {
				return nil
			}
			bytes = float64(len(document))
			return err
		})
	})
	return bytes, taken, err
}

// readPage reads the documents from the first to the last of these _ids as a copy would.
func (s *sampler) readPage(ctx context.Context, ids []bson.RawValue) error {
	in, ok := through(ids)
	if !ok {
		return nil
	}
	cursor := s.reader.Find(Find{Collection: s.outlook.Collection, Queries: s.outlook.Queries, Range: in, BatchDocuments: len(ids),
		DocumentBytes: int64(s.documentBytes()), Stopping: s.reader.config.Stopping})
	defer cursor.Close(ctx)
	var batch Batch
	taken, err := s.cost(func() (err error) {
		batch, err = cursor.Next(ctx)
		return err
	})
	if errors.Is(err, ErrEnd) {
		return nil
	}
	if err != nil {
		return err
	}
	if rest := taken - s.seen.page; rest > 0 {
		s.seen.perKB = rest / readWeight(batch.Bytes)
	}
	if s.points == 0 {
		s.add(float64(batch.Bytes), len(batch.Documents))
		s.seen.means = append(s.seen.means, float64(batch.Bytes)/float64(len(batch.Documents)))
	}
	return nil
}
