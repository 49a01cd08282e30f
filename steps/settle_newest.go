package steps

import (
	"bytes"
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

const (
	messageKept = "the source no longer has this document, or it no longer passes the filter; the target keeps it as it was copied before"

	messageMaybeOwn = messageConflict + "; whether that is an earlier copy cannot be told, for the target was not empty when the copy began"
)

// newer settles duplicates of a change stream: what the source has now is what the target gets.
func (s *settlement) newer(ctx context.Context, duplicates []endpoint.WriteError) error {
	there, err := s.compare(ctx, duplicates)
	if err != nil {
		return err
	}
	var other []endpoint.WriteError
	for n, f := range duplicates {
		switch {
		case there[n] == identical && s.wasReplaced(f.Index):
			s.decide(f.Index, OutcomeReplaced, 0, messageReplaced)
			continue
		case there[n] == identical:
			s.decide(f.Index, OutcomeIdentical, 0, "")
			continue
		}
		other = append(other, f)
	}
	if len(other) == 0 {
		return nil
	}
	s.newest.turn.Lock()
	defer s.newest.turn.Unlock()
	now, err := s.versions(ctx, other, s.newest.source)
	if err != nil {
		return err
	}
	present, err := s.versions(ctx, other, s.to.FindByID)
	if err != nil {
		return err
	}
	var replace []int
	var documents []bson.Raw
	for _, f := range other {
		id, _ := endpoint.IDOf(s.documents[f.Index])
		key := endpoint.IDKey(id)
		have := present[key]
		if len(have) == 0 { // another unique index
			s.rejected(f.Index, f.Code, f.Message)
			continue
		}
		current, twins, err := s.current(now[key])
		switch {
		case err != nil:
			s.rejected(f.Index, 0, err.Error())
		case twins > 1 && sameDocument(s.documents[f.Index], have[0]):
			s.decide(f.Index, OutcomeIdentical, 0, arrivedTwin(twins))
		case twins > 1:
			s.rejected(f.Index, f.Code, fmt.Sprintf("the source has %d documents with this _id, which is unique only within a shard key; the target can hold one of them, and has another document there", twins))
		case current == nil && sameDocument(s.documents[f.Index], have[0]), current != nil && sameDocument(current, have[0]):
			s.decide(f.Index, OutcomeIdentical, 0, "")
		case current == nil:
			s.decide(f.Index, OutcomeSkipped, 0, messageKept)
		case s.newest.own || s.onConflict == plans.ConflictReplace:
			replace, documents = append(replace, f.Index), append(documents, current)
		case s.onConflict == plans.ConflictSkip:
			s.decide(f.Index, OutcomeSkipped, 0, messageSkipped)
		default:
			s.rejected(f.Index, f.Code, messageMaybeOwn)
		}
	}
	message := messageReplaced
	if s.newest.own {
		message = "" // an earlier copy of the same document is no conflict
	}
	return s.replaceBy(ctx, replace, documents, message)
}

// versions finds what there is under the _ids of some documents, by their keys.
func (s *settlement) versions(ctx context.Context, of []endpoint.WriteError, find func(context.Context, []bson.RawValue, func(bson.Raw)) error) (map[string][]bson.Raw, error) {
	ids := make([]bson.RawValue, 0, len(of))
	found := make(map[string][]bson.Raw, len(of))
	for _, f := range of {
		id, _ := endpoint.IDOf(s.documents[f.Index])
		if key := endpoint.IDKey(id); found[key] == nil {
			found[key] = []bson.Raw{}
			ids = append(ids, id)
		}
	}
	err := find(ctx, ids, func(document bson.Raw) {
		id, _ := endpoint.IDOf(document)
		key := endpoint.IDKey(id)
		for _, known := range found[key] {
			if bytes.Equal(known, document) { // it came again after a failure that passed
				return
			}
		}
		found[key] = append(found[key], bytes.Clone(document))
	})
	return found, err
}

// current is what a copy makes of the one document that the source has with an _id now; nil where it has none, or none
// that passes the filter. twins is how many it has.
func (s *settlement) current(versions []bson.Raw) (document bson.Raw, twins int64, err error) {
	for _, version := range versions {
		keep := true
		if s.transform != nil {
			out, passes, failure := s.transform.Apply(version)
			if keep = passes; failure != nil {
				err = failure
				continue
			}
			version = bytes.Clone(out)
		}
		if keep {
			document = version
			twins++
		}
	}
	return document, twins, err
}
