package steps

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// settlement decides what the documents of a batch are that the target did not take.
type settlement struct {
	*delivery
	documents []bson.Raw
	counts    *Counts
	sharing   map[int]int64 // by index: how many documents of the source have the _id
	listed    []Reject
}

// What the target has under the _id of a document that it did not take.
type presence int

const (
	absent presence = iota
	identical
	differing
)

const (
	messageConflict  = "the target has a document with this _id that differs (on_conflict: fail)"
	messageOwned     = "the target was empty when the step began and has another document with this _id now: either the dump has several, or somebody else wrote one (--retry-rejects goes by on_conflict)"
	messageSkipped   = "the target has a document with this _id that differs, and keeps it (on_conflict: skip)"
	messageReplacing = "the target has a document with this _id that differs, and the run ended when it was about to be replaced (on_conflict: replace)"
	messageReplaced  = "the target had a document with this _id that differed, and has the source's now (on_conflict: replace)"
)

// At most so many bytes of documents, and so many of them, are compared with the target's at a time.
const (
	mostComparedBytes     = 8 << 20
	mostComparedDocuments = 2000
)

func (s *settlement) settle(ctx context.Context, failed []endpoint.WriteError) error {
	var duplicates []endpoint.WriteError
	for _, f := range failed {
		if f.Code != endpoint.CodeDuplicateKey {
			s.rejected(f.Index, f.Code, f.Message)
			continue
		}
		duplicates = append(duplicates, f)
	}
	for len(duplicates) > 0 {
		some := s.comparedAtOnce(duplicates)
		if err := s.duplicates(ctx, duplicates[:some]); err != nil {
			return err
		}
		duplicates = duplicates[some:]
	}
	s.listArrivedTwins(failed)
	return nil
}

// decide writes a document's fate into the books, and into the list where it has a message.
func (s *settlement) decide(index int, outcome string, code int32, message string) {
	s.counts.count(outcome, 1)
	fate := s.note(s.documents[index], outcome, message)
	fate.Code = int(code)
	if message != "" || outcome == OutcomeRejected {
		s.listed = append(s.listed, fate)
	}
	s.decided(s.documents[index], fate)
}

func (s *settlement) rejected(index int, code int32, message string) {
	s.decide(index, OutcomeRejected, code, message)
}

func (s *settlement) comparedAtOnce(duplicates []endpoint.WriteError) int {
	size := 0
	for n, f := range duplicates {
		size += len(s.documents[f.Index])
		if n > 0 && (size > mostComparedBytes || n >= mostComparedDocuments) {
			return n
		}
	}
	return len(duplicates)
}

// duplicates asks the target what it has. Which index a duplicate key error is about is not read from its message,
// which differs from server to server: a document of this _id is there, or it is not.
func (s *settlement) duplicates(ctx context.Context, duplicates []endpoint.WriteError) error {
	if s.newest != nil {
		return s.newer(ctx, duplicates)
	}
	there, err := s.compare(ctx, duplicates)
	if err != nil {
		return err
	}
	if err := s.findTwins(ctx, duplicates, there); err != nil {
		return err
	}
	var replace []int
	for n, f := range duplicates {
		switch many := s.sharing[f.Index]; {
		case there[n] == absent: // another unique index
			s.rejected(f.Index, f.Code, f.Message)
		case there[n] == identical && many > 1:
			s.decide(f.Index, OutcomeIdentical, 0, arrivedTwin(many))
		case there[n] == identical && s.wasReplaced(f.Index):
			s.decide(f.Index, OutcomeReplaced, 0, messageReplaced)
		case there[n] == identical:
			s.decide(f.Index, OutcomeIdentical, 0, "")
		case many > 1:
			// Neither what is kept nor what is replaced may be one that the operator does not know of.
			s.rejected(f.Index, f.Code, fmt.Sprintf("the source has %d documents with this _id, which is unique only within a shard key; the target can hold one of them, and has another document there", many))
		case s.owned:
			s.rejected(f.Index, f.Code, messageOwned)
		case s.onConflict == plans.ConflictSkip:
			s.decide(f.Index, OutcomeSkipped, 0, messageSkipped)
		case s.onConflict == plans.ConflictReplace:
			replace = append(replace, f.Index)
		default:
			s.rejected(f.Index, f.Code, messageConflict)
		}
	}
	documents := make([]bson.Raw, len(replace))
	for n, index := range replace {
		documents[n] = s.documents[index]
	}
	return s.replaceBy(ctx, replace, documents, messageReplaced)
}

// compare tells for each of some documents what the target has under its _id.
func (s *settlement) compare(ctx context.Context, duplicates []endpoint.WriteError) ([]presence, error) {
	ids := make([]bson.RawValue, len(duplicates))
	wanted := make(map[string][]int, len(duplicates))
	for n, f := range duplicates {
		id, _ := endpoint.IDOf(s.documents[f.Index])
		ids[n] = id
		key := endpoint.IDKey(id)
		wanted[key] = append(wanted[key], n)
	}
	there := make([]presence, len(duplicates))
	err := s.to.FindByID(ctx, ids, func(present bson.Raw) {
		id, _ := endpoint.IDOf(present)
		for _, n := range wanted[endpoint.IDKey(id)] {
			switch {
			case sameDocument(s.documents[duplicates[n].Index], present):
				there[n] = identical
			case there[n] == absent:
				there[n] = differing
			}
		}
	})
	return there, err
}

// wasReplaced tells whether an earlier attempt replaced the document, and ended before it could say so.
func (s *settlement) wasReplaced(index int) bool {
	if len(s.intended) == 0 {
		return false
	}
	id, _ := endpoint.IDOf(s.documents[index])
	return s.intended[endpoint.IDText(id)]
}

// replaceBy puts documents in the places of those that the target has under the _ids of the ones at indexes. An empty
// message says that this is nothing to tell of.
func (s *settlement) replaceBy(ctx context.Context, indexes []int, documents []bson.Raw, message string) error {
	if len(indexes) == 0 {
		return nil
	}
	// Once replaced, nothing in the target tells that a document was: a list that is made afterwards is lost by a kill.
	if s.intend != nil && message != "" {
		intents := make([]Reject, len(documents))
		for n, document := range documents {
			intents[n] = s.note(document, OutcomeReplacing, messageReplacing)
		}
		if err := s.intend(intents); err != nil {
			return err
		}
	}
	refused, err := s.to.Replace(ctx, documents)
	if err != nil {
		return err
	}
	why := make(map[int]endpoint.WriteError, len(refused))
	for _, r := range refused {
		why[r.Index] = r
	}
	for n, index := range indexes {
		if r, ok := why[n]; ok {
			s.rejected(index, r.Code, "the target has a document with this _id that differs, and refuses to have it replaced: "+r.Message)
			continue
		}
		s.decide(index, OutcomeReplaced, 0, message)
		if message == "" {
			s.counts.Renewed++
		}
	}
	return nil
}
