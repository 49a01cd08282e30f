package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

type dryStep struct {
	Name         string   `json:"name"`
	Action       string   `json:"action"`
	Documents    int64    `json:"documents"`
	Bytes        int64    `json:"bytes"`
	RequestUnits float64  `json:"request_units"`
	Seconds      float64  `json:"seconds"`
	Notes        []string `json:"notes"`
}

func (j *job) dryRun(args ...string) map[string]dryStep {
	j.t.Helper()
	return parseDryRun(j.t, j.mustVida(0, append([]string{"run", "--dry-run", "--output", "json"}, args...)...))
}

func parseDryRun(t testing.TB, o outcome) map[string]dryStep {
	t.Helper()
	var report struct {
		Steps []dryStep `json:"steps"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		t.Fatalf("%v: %s", err, o.stdout)
	}
	steps := map[string]dryStep{}
	for _, s := range report.Steps {
		steps[s.Name] = s
	}
	return steps
}

// within holds an estimate against what came of it.
func within(t testing.TB, what string, estimate, truth, margin float64) {
	t.Helper()
	t.Logf("%s: estimated %.1f, it was %.1f: %+.1f %%", what, estimate, truth, 100*(estimate-truth)/truth)
	if math.Abs(estimate-truth) > margin*truth {
		t.Errorf("%s: estimated %.1f, it was %.1f: off by more than %.0f %%", what, estimate, truth, 100*margin)
	}
}

// What a dry run says a copy will cost, it costs. Finding out is cheap, and leaves nothing behind.
func TestADryRunKnowsTheCost(t *testing.T) {
	for name, test := range map[string]struct {
		size   func(n int, random *rand.Rand) int
		margin float64
		flags  []string
	}{
		"uniform":                {func(int, *rand.Rand) int { return 1500 }, 0.15, nil},
		"uniform, strong reads":  {func(int, *rand.Rand) int { return 1500 }, 0.15, []string{"--strong-reads"}},
		"the later, the larger":  {func(n int, _ *rand.Rand) int { return 200 + n*n/800 }, 0.30, nil},
		"many small, some large": {func(_ int, random *rand.Rand) int { return int(300 * math.Exp(1.1*math.Abs(random.NormFloat64()))) }, 0.30, nil},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			documents, random := make([]any, 1500), rand.New(rand.NewPCG(3, 3))
			for n := range documents {
				documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: strings.Repeat("x", test.size(n, random))}}
			}
			insert(t, j.source.Collection("orders"), documents)
			d := startDouble(t, append([]string{"--request-units", "1000", "--physical-partitions", "2"}, test.flags...)...)
			j.through(d)
			plan := j.plan("cost", copyAndVerify)
			dry := j.dryRun(plan)["copy"]
			spent := d.cosmos()
			t.Logf("%.0f RU spent: %s", spent.Charged.Total, strings.Join(dry.Notes, "; "))
			if spent.Charged.Total > 200 || spent.Commands["insert"]+spent.Commands["create"] > 0 {
				t.Errorf("the dry run did too much: %+v", spent)
			}
			if _, err := os.Stat(filepath.Join(j.dir, "state")); !os.IsNotExist(err) {
				t.Errorf("the dry run left a state behind: %v", err)
			}
			if !strings.Contains(strings.Join(dry.Notes, "\n"), "finding out took") {
				t.Errorf("notes: %q", dry.Notes)
			}
			d.change(`{"reset": true}`)
			copied := j.run(0, "--only", "copy", plan).step(t, "copy")
			within(t, "bytes", float64(dry.Bytes), float64(copied.Bytes), test.margin)
			within(t, "request units", dry.RequestUnits, d.cosmos().Charged.Total, test.margin)
			want(t, "documents", dry.Documents, 1500)
			if least := dry.RequestUnits / 1000; dry.Seconds < least || dry.Seconds > 1.1*least {
				t.Errorf("%.1f s for %.0f RU at 1000 RU/s", dry.Seconds, dry.RequestUnits)
			}
		})
	}
}

// A count that was paid for is not paid for again while it is young, and shows its age.
func TestADryRunUsesACountThatWasMade(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(50))
	j.through(startDouble(t))
	steps := copyAndVerify + strings.Replace(copyAndVerify, "name: copy", "name: copy-again", 1)
	steps = steps[:strings.LastIndex(steps, "- name: verify")]
	plan := j.plan("counted", steps)
	j.run(0, "--only", "copy", plan)
	j.run(0, "--only", "verify", plan)
	notes := strings.Join(j.dryRun(plan)["copy-again"].Notes, "\n")
	if !strings.Contains(notes, ".orders had 50 documents when step verify counted them") {
		t.Errorf("notes: %s", notes)
	}
}

// spendsLittle holds what a dry run took against its bound, by the account's own figures, and against what it says.
func (j *job) spendsLittle(d *double, plan string) map[string]dryStep {
	j.t.Helper()
	d.change(`{"reset": true}`)
	o := j.mustVida(0, "run", "--dry-run", "--output", "json", plan)
	charged := d.cosmos()
	var report struct {
		Spent map[string]float64 `json:"request_units_spent"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		j.t.Fatal(err)
	}
	j.t.Logf("%.1f RU spent, %.1f told", charged.Charged.Total, report.Spent["source"])
	if charged.Charged.Total > 200 {
		j.t.Errorf("the dry run took %.0f RU: %+v", charged.Charged.Total, charged.Charged.ByCommand)
	}
	if told := report.Spent["source"]; math.Abs(told-charged.Charged.Total) > 0.05*charged.Charged.Total {
		j.t.Errorf("it says that it took %.1f RU, and %.1f were charged", told, charged.Charged.Total)
	}
	return parseDryRun(j.t, o)
}

