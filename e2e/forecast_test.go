package e2e

import (
	"encoding/json"
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
	o := j.mustVida(0, append([]string{"run", "--dry-run", "--output", "json"}, args...)...)
	var report struct {
		Steps []dryStep `json:"steps"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		j.t.Fatalf("%v: %s", err, o.stdout)
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
