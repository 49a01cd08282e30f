package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// settled gives a run less than the ten seconds that settling may take, and then holds some seconds of it against what
// there is.
func (r *running) settled(d *double, what string, perSecond float64) {
	r.t.Helper()
	r.during(d, 4*time.Second)
	r.uses(d, what, 3*time.Second, perSecond)
}

// The generator settles on its budget as the copy does, over partitions of which each has its share, and follows other
// traffic that comes and goes and a throughput that is lowered while it runs.
func TestTheGeneratorUsesItsBudget(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	d := startDouble(t, "--request-units", "2400", "--physical-partitions", "2")
	j.through(d)
	r := j.start("run", j.plan("generator", `
	- name: generate
	  type: generate
	  to: source
	  collection: serviceorders
	  documents: 100000
	`), "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return d.accounted().charged > 100 })
	r.settled(d, "alone", 2400)
	d.change(`{"background": 1400}`)
	r.during(d, 6*time.Second)
	// What it finds out by being refused alone it uses less of while this machine is busy.
	r.usesAtLeast(0.6, d, "beside other traffic", 7*time.Second, 1000)
	d.change(`{"background": 0, "request_units": 1200}`)
	r.during(d, 9*time.Second)
	r.uses(d, "alone, after it was lowered", 4*time.Second, 1200)
	r.signal(os.Interrupt)
	metered(t, d, r.finish(130))
}

// With autoscale the maximum is what there is, and not the tenth of it that is told as provisioned. Many workers have
// one budget together.
func TestAnAutoscaleMaximumIsUsedByAllWorkersTogether(t *testing.T) {
	t.Parallel()
	d := nullDouble(t, "--documents", "1000000", "--request-units", "6000", "--autoscale", "--physical-partitions", "3")
	j := newJob(t)
	j.onNull(d)
	plan := j.planWith("autoscale", "tuning: {workers: 24}\n", copyServiceOrders)
	r := j.start("run", plan, "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return d.accounted().charged > 100 })
	r.settled(d, "24 workers", 6000)
	r.signal(os.Interrupt)
	report := r.finish(130)
	metered(t, d, report)
	budgetIsShown(t, r.stdout.String(), 6000)
}

// Collections that share the database's throughput have one budget together; a part of it is left to others.
func TestCollectionsShareTheBudgetOfTheDatabase(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	for c := range 3 {
		documents := make([]any, 3000)
		for n := range documents {
			documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: strings.Repeat("x", 4000)}}
		}
		insert(t, j.source.Collection(fmt.Sprintf("orders%d", c)), documents)
	}
	d := startDouble(t, "--request-units", "4000", "--throughput", "database", "--physical-partitions", "2")
	j.through(d)
	plan := j.plan("shared", `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  tuning: {workers: 6}
	`)
	text := strings.Replace(readFile(t, plan), `database: "${COSMOS_DB_NAME}"}`, `database: "${COSMOS_DB_NAME}", request_units: "75%"}`, 1)
	r := j.start("run", j.file("shared.yaml", text), "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return d.accounted().charged > 3000 })
	r.uses(d, "three quarters, of three collections", 4*time.Second, 3000)
	report := r.finish(0)
	metered(t, d, report)
	want(t, "inserted", report.step(t, "copy").Inserted, 9000)
	budgetIsShown(t, r.stdout.String(), 3000)
	if s := d.cosmos(); s.Throttled.Commands != 0 {
		t.Errorf("%d commands were throttled within three quarters of the budget", s.Throttled.Commands)
	}
}

// Nothing is sent before the time that a refusal asked for has passed, and then not at the same distance each time.
func TestARefusalsRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	const asked, refusals = 250 * time.Millisecond, 8
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(200))
	d := startDouble(t, "--source-faults", j.file("faults.yaml", fmt.Sprintf(`rules:
  - {command: find, skip: 2, times: %d, action: error, error: {code: 16500, message: "Error=16500, RetryAfterMs=%d, Details='x'"}}
`, refusals, asked.Milliseconds())))
	var mu sync.Mutex
	var finds []time.Time
	between := newTap(t, d.sourceURI)
	between.at(func(_ int64, command string) {
		if command == "find" {
			mu.Lock()
			finds = append(finds, time.Now())
			mu.Unlock()
		}
	})
	d.sourceURI = between.uri() + "?directConnection=true"
	j.through(d)
	copied := j.run(0, j.planWith("patient", "tuning: {workers: 1, retry: {for: 1m, initial: 1ms, max: 5ms}}\n", `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	`)).step(t, "copy")
	want(t, "inserted", copied.Inserted, 200)
	want(t, "refused", int64(d.fired("source")), refusals)
	mu.Lock()
	defer mu.Unlock()
	var pauses []time.Duration
	for n := 1; n < len(finds); n++ {
		if pause := finds[n].Sub(finds[n-1]); pause >= asked {
			pauses = append(pauses, pause.Round(time.Millisecond))
		}
	}
	slices.Sort(pauses)
	t.Logf("%d finds, after refusals: %v", len(finds), pauses)
	if len(pauses) < refusals {
		t.Errorf("%d of %d refusals were waited for: %v", len(pauses), refusals, pauses)
	}
	if len(pauses) > 0 && pauses[len(pauses)-1]-pauses[0] < 5*time.Millisecond {
		t.Errorf("the pauses are all the same: %v", pauses)
	}
}
