package faults_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"

	"vida/sandbox/wire"
	"vida/sandbox/wire/faults"
	"vida/sandbox/wire/wiretest"
)

// rig is a client, the faults it meets, and the server behind them.
type rig struct {
	server     *wiretest.Server
	faults     *faults.Injector
	collection *mongo.Collection
}

func newRig(t *testing.T, rules ...faults.Rule) *rig {
	t.Helper()
	injector, err := faults.New(1, rules...)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{server: wiretest.Start(t), faults: injector}
	proxy, err := wire.Start(context.Background(), wire.Options{Upstream: r.server.Addr(), Interceptors: []wire.Interceptor{injector}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	client, err := mongo.Connect(context.Background(), options.Client().ApplyURI(proxy.URI()).SetRetryReads(false).SetRetryWrites(false).SetMaxPoolSize(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	r.collection = client.Database("d").Collection("c")
	return r
}

func (r *rig) insert(ids ...int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list := make([]any, len(ids))
	for n, id := range ids {
		list[n] = bson.D{{Key: "_id", Value: id}, {Key: "name", Value: fmt.Sprint("n", id)}}
	}
	_, err := r.collection.InsertMany(ctx, list, options.InsertMany().SetOrdered(false))
	return err
}

func (r *rig) stored() []int {
	var ids []int
	for _, document := range r.server.Documents("d.c") {
		ids = append(ids, int(document.Lookup("_id").AsInt64()))
	}
	return ids
}

func code(err error) int {
	var refusal mongo.CommandError
	if errors.As(err, &refusal) {
		return int(refusal.Code)
	}
	return 0
}

func TestCommandFaults(t *testing.T) {
	tests := []struct {
		name   string
		rule   faults.Rule
		check  func(error) bool
		stored []int // after insert(1) met the fault
	}{
		{"reset before", faults.Rule{Action: faults.ActionReset}, mongo.IsNetworkError, nil},
		{"reset after", faults.Rule{Action: faults.ActionReset, Applied: true}, mongo.IsNetworkError, []int{1}},
		{"shutdown", faults.Rule{Action: faults.ActionError, Error: faults.Error{Code: 91}}, func(err error) bool { return code(err) == 91 }, nil},
		{"not primary", faults.Rule{Action: faults.ActionError, Error: faults.Error{Code: 10107}}, func(err error) bool { return code(err) == 10107 }, nil},
		{"timed out, and written", faults.Rule{Action: faults.ActionError, Applied: true, Error: faults.Error{Code: 50}}, func(err error) bool {
			return code(err) == 50 && strings.Contains(err.Error(), "Retries due to rate limiting: True.")
		}, []int{1}},
		{"a code of one's own", faults.Rule{Action: faults.ActionError, Error: faults.Error{Code: 4242, Message: "so it is", Labels: []string{"Label"}}}, func(err error) bool {
			var refusal mongo.CommandError
			return errors.As(err, &refusal) && refusal.Code == 4242 && refusal.Name == "Location4242" && refusal.Message == "so it is" && refusal.HasErrorLabel("Label")
		}, nil},
		{"another namespace", faults.Rule{Action: faults.ActionReset, Namespace: "d.other"}, func(err error) bool { return err == nil }, []int{1}},
		{"this namespace", faults.Rule{Action: faults.ActionReset, Namespace: "d.c"}, mongo.IsNetworkError, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.rule.Command = "insert"
			r := newRig(t, test.rule)
			if err := r.insert(1); !test.check(err) {
				t.Errorf("the client is told %v", err)
			}
			if !slices.Equal(r.stored(), test.stored) {
				t.Errorf("stored %v, want %v", r.stored(), test.stored)
			}
		})
	}
}

func TestNoReply(t *testing.T) {
	for _, applied := range []bool{false, true} {
		r := newRig(t, faults.Rule{Name: "silent", Command: "insert", Action: faults.ActionNoReply, Applied: applied})
		// Connected before the time runs, which else may pass with nothing sent.
		if err := r.collection.Database().Client().Ping(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		_, err := r.collection.InsertOne(ctx, bson.D{{Key: "_id", Value: 1}})
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("applied %v: the client is told %v", applied, err)
		}
		if fired := r.faults.Fired("silent"); fired != 1 {
			t.Errorf("applied %v: the rule was met %d times", applied, fired)
		}
		if got := len(r.stored()); (got == 1) != applied {
			t.Errorf("applied %v: %d documents stored", applied, got)
		}
	}
}

func TestDelayGoesOnWithOtherRules(t *testing.T) {
	r := newRig(t,
		faults.Rule{Command: "insert", Action: faults.ActionDelay, Delay: faults.Duration(60 * time.Millisecond)},
		faults.Rule{Command: "insert", Skip: 1, Times: 1, Action: faults.ActionError, Error: faults.Error{Code: 11600}})
	for n, want := range []int{0, 11600, 0} {
		started := time.Now()
		if err := r.insert(n); code(err) != want {
			t.Errorf("insert %d: %v, want code %d", n, err, want)
		}
		if took := time.Since(started); took < 60*time.Millisecond {
			t.Errorf("insert %d took %v", n, took)
		}
	}
}

func TestSkipAndTimes(t *testing.T) {
	r := newRig(t, faults.Rule{Name: "middle", Command: "insert", Skip: 2, Times: 3, Action: faults.ActionError, Error: faults.Error{Code: 16500}})
	var failed []int
	for n := range 8 {
		if r.insert(n) != nil {
			failed = append(failed, n)
		}
	}
	if want := []int{2, 3, 4}; !slices.Equal(failed, want) {
		t.Fatalf("inserts %v failed, want %v", failed, want)
	}
	if r.faults.Fired("middle") != 3 || r.faults.Fired("") != 3 || r.faults.Fired("other") != 0 {
		t.Errorf("fired %d", r.faults.Fired("middle"))
	}
	if err := r.faults.Set(); err != nil || r.insert(100) != nil {
		t.Error("faults go on after the rules are gone")
	}
}

func TestProbabilityRepeats(t *testing.T) {
	run := func() []int {
		r := newRig(t, faults.Rule{Command: "insert", Probability: 0.3, Action: faults.ActionError, Error: faults.Error{Code: 16500}})
		var failed []int
		for n := range 60 {
			if r.insert(n) != nil {
				failed = append(failed, n)
			}
		}
		return failed
	}
	one, two := run(), run()
	if !slices.Equal(one, two) {
		t.Errorf("equal seeds give %v and %v", one, two)
	}
	if len(one) < 8 || len(one) > 30 {
		t.Errorf("%d of 60 failed at a probability of 0.3", len(one))
	}
}

// TestWriteErrors: exactly the writes that are reported as failed are missing.
func TestWriteErrors(t *testing.T) {
	const documents = 2000
	tests := []struct {
		name   string
		picked faults.Documents
		want   func(id int) bool // is refused; nil: whatever was reported
	}{
		{"by index", faults.Documents{Indexes: []int{0, 7, 1999, 5000}}, func(id int) bool { return id == 0 || id == 7 || id == 1999 }},
		{"all in one reply", faults.Documents{Share: 1}, func(int) bool { return true }},
		{"by lot", faults.Documents{Share: 0.4}, nil},
		{"by a field's value", faults.Documents{Field: "name", Equals: "n17"}, func(id int) bool { return id == 17 }},
		{"by a number", faults.Documents{Field: "_id", Equals: 18}, func(id int) bool { return id == 18 }},
		{"by size", faults.Documents{LargerThan: len(mustMarshal(bson.D{{Key: "_id", Value: 1}, {Key: "name", Value: "n1"}}))}, func(id int) bool { return id >= 10 }},
		{"by a function", faults.Documents{Match: func(d bson.Raw) bool { return d.Lookup("_id").AsInt64()%2 == 0 }}, func(id int) bool { return id%2 == 0 }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, faults.Rule{Command: "insert", Action: faults.ActionWriteErrors, Error: faults.Error{Code: 121}, Documents: test.picked})
			ids := make([]int, documents)
			for n := range ids {
				ids[n] = n
			}
			var refusal mongo.BulkWriteException
			if err := r.insert(ids...); !errors.As(err, &refusal) {
				t.Fatalf("the client is told %v", err)
			}
			reported := map[int]bool{}
			for _, e := range refusal.WriteErrors {
				if e.Code != 121 {
					t.Errorf("code %d", e.Code)
				}
				reported[e.Index] = true
			}
			there := map[int]bool{}
			for _, id := range r.stored() {
				there[id] = true
			}
			for _, id := range ids {
				if there[id] == reported[id] {
					t.Errorf("document %d: reported as failed is %v, stored is %v", id, reported[id], there[id])
				}
				if test.want != nil && reported[id] != test.want(id) {
					t.Errorf("document %d: reported as failed is %v", id, reported[id])
				}
			}
			if test.want == nil && (len(reported) < 600 || len(reported) > 1000) {
				t.Errorf("%d of 2000 failed at a share of 0.4", len(reported))
			}
		})
	}
}

// TestUnacknowledgedWritesVanish: nobody is told, and what is refused does not arrive.
func TestUnacknowledgedWritesVanish(t *testing.T) {
	tests := []struct {
		name   string
		rule   faults.Rule
		stored []int
	}{
		{"single ones", faults.Rule{Action: faults.ActionWriteErrors, Error: faults.Error{Code: 121}, Documents: faults.Documents{Indexes: []int{1}}}, []int{1, 3}},
		{"all", faults.Rule{Action: faults.ActionWriteErrors, Error: faults.Error{Code: 121}, Documents: faults.Documents{Share: 1}}, nil},
		{"the command", faults.Rule{Action: faults.ActionError, Error: faults.Error{Code: 91}}, nil},
		{"without a reply that nobody waits for", faults.Rule{Action: faults.ActionNoReply}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.rule.Command = "insert"
			r := newRig(t, test.rule)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			none, err := r.collection.Clone(options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
			if err != nil {
				t.Fatal(err)
			}
			list := []any{bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "_id", Value: 2}}, bson.D{{Key: "_id", Value: 3}}}
			if _, err := none.InsertMany(ctx, list, options.InsertMany().SetOrdered(false)); err != nil && !errors.Is(err, mongo.ErrUnacknowledgedWrite) {
				t.Fatal(err)
			}
			// The connection is the same, so that the count comes after the insert.
			if _, err := r.collection.EstimatedDocumentCount(ctx); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.stored(), test.stored) {
				t.Errorf("stored %v, want %v", r.stored(), test.stored)
			}
		})
	}
}

