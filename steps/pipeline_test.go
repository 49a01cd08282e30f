package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// scripted is a target of which every step may fail: before or after it did what it was asked to, with or without a
// word. It holds to what a server promises: what it acknowledges is stored.
type scripted struct {
	mu      sync.Mutex
	chance  *rand.Rand
	stored  map[string]bson.Raw // by _id
	refuses map[string]bool     // documents that it never takes
	faults  float64
}

var errCut = errors.New("the connection broke")

// fault tells whether the next operation fails, and whether it is done before.
func (s *scripted) fault() (fails, done bool) {
	return s.chance.Float64() < s.faults, s.chance.IntN(2) == 0
}

func (s *scripted) Insert(_ context.Context, documents []bson.Raw, _ endpoint.Array) (endpoint.Inserted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var result endpoint.Inserted
	for {
		fails, done := s.fault()
		if fails && !done && s.chance.IntN(3) == 0 {
			return result, errCut // for good: the process is killed, or patience ends
		}
		if fails && !done {
			continue
		}
		result.Errors = nil
		for n, d := range documents {
			if fails && s.chance.IntN(2) == 0 {
				continue // half of the batch was applied
			}
			key := d.Lookup("_id").StringValue()
			_, there := s.stored[key]
			switch {
			case s.refuses[key]:
				result.Errors = append(result.Errors, endpoint.WriteError{Index: n, Code: 121, Message: "refused"})
			case there:
				result.Errors = append(result.Errors, endpoint.WriteError{Index: n, Code: endpoint.CodeDuplicateKey, Message: "duplicate"})
			default:
				s.stored[key] = d
			}
		}
		if !fails {
			return result, nil
		}
		if s.chance.IntN(3) == 0 {
			return result, errCut // applied, and nobody was told
		}
		result.Usage.Retries++
	}
}

func (s *scripted) FindByID(_ context.Context, ids []bson.RawValue, visit func(bson.Raw)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fails, _ := s.fault(); fails {
		return errCut
	}
	for _, id := range ids {
		if d, ok := s.stored[id.StringValue()]; ok {
			visit(d)
		}
	}
	return nil
}

func (s *scripted) Replace(_ context.Context, documents []bson.Raw) ([]endpoint.WriteError, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fails, done := s.fault()
	if !fails || done {
		for _, d := range documents {
			s.stored[d.Lookup("_id").StringValue()] = d
		}
	}
	if fails {
		return nil, errCut
	}
	return nil, nil
}

func (s *scripted) Close() {}

// scriptedFeed reads documents in the order of _id, in batches of any size.
type scriptedFeed struct {
	chance *rand.Rand
	rest   []bson.Raw
	faults float64
}

func (f *scriptedFeed) expected() int64 { return 100 }

func (f *scriptedFeed) next(context.Context) (parcel, error) {
	if f.chance.Float64() < f.faults/4 {
		return parcel{}, errCut
	}
	if len(f.rest) == 0 {
		return parcel{}, endpoint.ErrEnd
	}
	some := min(len(f.rest), 1+f.chance.IntN(9))
	p := parcel{documents: f.rest[:some], bytes: 100}
	f.rest = f.rest[some:]
	if f.chance.IntN(8) == 0 && len(f.rest) > 0 {
		return p, nil // a batch after which one cannot go on
	}
	id, _ := endpoint.IDOf(p.documents[some-1])
	var err error
	p.state, err = json.Marshal(copyCheckpoint{After: endpoint.Value{RawValue: id}})
	return p, err
}

// ledger is what a runner keeps of a unit: what was saved, all at once, and nothing else.
type ledger struct {
	saves    func(c Checkpoint) error // called from the pipeline: not the test's goroutine
	saved    Checkpoint
	rejects  []Reject
	mu       sync.Mutex
	intended map[string]bool // and not settled by a checkpoint
	stopping chan struct{}
	stopOnce sync.Once
}

func (l *ledger) Save(c Checkpoint) error {
	l.saved = c
	l.rejects = append(l.rejects, c.Rejects...)
	l.mu.Lock()
	for _, r := range c.Rejects {
		delete(l.intended, r.ID)
	}
	l.mu.Unlock()
	return l.saves(c)
}

func (l *ledger) Intend(list []Reject) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range list {
		l.intended[r.ID] = true
	}
	return nil
}

func (l *ledger) Intended(string) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.intended)
}

func (l *ledger) SaveLast(c Checkpoint, _ []Unit) error { return l.Save(c) }
func (l *ledger) InList(r []Reject) ([]bool, error)     { return make([]bool, len(r)), nil }

func (l *ledger) Report(Counts)                     {}
func (l *ledger) Expect(int64)                      {}
func (l *ledger) SplitWanted() bool                 { return false }
func (l *ledger) Split(json.RawMessage, Unit) error { return errors.New("nobody asked") }
func (l *ledger) Lists() bool                       { return true }
func (l *ledger) Indivisible()                      {}
func (l *ledger) Stopping() <-chan struct{}         { return l.stopping }
func (l *ledger) stop()                             { l.stopOnce.Do(func() { close(l.stopping) }) }
func (l *ledger) after(t *testing.T) (id string) {
	t.Helper()
	var at copyCheckpoint
	if len(l.saved.State) > 0 {
		if err := json.Unmarshal(l.saved.State, &at); err != nil {
			t.Error(err)
		}
		id = at.After.StringValue()
	}
	return id
}

