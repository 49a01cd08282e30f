package e2e

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// accounted is what an account had charged at a moment of its own clock.
type accounted struct {
	second    float64
	charged   float64
	commands  int64
	throttled int64
}

// paid are the commands that cost request units of the collections' throughput.
var paid = []string{"find", "getMore", "insert", "aggregate"}

func (d *double) accounted() accounted {
	s := d.cosmos()
	a := accounted{second: s.Seconds, charged: s.Charged.Total - s.Charged.Metadata}
	for _, command := range paid {
		a.commands += s.Commands[command]
		a.throttled += s.Throttled.ByCommand[command]
	}
	return a
}

// during lets the run go on for so long and returns the account before and after, and fails where it ends.
func (r *running) during(d *double, pause time.Duration) (from, to accounted) {
	r.t.Helper()
	from = d.accounted()
	select {
	case <-r.ended:
		r.t.Fatalf("it ended too early: %s", r.stderr.String())
	case <-time.After(pause):
	}
	return from, d.accounted()
}

// uses holds the account's own figures against what was to be had: all but a little is used, and hardly any command
// throttled.
func (r *running) uses(d *double, what string, pause time.Duration, perSecond float64) {
	r.t.Helper()
	r.usesAtLeast(0.85, d, what, pause, perSecond)
}

func (r *running) usesAtLeast(least float64, d *double, what string, pause time.Duration, perSecond float64) {
	r.t.Helper()
	from, to := r.during(d, pause)
	used := (to.charged - from.charged) / (to.second - from.second) / perSecond
	throttled := float64(to.throttled-from.throttled) / float64(max(1, to.commands-from.commands))
	r.t.Logf("%s: %.1f %% of %.0f RU/s, %.1f %% of %d commands throttled", what, 100*used, perSecond, 100*throttled, to.commands-from.commands)
	if used < least || used > 1.1 {
		r.t.Errorf("%s: used %.1f %% of %.0f RU/s", what, 100*used, perSecond)
	}
	if throttled > 0.05 {
		r.t.Errorf("%s: %.1f %% of %d commands were throttled", what, 100*throttled, to.commands-from.commands)
	}
}

func (r *running) finish(code int) finished {
	r.t.Helper()
	<-r.ended
	if got := r.command.ProcessState.ExitCode(); got != code {
		r.t.Fatalf("exit code %d, want %d: %s", got, code, r.stderr.String())
	}
	return (&job{t: r.t}).report(outcome{stdout: r.stdout.String()})
}

// metered holds what a run says it used against what the account says it charged.
func metered(t testing.TB, d *double, report finished) {
	t.Helper()
	told := 0.0
	for _, s := range report.Steps {
		told += s.RequestUnits
	}
	charged := d.cosmos().Charged.Total
	t.Logf("vida says %.1f RU, the account charged %.1f", told, charged)
	if math.Abs(told-charged) > 0.05*charged {
		t.Errorf("vida says %.1f RU, the account charged %.1f: off by more than 5 %%", told, charged)
	}
}

