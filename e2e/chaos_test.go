package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"

	"vida/state"
)

const chaosPlan = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	  tuning: {batch_documents: 30, batch_bytes: 2MiB, unit_documents: 700, workers: 3}
	- name: verify
	  type: verify-counts
	  from: source
	  to: target
	  collections: [orders]
	- name: compare
	  type: verify-content
	  from: source
	  to: target
	  collections: [orders]
	  tuning: {workers: 3}
`

const chaosTuning = "tuning: {reply_timeout: 2s, retry: {for: 1m, initial: 10ms, max: 100ms}}\n"

// chaosRules are what the wire may do meanwhile, with a probability to fill in.
var chaosRules = []string{
	"{command: insert, probability: %.3f, action: reset}",
	"{command: insert, probability: %.3f, action: reset, applied: true}",
	"{command: insert, probability: %.3f, action: no-reply, applied: true, times: 1}",
	"{command: insert, probability: %.3f, action: error, error: {code: 16500}}",
	"{command: insert, probability: %.3f, action: error, applied: true, error: {code: 50}}",
	"{command: insert, probability: %.3f, action: error, error: {code: 10107}}",
	"{command: insert, probability: %.3f, action: error, applied: true, error: {code: 11600}}",
	"{command: insert, probability: %.3f, action: write-errors, error: {code: 16500}, documents: {share: 0.5}}",
	"{command: insert, probability: %.3f, action: write-errors, error: {code: 50}, documents: {share: 0.3}}",
	"{command: insert, probability: %.3f, action: delay, delay: 40ms}",
	"{command: find, probability: %.3f, action: reset}",
	"{command: find, probability: %.3f, action: error, error: {code: 91}}",
	"{command: getMore, probability: %.3f, action: error, error: {code: 43}}",
	"{command: getMore, probability: %.3f, action: error, error: {code: 16500}}",
	"{command: getMore, probability: %.3f, action: reset, applied: true}",
	"{command: getMore, probability: %.3f, action: no-reply, times: 1}",
	"{command: aggregate, probability: %.3f, action: reset}",
	"{command: listCollections, probability: %.3f, action: reset}",
	"{command: \"*\", probability: %.3f, action: delay, delay: 10ms}",
}

// Whatever happens, in whatever order: kills, interrupts, restarts of the servers, unplugged cables and answers of
// all kinds. In the end every document is there, once, byte for byte, and the books balance. The schedule follows
// from the seed (VIDA_TEST_SEED) and from counted commands; VIDA_CHAOS_TIME says for how long.
func TestChaos(t *testing.T) {
	if os.Getenv("VIDA_DOCUMENTDB_RUN") == "" {
		t.Skip("chaos needs servers that can be killed and know every type of _id: make chaos runs it")
	}
	length := 90 * time.Second
	if text := os.Getenv("VIDA_CHAOS_TIME"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	random := seed(t)
	end := time.Now().Add(length)
	for round := 1; round == 1 || time.Now().Before(end); round++ {
		chaosRound(t, random, end)
	}
}

// chaosRound copies one collection through chaos. Once the time is over the chaos ends, and the copy goes on.
func chaosRound(t *testing.T, random *rand.Rand, end time.Time) {
	t.Helper()
	sourceServer, targetServer := restartableSides(t)
	none := writeFile(t, t.TempDir()+"/none.yaml", "rules: []\n")
	d, err := startServe("--cosmos=off", "--source-uri", sourceServer.uri(), "--target-uri", targetServer.uri(), "--source-faults", none, "--target-faults", none)
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	wire := &double{t: t, variables: d.variables, sourceURI: d.variables["VIDA_TEST_SOURCE_URI"], targetURI: d.variables["VIDA_TEST_TARGET_URI"]}
	j := newJob(t)
	source, target := newTap(t, wire.sourceURI), newTap(t, wire.targetURI)
	j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+source.uri(), "MONGODB_ATLAS_CONNECTION_STRING="+target.uri())
	documents := mixedDocuments(t, random, 9000)
	for from := 0; from < len(documents); from += 500 {
		insert(t, j.source.Collection("orders"), documents[from:min(from+500, len(documents))])
	}
	plan := j.planWith("chaos", chaosTuning, chaosPlan)
	happened := map[string]int{}
	for runs := 1; ; runs++ {
		o := chaosRun(t, random, end, j, plan, []*tap{source, target}, wire, []*restartable{sourceServer, targetServer}, happened)
		if o.code == 0 {
			t.Logf("%d runs; %v; %d documents sent for %d", runs, happened, target.documents("orders"), len(documents))
			break
		}
		if o.code != 1 && o.code != 130 && o.code != -1 {
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
			j.logUnits("chaos", "copy")
			t.Fatalf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
		}
		if runs == 500 || time.Since(end) > 5*time.Minute {
			t.Fatalf("%d runs and no end; the last one:\n%s\n%s", runs, o.stdout, o.stderr)
		}
	}
	for _, side := range []string{"source", "target"} {
		wire.rules(side, "rules: []")
	}
	report := j.run(0, plan)
	copied := report.step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, int64(len(documents)))
	want(t, "arrived", copied.Inserted+copied.Identical, int64(len(documents)))
	want(t, "compared", report.step(t, "compare").Read, int64(len(documents)))
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// logUnits tells how far each unit of a step is, to find out what went wrong.
func (j *job) logUnits(plan, step string) {
	j.t.Helper()
	store, err := state.OpenReadOnly(filepath.Join(j.dir, "state"), plan)
	if err != nil {
		j.t.Fatal(err)
	}
	units, err := store.Units(step)
	if err = errors.Join(err, store.Close()); err != nil {
		j.t.Fatal(err)
	}
	for _, u := range units {
		j.t.Logf("%s done %t: %s %s %s", u.ID, u.Done, u.Spec, u.Checkpoint, u.Counts)
	}
}

// chaosRun starts vida once and lets things happen to it, at counted commands or where none comes for a while, until
// it ends.
func chaosRun(t *testing.T, random *rand.Rand, end time.Time, j *job, plan string, taps []*tap, wire *double, servers []*restartable, happened map[string]int) outcome {
	t.Helper()
	reached := make(chan struct{}, 1)
	var all, next atomic.Int64
	for _, p := range taps {
		p.at(func(int64, string) {
			if all.Add(1) == next.Load() {
				reached <- struct{}{}
			}
		})
	}
	over := false
	calm := func() {
		over = true
		for _, side := range []string{"source", "target"} {
			wire.rules(side, "rules: []")
		}
	}
	if time.Now().After(end) {
		calm()
	}
	r := j.start("run", plan, "--progress", "none", "--output", "json")
	for {
		next.Store(all.Load() + 1 + random.Int64N(30))
		select {
		case <-r.ended:
			return r.wait()
		case <-reached:
		case <-time.After(1500 * time.Millisecond):
			next.Store(-1)
		}
		if over {
			continue
		}
		if time.Now().After(end) {
			calm()
			continue
		}
		event := chaosEvent(random, wire, servers, r)
		happened[event]++
	}
}

// chaosEvent makes one thing happen and says what.
func chaosEvent(random *rand.Rand, wire *double, servers []*restartable, r *running) string {
	n := random.IntN(2)
	side := []string{"source", "target"}[n]
	pause := time.Duration(50+random.IntN(600)) * time.Millisecond
	switch random.IntN(16) {
	case 0, 1, 2:
		r.signal(syscall.SIGKILL)
		return "kill"
	case 3:
		r.signal(os.Interrupt)
		return "interrupt"
	case 4:
		r.signal(syscall.SIGTERM)
		time.Sleep(pause / 20)
		r.signal(syscall.SIGTERM)
		return "two interrupts"
	case 5:
		servers[n].restart(pause)
		return "restart of the " + side
	case 6, 7:
		wire.post(side, "pause")
		time.Sleep(pause)
		wire.post(side, "resume")
		return "unplugged " + side
	case 8, 9:
		wire.post(side, "reset")
		return "reset of the " + side
	}
	var rules []string
	for range 1 + random.IntN(4) {
		rules = append(rules, fmt.Sprintf(chaosRules[random.IntN(len(chaosRules))], 0.02+0.1*random.Float64()))
	}
	wire.rules(side, fmt.Sprintf("seed: %d\nrules: [%s]", random.Uint32(), strings.Join(rules, ", ")))
	return "rules for the " + side
}

// mixedDocuments have an _id of every type, and 20 bytes to 15 MB.
func mixedDocuments(t testing.TB, random *rand.Rand, count int) []any {
	t.Helper()
	ids := []any{
		primitive.MinKey{}, nil, math.NaN(), math.Inf(-1), math.Inf(1), 0.5, math.MaxFloat64, int64(1) << 60, decimal(t, "0.1"), decimal(t, "-9.99E+300"),
		"", bson.D{}, bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}, bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}},
		primitive.Binary{Data: []byte{}}, primitive.Binary{Subtype: 0x80, Data: []byte("own")}, primitive.ObjectID{}, true, false,
		primitive.DateTime(-62135596800000), primitive.Timestamp{T: 1, I: 2}, primitive.MaxKey{},
	}
	for n := len(ids); n < count; n++ {
		var id any
		switch n % 8 {
		case 0:
			id = int32(n)
		case 1:
			id = fmt.Sprintf("order-%06d", n)
		case 2:
			id = primitive.NewObjectIDFromTimestamp(time.Unix(1_700_000_000+int64(n)*1000, 0))
		case 3:
			uuid := make([]byte, 16)
			for i := range uuid {
				uuid[i] = byte(random.Uint32())
			}
			id = primitive.Binary{Subtype: 4, Data: uuid}
		case 4:
			id = primitive.DateTime(int64(n) * 86_400_000)
		case 5:
			id = float64(n) + 0.25
		case 6:
			id = bson.D{{Key: "region", Value: n % 7}, {Key: "number", Value: n}}
		case 7:
			id = int64(n) << 33
		}
		ids = append(ids, id)
	}
	documents := make([]any, len(ids))
	for n, id := range ids {
		document := bson.D{{Key: "_id", Value: id}}
		size := 0
		switch {
		case n%4500 == 700:
			size = 15 << 20
		case n%900 == 100:
			size = 1 << 20
		case n%9 == 0:
			size = 1 + random.IntN(20_000)
		case n%3 == 0:
			size = 1 + random.IntN(900)
		}
		if size > 0 {
			fill := bytes.Repeat([]byte{byte(random.Uint32())}, size)
			document = append(document, bson.E{Key: "n", Value: n}, bson.E{Key: "minus_zero", Value: math.Copysign(0, -1)}, bson.E{Key: "fill", Value: fill})
		}
		documents[n] = document
	}
	return documents
}