// Whatever fails, and whenever the process is killed or stopped: no checkpoint is ahead of what the target has, the
// books balance at every checkpoint, and in the end each document is there as the policy says and counted once.
func TestBooksBytesAndCountsAgreeUnderRandomFaultsAndKills(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { schedule(t, seed) })
	}
}

func schedule(t *testing.T, seed uint64) {
	chance := rand.New(rand.NewPCG(seed, 1))
	policy := []string{plans.ConflictFail, plans.ConflictSkip, plans.ConflictReplace}[chance.IntN(3)]
	target := &scripted{chance: rand.New(rand.NewPCG(seed, 2)), stored: map[string]bson.Raw{}, refuses: map[string]bool{}, faults: chance.Float64() * 0.3}
	var source []bson.Raw
	before, want := map[string]string{}, map[string]string{}
	var wanted Counts
	for n := range 20 + chance.IntN(200) {
		id := fmt.Sprintf("%06d", n)
		document := marshal(t, bson.D{{Key: "_id", Value: id}, {Key: "text", Value: "mine"}})
		source, want[id] = append(source, document), string(document)
		other := marshal(t, bson.D{{Key: "_id", Value: id}, {Key: "text", Value: "other"}})
		switch chance.IntN(12) {
		case 0: // never taken
			target.refuses[id] = true
			delete(want, id)
			wanted.Rejected++
		case 1: // another one is there
			target.stored[id], before[id] = other, string(other)
			switch policy {
			case plans.ConflictFail:
				want[id] = string(other)
				wanted.Rejected++
			case plans.ConflictSkip:
				want[id] = string(other)
				wanted.Skipped++
			case plans.ConflictReplace:
				wanted.Replaced++
			}
		}
	}
	task := &ledger{stopping: make(chan struct{}), intended: map[string]bool{}}
	attempts := 0
	for {
		if attempts++; attempts > 3000 {
			t.Fatal("no end")
		}
		ctx, kill := context.WithCancel(context.Background())
		resumedAt, left := task.after(t), source
		for len(left) > 0 && left[0].Lookup("_id").StringValue() <= resumedAt {
			left = left[1:]
		}
		task.stopping, task.stopOnce = make(chan struct{}), sync.Once{}
		killAt := chance.IntN(12)
		saves := 0
		task.saves = func(c Checkpoint) error {
			if err := check(target, source, task.after(t), c); err != nil {
				return err
			}
			if saves++; saves == killAt {
				if chance.IntN(2) == 0 {
					kill()
				} else {
					task.stop()
				}
			}
			return nil
		}
		intended := task.Intended("d.c")
		flow := pipeline{memory: endpoint.NewMemory(300), task: task, newDeliverer: func() (deliverer, error) {
			return &delivery{to: target, namespace: "d.c", onConflict: policy, intend: task.Intend, intended: intended}, nil
		}}
		feed := &scriptedFeed{chance: rand.New(rand.NewPCG(seed, uint64(attempts)+10)), rest: left, faults: target.faults}
		counts, err := flow.run(ctx, feed, task.saved.Counts)
		kill()
		if err == nil {
			if counts != task.saved.Counts {
				t.Fatalf("ended with %+v, saved %+v", counts, task.saved.Counts)
			}
			break
		}
		if !errors.Is(err, errCut) && !errors.Is(err, ErrStopped) && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	compare(t, target, want)
	c := task.saved.Counts
	if c.Read != int64(len(source)) || c.Accounted() != c.Read {
		t.Errorf("of %d documents, %+v", len(source), c)
	}
	if c.Rejected != wanted.Rejected || c.Skipped != wanted.Skipped || c.Replaced != wanted.Replaced || c.Rejected+c.Skipped+c.Replaced+c.Inserted+c.Identical != c.Read {
		t.Errorf("%+v, wanted %+v", c, wanted)
	}
	if len(task.intended) > 0 {
		t.Errorf("intended, and never told: %v", task.intended)
	}
	listed := map[string]int{}
	var rejected int64
	for _, r := range task.rejects {
		if r.Outcome == OutcomeRejected {
			rejected++
		}
		if listed[r.ID]++; listed[r.ID] > 1 {
			t.Errorf("%s is listed twice", r.ID)
		}
	}
	if rejected != c.Rejected || int64(len(task.rejects)) != c.Rejected+c.Skipped+c.Replaced {
		t.Errorf("%d listed, %d of them rejected; the books say %+v", len(task.rejects), rejected, c)
	}
}

// check looks at the target at the moment of a checkpoint.
func check(target *scripted, source []bson.Raw, upTo string, c Checkpoint) error {
	if c.Counts.Accounted() != c.Counts.Read {
		return fmt.Errorf("the books do not balance: %+v", c.Counts)
	}
	target.mu.Lock()
	defer target.mu.Unlock()
	covered := int64(0)
	for _, d := range source {
		id := d.Lookup("_id").StringValue()
		if id > upTo {
			break
		}
		covered++
		if _, there := target.stored[id]; !there && !target.refuses[id] {
			return fmt.Errorf("the checkpoint is at %s, and %s is not there", upTo, id)
		}
	}
	if covered != c.Counts.Read {
		return fmt.Errorf("the checkpoint covers %d documents, the books say %d", covered, c.Counts.Read)
	}
	return nil
}

func compare(t *testing.T, target *scripted, want map[string]string) {
	t.Helper()
	for id, document := range want {
		if string(target.stored[id]) != document {
			t.Errorf("%s: %s", id, target.stored[id])
		}
	}
	if len(target.stored) != len(want) {
		t.Errorf("%d documents, want %d", len(target.stored), len(want))
	}
}

func marshal(t *testing.T, v any) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