// nullDouble is an account before a virtual collection that costs nothing to read, and a sink that checks it.
func nullDouble(t testing.TB, flags ...string) *double {
	t.Helper()
	s, err := startServe(append([]string{"--engine", "null", "--cosmos", "on"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return &double{t: t, variables: s.variables,
		sourceURI: s.variables["VIDA_TEST_SOURCE_URI"], targetURI: s.variables["VIDA_TEST_TARGET_URI"]}
}

// onNull points a job at the collection of a null engine, which serves one namespace only.
func (j *job) onNull(d *double) {
	j.through(d)
	j.env = append(j.env, "COSMOS_DB_NAME="+d.variables["COSMOS_DB_NAME"], "MONGODB_ATLAS_DB_NAME="+d.variables["MONGODB_ATLAS_DB_NAME"])
}

const copyServiceOrders = `
- name: copy
  type: copy
  from: source
  to: target
  collections: [serviceorders]
`

// The copy settles on its budget, and follows other traffic that comes and goes and a throughput that is raised.
func TestTheCopyUsesItsBudget(t *testing.T) {
	t.Parallel()
	d := nullDouble(t, "--documents", "130000", "--request-units", "8000", "--physical-partitions", "2")
	j := newJob(t)
	j.onNull(d)
	r := j.start("run", j.plan("budget", copyServiceOrders), "--output", "json", "--progress", "none")
	r.during(d, 2*time.Second)
	r.uses(d, "alone", 3*time.Second, 8000)
	d.change(`{"background": 4800}`)
	r.during(d, 5*time.Second)
	r.uses(d, "beside other traffic", 4*time.Second, 3200)
	d.change(`{"background": 0}`)
	r.during(d, 7*time.Second)
	r.uses(d, "alone again", 3*time.Second, 8000)
	d.change(`{"request_units": 12000}`)
	r.during(d, 6*time.Second)
	r.uses(d, "after it was raised", 3*time.Second, 12000)
	d.change(`{"request_units": 100000}`)
	report := r.finish(0)
	metered(t, d, report)
	copied := report.step(t, "copy")
	copied.balanced(t)
	want(t, "inserted", copied.Inserted, 130000)
}

// A part of the throughput is left for others.
func TestTheGeneratorLeavesTheRestOfTheBudget(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	d := startDouble(t, "--request-units", "4000")
	j.through(d)
	plan := j.plan("generated", `
	- name: generate
	  type: generate
	  to: source
	  collection: serviceorders
	  documents: 2000
	`)
	text := strings.Replace(readFile(t, plan), `database: "${COSMOS_DB_NAME}"}`, `database: "${COSMOS_DB_NAME}", request_units: "50%"}`, 1)
	r := j.start("run", j.file("generated.yaml", text), "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return d.accounted().charged > 2000 })
	r.uses(d, "half of it", 5*time.Second, 2000)
	report := r.finish(0)
	metered(t, d, report)
	want(t, "inserted", report.step(t, "generate").Inserted, 2000)
	if s := d.cosmos(); s.Throttled.Commands != 0 {
		t.Errorf("%d commands were throttled within half of the budget", s.Throttled.Commands)
	}
	budgetIsShown(t, r.stdout.String(), 2000)
}

// budgetIsShown looks for a progress line with the request units used and those that may be used.
func budgetIsShown(t testing.TB, lines string, budget float64) {
	t.Helper()
	for line := range strings.SplitSeq(lines, "\n") {
		var event struct {
			Step struct {
				Used   float64 `json:"request_units_per_second"`
				Budget float64 `json:"provisioned_per_second"`
			} `json:"step"`
		}
		if strings.Contains(line, `"progress"`) && json.Unmarshal([]byte(line), &event) == nil && event.Step.Used > 0 && event.Step.Budget == budget {
			return
		}
	}
	t.Errorf("no progress line tells RU/s used of %g", budget)
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Writing without any restraint to an account that applies bulks by half, in every form that is known, and breaks
// connections: everything arrives, once, and the account of it is right.
func TestHalfAppliedBulksArriveWhole(t *testing.T) {
	for name, flags := range map[string][]string{
		"mixed forms, hints come and go":       {"--throttled-writes", "mixed", "--retry-after", "sometimes"},
		"the whole command fails, no hint":     {"--throttled-writes", "command", "--retry-after", "never"},
		"the server retries and then gives up": {"--server-side-retry", "--server-side-retry-for", "100ms"},
		"connections break":                    {"--throttled-writes", "partial", "--drop-connections", "0.03"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			d := startDouble(t, append([]string{"--request-units", "2000", "--physical-partitions", "3"}, flags...)...)
			j.through(d)
			plan := j.plan("half", `
			- name: generate
			  type: generate
			  to: source
			  collection: serviceorders
			  documents: 600
			  tuning: {workers: 6, batch_documents: 100, unit_documents: 100}
			`)
			report := j.run(0, j.file("half.yaml", withoutBudget(t, plan)))
			generated := report.step(t, "generate")
			generated.balanced(t)
			want(t, "written", generated.Inserted+generated.Identical, 600)
			want(t, "there", count(t, j.source.Collection("serviceorders")), 600)
			if generated.Throttled == 0 || generated.Retries == 0 {
				t.Errorf("nothing was throttled: %+v", generated)
			}
			if !strings.Contains(name, "break") { // what was charged for a command without an answer nobody tells
				metered(t, d, report)
			}
		})
	}
}

// Reading from an account of 3.6, which knows no hello, whose pages are small, and which throttles, loses cursors and
// breaks connections: everything arrives byte for byte.
func TestReadingThatIsInterruptedArrivesWhole(t *testing.T) {
	j := newJob(t)
	documents := make([]any, 800)
	for n := range documents {
		documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: bytes.Repeat([]byte{byte(n)}, 100+n)}}
	}
	insert(t, j.source.Collection("orders"), documents)
	for name, flags := range map[string][]string{
		"it throttles":                         {"--request-units", "80", "--max-page-bytes", "20000"},
		"it throttles without a hint":          {"--request-units", "80", "--max-page-bytes", "20000", "--retry-after", "never"},
		"the server retries and then gives up": {"--request-units", "80", "--max-page-bytes", "20000", "--server-side-retry", "--server-side-retry-for", "50ms"},
		"cursors are lost":                     {"--lose-cursors", "0.2", "--max-page-bytes", "20000"},
		"connections break":                    {"--drop-connections", "0.05", "--max-page-bytes", "20000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := newJob(t)
			other.env = append(other.env, "COSMOS_DB_NAME="+j.database)
			d := startDouble(t, append([]string{"--profile", "ru-3.6", "--physical-partitions", "2"}, flags...)...)
			other.through(d)
			plan := other.plan("interrupted", `
			- name: copy
			  type: copy
			  from: source
			  to: target
			  collections: [orders]
			  tuning: {workers: 3, batch_documents: 40}
			`)
			report := other.run(0, other.file("interrupted.yaml", withoutBudget(t, plan)))
			copied := report.step(t, "copy")
			copied.balanced(t)
			want(t, "arrived", copied.Inserted+copied.Identical, 800)
			sameContents(t, j.source.Collection("orders"), other.target.Collection("orders"))
			t.Logf("throttled %d, retried %d", copied.Throttled, copied.Retries)
			if copied.Retries == 0 {
				t.Error("nothing was interrupted")
			}
			if !strings.Contains(name, "break") { // what was charged for a command without an answer nobody tells
				metered(t, d, report)
			}
		})
	}
}

// withoutBudget is a plan whose source is used without restraint.
func withoutBudget(t testing.TB, plan string) string {
	t.Helper()
	return strings.Replace(readFile(t, plan), `database: "${COSMOS_DB_NAME}"}`, `database: "${COSMOS_DB_NAME}", request_units: off}`, 1)
}

// Every step that asks the account for anything says what that took, and so does the run.
func TestEveryStepIsMetered(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	d := startDouble(t, "--request-units", "20000", "--physical-partitions", "3")
	j.through(d)
	plan := j.plan("metered", `
	- name: check
	  type: check-connections
	- name: generate
	  type: generate
	  to: source
	  collection: serviceorders
	  documents: 500
	- name: indexes
	  type: extract-indexes
	  from: source
	  collections: [serviceorders]
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [serviceorders]
	- name: counts
	  type: verify-counts
	  from: source
	  to: target
	  collections: [serviceorders]
	`)
	report := j.run(0, plan)
	metered(t, d, report)
	for _, s := range report.Steps {
		if s.RequestUnits == 0 {
			t.Errorf("step %s took nothing", s.Name)
		}
	}
	total := report.RequestUnits
	if charged := d.cosmos().Charged.Total; math.Abs(total-charged) > 0.05*charged {
		t.Errorf("the run took %.1f RU, the account charged %.1f", total, charged)
	}
	if o := j.mustVida(0, "status", plan); !strings.Contains(o.stdout, " RU") {
		t.Errorf("status shows no request units:\n%s", o.stdout)
	}
	if o := j.mustVida(0, "run", plan, "--progress", "none"); !strings.Contains(o.stdout, " RU in all") {
		t.Errorf("the summary shows no sum of request units:\n%s", o.stdout)
	}
}

// What was used before a kill is not forgotten, but for the last seconds.
func TestWhatAKilledRunUsedCounts(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	d := startDouble(t, "--request-units", "1000")
	j.through(d)
	plan := j.plan("killed", `
	- name: generate
	  type: generate
	  to: source
	  collection: serviceorders
	  documents: 1000
	  tuning: {unit_documents: 100}
	`)
	if ended := j.killWhen(func() bool { return d.accounted().charged > 6000 }, "run", plan, "--progress", "none"); ended {
		t.Fatal("it ended before it was killed")
	}
	d.change(`{"request_units": 20000}`)
	before := d.cosmos().Charged.Total
	report := j.run(0, plan)
	told, charged := report.step(t, "generate").RequestUnits, d.cosmos().Charged.Total
	t.Logf("vida says %.0f RU, the account charged %.0f, of which %.0f before the kill", told, charged, before)
	if told > charged*1.001 || told < charged-3*1000 { // a budget's worth of the time since it was saved
		t.Errorf("vida says %.0f RU, the account charged %.0f", told, charged)
	}
}

// What was charged for a command whose connection broke nobody tells, and still the account of it is right: whether
// the connections break before the command is done, or after it, or now before and now after.
func TestTheMeterBearsBrokenConnections(t *testing.T) {
	const before, after = `probability: 0.03, action: reset`, `probability: 0.03, action: reset, applied: true`
	for name, when := range map[string][]string{"before": {before}, "after": {after}, "before and after": {before, after}} {
		rules := func(commands ...string) string {
			text := "seed: 11\nrules:\n"
			for _, command := range commands {
				for _, w := range when {
					text += "  - {command: " + command + ", " + w + "}\n"
				}
			}
			return text
		}
		t.Run("writing, "+name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			d := startDouble(t, "--request-units", "2400", "--physical-partitions", "2", "--source-faults", j.file("faults.yaml", rules("insert")))
			j.through(d)
			report := j.run(0, j.planWith("broken", impatience, `
			- name: generate
			  type: generate
			  to: source
			  collection: serviceorders
			  documents: 1500
			`))
			want(t, "there", count(t, j.source.Collection("serviceorders")), 1500)
			j.brokenButMetered(d, report.step(t, "generate"), report)
		})
		t.Run("reading, "+name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			documents := make([]any, 4000)
			for n := range documents {
				documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: bytes.Repeat([]byte{byte(n)}, 2000)}}
			}
			insert(t, j.source.Collection("orders"), documents)
			d := startDouble(t, "--request-units", "1600", "--physical-partitions", "1", "--source-faults", j.file("faults.yaml", rules("find", "getMore")))
			j.through(d)
			plan := j.planWith("broken", impatience, copyAndVerify[:strings.Index(copyAndVerify, "- name: verify")])
			report := j.run(0, plan)
			want(t, "there", count(t, j.target.Collection("orders")), 4000)
			j.brokenButMetered(d, report.step(t, "copy"), report)
		})
		t.Run("without restraint, "+name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			d := startDouble(t, "--request-units", "3000", "--physical-partitions", "2", "--source-faults", j.file("faults.yaml", rules("insert")))
			j.through(d)
			plan := j.planWith("broken", impatience, `
			- name: generate
			  type: generate
			  to: source
			  collection: serviceorders
			  documents: 1500
			  tuning: {batch_documents: 20}
			`)
			report := j.run(0, j.file("unrestrained.yaml", withoutBudget(t, plan)))
			want(t, "there", count(t, j.source.Collection("serviceorders")), 1500)
			generated := report.step(t, "generate")
			if generated.Throttled == 0 {
				t.Error("nothing was throttled")
			}
			j.brokenButMetered(d, generated, report)
		})
	}
}

const impatience = "tuning: {retry: {for: 1m, initial: 10ms, max: 50ms}}\n"

func (j *job) brokenButMetered(d *double, step finishedStep, report finished) {
	j.t.Helper()
	step.balanced(j.t)
	if fired := d.fired("source"); fired < 2 {
		j.t.Errorf("only %d connections broke", fired)
	} else {
		j.t.Logf("%d connections broke, %d commands throttled", fired, step.Throttled)
	}
	metered(j.t, d, report)
}
