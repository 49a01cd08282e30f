package endpoint

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

func event(t *testing.T, token string, document any) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(bson.D{{Key: "_id", Value: bson.D{{Key: "_data", Value: token}}}, {Key: "fullDocument", Value: document}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A document that was deleted since has no form any more, and is no reason not to go on after its event.
func TestEventsOfDeletedDocuments(t *testing.T) {
	var c StreamCursor
	batch, err := c.accept([]bson.Raw{event(t, "1", bson.D{{Key: "_id", Value: 1}}), event(t, "2", nil)})
	if err != nil || len(batch.Documents) != 1 || batch.After.Lookup("_data").StringValue() != "2" || c.After().Lookup("_data").StringValue() != "2" {
		t.Errorf("%v, %v", batch, err)
	}
	before := c.After()
	if batch, err = c.accept(nil); err != nil || len(batch.Documents) != 0 || &c.After()[0] != &before[0] {
		t.Errorf("no events: %v, %v", batch, err)
	}
	for name, events := range map[string][]bson.Raw{
		"without _id":   {event(t, "1", bson.D{{Key: "a", Value: 1}})},
		"without token": {bson.Raw(bsoncore.NewDocumentBuilder().Build())},
	} {
		if _, err := c.accept(events); err == nil {
			t.Errorf("%s: it was accepted", name)
		}
	}
}

// Where the server does not say what pages cost, more of them have to be quiet.
func TestWhenAStreamHasCaughtUp(t *testing.T) {
	untold := StreamCursor{lane: &lane{endpoint: &Reader{}}}
	told := StreamCursor{lane: &lane{endpoint: &Reader{meter: &meter{told: 1}}}}
	for quiet := range quietPagesUntold + 1 {
		untold.quiet, told.quiet = quiet, quiet
		if untold.caughtUp() != (quiet >= quietPagesUntold) || told.caughtUp() != (quiet >= quietPages) {
			t.Errorf("after %d quiet pages: %v, %v", quiet, untold.caughtUp(), told.caughtUp())
		}
	}
}

func TestRefusalsOfAStream(t *testing.T) {
	for _, test := range []struct {
		refusal     CommandError
		lost, moved bool
	}{
		{CommandError{Code: 72, Message: "Expired resume token or cursor, reinitialize the change stream cursor"}, true, false},
		{CommandError{Code: 72, Message: "The database name is not valid"}, false, false},
		{CommandError{Code: 260, Message: "x"}, true, false},
		{CommandError{Code: 286}, true, false},
		{CommandError{Code: 1, Message: "Error=1, Details='Response status code does not indicate success: Gone (410); Substatus: 1007;'"}, false, true},
		{CommandError{Code: 16500}, false, false},
	} {
		if lost, moved := tokenRefused(&test.refusal), partitionGone(&test.refusal); lost != test.lost || moved != test.moved {
			t.Errorf("%v: lost %v, moved %v", &test.refusal, lost, moved)
		}
	}
	// A partition that does not come back is lost.
	c := StreamCursor{patience: newPatience(Retry{For: 1 << 40, Initial: 1, Max: 1}, nil)}
	gone := &CommandError{Code: 1, Message: "Gone (410)"}
	for range mostGone {
		if err := c.recover(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.recover(t.Context(), gone); !errors.Is(err, ErrStreamLost) {
		t.Error(err)
	}
}

func TestEmptyPages(t *testing.T) {
	page := func(field string, documents ...any) bsoncore.Document {
		raw, err := bson.Marshal(bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(1)}, {Key: field, Value: append(bson.A{}, documents...)}}}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if !emptyPage(page("firstBatch")) || !emptyPage(page("nextBatch")) {
		t.Error("an empty page is not one")
	}
	if emptyPage(page("nextBatch", bson.D{})) || emptyPage(nil) || emptyPage(bsoncore.NewDocumentBuilder().Build()) {
		t.Error("an empty page is seen where there is none")
	}
}

func TestStreamTokens(t *testing.T) {
	reply, err := bson.Marshal(bson.D{{Key: "resumeAfterTokens", Value: bson.A{bson.D{{Key: "_data", Value: primitive.Binary{Data: []byte{1}}}, {Key: "_kind", Value: 1}}, bson.D{{Key: "_data", Value: 2}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if tokens := streamTokens(reply); len(tokens) != 2 || tokens[0].Lookup("_kind").AsInt64() != 1 {
		t.Errorf("%v", tokens)
	}
	if tokens := streamTokens(bson.Raw(bsoncore.NewDocumentBuilder().AppendString("resumeAfterTokens", "x").Build())); tokens != nil {
		t.Errorf("%v", tokens)
	}
}