func mustMarshal(document bson.D) bson.Raw {
	raw, err := bson.Marshal(document)
	if err != nil {
		panic(err)
	}
	return raw
}

func TestCursorNotFound(t *testing.T) {
	r := newRig(t, faults.Rule{Command: "getMore", Skip: 1, Times: 1, Action: faults.ActionError, Error: faults.Error{Code: 43}})
	if err := r.insert(1, 2, 3, 4, 5, 6); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	cursor, err := r.collection.Find(ctx, bson.D{}, options.Find().SetBatchSize(2))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for cursor.Next(ctx) {
		read++
	}
	if code(cursor.Err()) != 43 || read != 4 {
		t.Fatalf("%d documents, then %v", read, cursor.Err())
	}
}

func TestParse(t *testing.T) {
	injector, err := faults.Parse([]byte(`
seed: 7
rules:
  - {name: lost, command: getMore, skip: 2, times: 1, action: error, error: {code: 43}}
  - {command: insert, namespace: d.c, probability: 0.1, action: reset, applied: true, delay: 5ms}
  - command: insert
    action: write-errors
    error: {code: 121}
    documents: {indexes: [1, 2], share: 0.5, larger_than: 100, field: a.b, equals: x}
`))
	if err != nil || injector == nil {
		t.Fatal(err)
	}
	if _, err := faults.Parse([]byte(`{"rules": [{"command": "insert", "action": "reset"}]}`)); err != nil {
		t.Errorf("JSON: %v", err)
	}
	if _, err := faults.Parse(nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ source, says string }{
		{`rules: [{command: insert, action: explode}]`, `"explode" is not one of reset`},
		{`rules: [{action: reset}]`, "command is missing"},
		{`rules: [{command: insert, action: error}]`, "needs error.code"},
		{`rules: [{command: insert, action: write-errors, error: {code: 1}}]`, "need documents"},
		{`rules: [{command: find, action: write-errors, error: {code: 1}, documents: {share: 1}}]`, "not for find"},
		{`rules: [{command: insert, action: write-errors, error: {code: 1}, documents: {share: 2}}]`, "share 2"},
		{`rules: [{command: insert, action: write-errors, error: {code: 1}, documents: {indexes: [-1]}}]`, "-1 is negative"},
		{`rules: [{command: insert, action: reset, probability: 1.5}]`, "1.5 is not between"},
		{`rules: [{command: insert, action: reset, probability: .nan}]`, "NaN is not between"},
		{`rules: [{command: insert, action: write-errors, error: {code: 1}, documents: {share: .nan}}]`, "share NaN"},
		{`rules: [{command: insert, action: reset, skip: -1}]`, "negative"},
		{`rules: [{command: insert, action: delay}]`, "needs a delay"},
		{`rules: [{command: insert, action: delay, delay: soon}]`, "soon"},
		{`rules: [{command: insert, action: delay, delay: 25h}]`, "more than 24h"},
		{`rules: [{command: insert, action: reset, oops: 1}]`, "oops"},
		{`rules: [{command: insert, action: reset}, {name: second, command: x, action: y}]`, "rule 2 (second)"},
		{`rules: }`, "fault rules"},
	}
	for _, test := range tests {
		if _, err := faults.Parse([]byte(test.source)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want one that says %q", test.source, err, test.says)
		}
	}
}