// Finding out stays below its bound whatever the documents are like: all large, a large one met by chance, many
// collections, many partitions; and with all the steps of a plan together.
func TestADryRunSpendsLittle(t *testing.T) {
	const everyStep = `
- {name: check, type: check-connections}
- {name: indexes, type: extract-indexes, from: source}
- {name: copy, type: copy, from: source, to: target}
- {name: counts, type: verify-counts, from: source, to: target}
- {name: compare, type: verify-content, from: source, to: target}
`
	small := func(int) int { return 1500 }
	for name, test := range map[string]struct {
		documents, collections int
		size                   func(n int) int
		flags                  []string
	}{
		"small documents":               {600, 1, small, nil},
		"the first has 1 MB":            {100, 1, func(n int) int { return 1500 + 1_000_000*max(0, 1-n) }, nil},
		"one in ten has 300 KB":         {100, 1, func(n int) int { return 1500 + 300_000*max(0, 1-n%10) }, nil},
		"one in three has 900 KB":       {30, 1, func(n int) int { return 1500 + 900_000*max(0, 1-n%3) }, nil},
		"all have 60 KB, strong reads":  {60, 1, func(int) int { return 60_000 }, []string{"--strong-reads"}},
		"twelve collections":            {20, 12, small, nil},
		"many partitions":               {50, 1, small, []string{"--request-units", "300000"}},
		"more partitions than the rest": {50, 1, small, []string{"--request-units", "1000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			for c := range test.collections {
				documents := make([]any, test.documents)
				for n := range documents {
					documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: strings.Repeat("x", test.size(n))}}
				}
				insert(t, j.source.Collection(fmt.Sprintf("orders%d", c)), documents)
			}
			d := startDouble(t, append([]string{"--physical-partitions", "2"}, test.flags...)...)
			if strings.Contains(name, "partitions") {
				d = startDouble(t, test.flags...)
			}
			j.through(d)
			dry := j.spendsLittle(d, j.plan("little", everyStep))
			t.Log(strings.Join(dry["copy"].Notes, "\n"))
			want(t, "documents", dry["copy"].Documents, int64(test.documents*test.collections))
		})
	}
}

