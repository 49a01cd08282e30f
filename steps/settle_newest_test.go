package steps

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/plans"
)

// changing is a source whose documents change while they are copied.
type changing struct {
	mu  sync.Mutex
	now map[string]bson.Raw
}

func (c *changing) find(_ context.Context, ids []bson.RawValue, visit func(bson.Raw)) error {
	c.mu.Lock()
	for _, id := range ids {
		if document, ok := c.now[id.StringValue()]; ok {
			visit(document)
		}
	}
	c.mu.Unlock()
	for range 20 {
		runtime.Gosched() // the answer is on its way, and others are at work
	}
	return nil
}

// A stream brings documents again and again, and batches of it arrive in any order, older versions after newer ones
// and after a resume once more. In the end the target has what the source has, and the books balance.
func TestTheNewestVersionStaysWhateverComesWhen(t *testing.T) {
	for seed := range uint64(30) {
		chance := rand.New(rand.NewPCG(seed, 1))
		source := &changing{now: map[string]bson.Raw{}}
		target := &scripted{chance: rand.New(rand.NewPCG(seed, 2)), stored: map[string]bson.Raw{}, refuses: map[string]bool{}}
		shared := &newest{own: true, source: source.find}
		batches := make(chan []bson.Raw, 2)
		var workers sync.WaitGroup
		var mu sync.Mutex
		var total Counts
		for range 3 {
			workers.Go(func() {
				d := &delivery{to: target, namespace: "d.c", onConflict: plans.ConflictFail, newest: shared}
				for documents := range batches {
					counts, rejects, err := d.deliver(t.Context(), parcel{documents: documents})
					if err != nil || len(rejects) > 0 {
						t.Errorf("%v, %v", err, rejects)
					}
					mu.Lock()
					total = total.Plus(counts)
					mu.Unlock()
				}
			})
		}
		var sent [][]bson.Raw
		read := 0
		for version := range 200 {
			var batch []bson.Raw
			for range 1 + chance.IntN(5) {
				id := fmt.Sprintf("%02d", chance.IntN(3))
				document := marshal(t, bson.D{{Key: "_id", Value: id}, {Key: "version", Value: version}, {Key: "more", Value: len(batch)}})
				source.mu.Lock()
				source.now[id] = document
				source.mu.Unlock()
				batch = append(batch, document)
			}
			sent = append(sent, batch)
			if chance.IntN(4) == 0 { // read again
				old := sent[chance.IntN(len(sent))]
				batches <- old
				read += len(old)
			}
			batches <- batch
			read += len(batch)
		}
		close(batches)
		workers.Wait()
		want := map[string]string{}
		for id, document := range source.now {
			want[id] = string(document)
		}
		compare(t, target, want)
		if total.Read != int64(read) || total.Accounted() != total.Read || total.Inserted != int64(len(want)) {
			t.Errorf("seed %d: %d read, %+v", seed, read, total)
		}
	}
}

// What the source has no more is left as it is, and told of; two documents that share an _id do not replace each other.
func TestWhatIsGoneOrSharedIsNotReplaced(t *testing.T) {
	there := func(text string) bson.Raw {
		return marshal(t, bson.D{{Key: "_id", Value: "a"}, {Key: "text", Value: text}})
	}
	for name, test := range map[string]struct {
		now     []bson.Raw
		own     bool
		outcome string
		stays   string
	}{
		"deleted":                     {nil, true, OutcomeSkipped, "old"},
		"shared":                      {[]bson.Raw{there("one"), there("two")}, true, OutcomeRejected, "old"},
		"changed":                     {[]bson.Raw{there("newer")}, true, OutcomeReplaced, "newer"},
		"newest already":              {[]bson.Raw{there("old")}, true, OutcomeIdentical, "old"},
		"perhaps of somebody else":    {[]bson.Raw{there("newer")}, false, OutcomeRejected, "old"},
		"came with the newer version": {[]bson.Raw{there("new")}, true, OutcomeReplaced, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			target := &scripted{chance: rand.New(rand.NewPCG(1, 2)), stored: map[string]bson.Raw{"a": there("old")}, refuses: map[string]bool{}}
			d := &delivery{to: target, onConflict: plans.ConflictFail, newest: &newest{own: test.own, source: func(_ context.Context, _ []bson.RawValue, visit func(bson.Raw)) error {
				for _, document := range test.now {
					visit(document)
					visit(document) // a lookup that was tried again
				}
				return nil
			}}}
			counts, _, err := d.deliver(t.Context(), parcel{documents: []bson.Raw{there("new")}})
			if err != nil {
				t.Fatal(err)
			}
			if want := (Counts{}).Counted(test.outcome, 1); counts.Inserted != want.Inserted || counts.Skipped != want.Skipped || counts.Replaced != want.Replaced || counts.Identical != want.Identical || counts.Rejected != want.Rejected {
				t.Errorf("%+v", counts)
			}
			if text := target.stored["a"].Lookup("text").StringValue(); text != test.stays {
				t.Errorf("the target has %q", text)
			}
		})
	}
}