// Of documents that are too dear to look at, metadata tells.
func TestADryRunOfLargeDocuments(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	d := nullDouble(t, "--documents", "200", "--document-bytes", "2000000", "--physical-partitions", "2")
	j.onNull(d)
	dry := j.spendsLittle(d, j.plan("large", copyServiceOrders))["copy"]
	within(t, "bytes", float64(dry.Bytes), 200*2_000_000, 0.01)
	within(t, "request units", dry.RequestUnits, 200*2_000_000/1024, 0.05)
	contains(t, "notes", strings.Join(dry.Notes, "\n"), "one document may cost 1953 RU, so hardly any was looked at: sizes are by metadata")
}

// What a query or a filter leaves out is not paid for, and not in the estimate.
func TestADryRunKnowsWhatAQueryLeavesOut(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	documents, random := make([]any, 3000), rand.New(rand.NewPCG(3, 3))
	for n := range documents {
		status, size := "open", 500
		if random.Float64() < 0.3 {
			status, size = "completed", 2000
		}
		documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "status", Value: status}, {Key: "fill", Value: strings.Repeat("x", size)}}
	}
	insert(t, j.source.Collection("orders"), documents)
	d := startDouble(t, "--request-units", "2000", "--physical-partitions", "2")
	j.through(d)
	for name, condition := range map[string]string{"query": "query: {status: completed}", "filter": `filter: doc.status == "completed"`, "nothing": "query: {status: lost}"} {
		plan := j.plan(name, `
- name: copy
  type: copy
  from: source
  to: target
  collections: [{from: orders, to: `+name+`}]
  `+condition+`
`)
		dry := j.spendsLittle(d, plan)["copy"]
		notes := strings.Join(dry.Notes, "\n")
		t.Log(notes)
		if name == "nothing" {
			contains(t, "notes", notes, "none matches")
			if dry.Documents > 30 {
				t.Errorf("%d documents are expected of none", dry.Documents)
			}
			continue
		}
		contains(t, "notes", notes, "documents and bytes are estimates from that")
		d.change(`{"reset": true}`)
		copied := j.run(0, plan).step(t, "copy")
		within(t, "documents", float64(dry.Documents), float64(copied.Read), 0.3)
		within(t, "bytes", float64(dry.Bytes), float64(copied.Bytes), 0.3)
		within(t, "request units", dry.RequestUnits, d.cosmos().Charged.Total, 0.3)
	}
}

// Comparing the documents reads them all once more.
func TestADryRunKnowsTheCostOfComparing(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	documents := make([]any, 3000)
	for n := range documents {
		documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: strings.Repeat("x", 1500)}}
	}
	insert(t, j.source.Collection("orders"), documents)
	d := startDouble(t, "--request-units", "4000", "--physical-partitions", "2")
	j.through(d)
	plan := j.plan("comparing", copyAndVerify[:strings.Index(copyAndVerify, "- name: verify")]+`
	- name: compare
	  type: verify-content
	  from: source
	  to: target
	  collections: [orders]
	`)
	dry := j.spendsLittle(d, plan)
	within(t, "bytes", float64(dry["compare"].Bytes), float64(dry["copy"].Bytes), 0.001) // found out once, used twice
	j.run(0, "--only", "copy", plan)
	d.change(`{"reset": true}`)
	compared := j.run(0, "--only", "compare", plan).step(t, "compare")
	within(t, "documents", float64(dry["compare"].Documents), float64(compared.Read), 0.01)
	within(t, "request units", dry["compare"].RequestUnits, d.cosmos().Charged.Total, 0.15)
	if least := dry["compare"].RequestUnits / 4000; dry["compare"].Seconds < least || dry["compare"].Seconds > 1.1*least {
		t.Errorf("%.1f s for %.0f RU at 4000 RU/s", dry["compare"].Seconds, dry["compare"].RequestUnits)
	}
	contains(t, "notes", strings.Join(dry["compare"].Notes, "\n"), "reading every document of source once")
}
