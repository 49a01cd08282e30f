package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// faulty stands a proxy that misbehaves before each of the suite's servers, with no rules yet.
func faulty(t testing.TB) *double {
	t.Helper()
	none := writeFile(t, filepath.Join(t.TempDir(), "none.yaml"), "rules: []\n")
	return startDouble(t, "--cosmos=off", "--source-faults", none, "--target-faults", none)
}

const faultyCopy = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
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
`

const faultyTuning = "tuning: {batch_documents: 40, unit_documents: 150, workers: 2, reply_timeout: 700ms, retry: {for: 1m, initial: 10ms, max: 50ms}}\n"

// What can pass does: whatever the wire does for a while, everything arrives, once, and the books balance.
func TestFaultsOfTheWireThatPass(t *testing.T) {
	d := faulty(t)
	// The source is read on by getMore or by find: which of the two depends on the server.
	cases := map[string]struct{ source, target string }{
		"the target resets before it applied a batch": {target: `{command: insert, skip: 1, times: 3, action: reset}`},
		"the target resets after it applied a batch":  {target: `{command: insert, skip: 1, times: 3, action: reset, applied: true}`},
		"the target never answers a batch it did not apply": {
			target: `{command: insert, skip: 1, times: 2, action: no-reply}`},
		"the target never answers a batch it applied": {
			target: `{command: insert, skip: 1, times: 2, action: no-reply, applied: true}`},
		"the target steps down":                     {target: `{command: insert, skip: 1, times: 3, action: error, error: {code: 10107}}`},
		"the target steps down after a batch":       {target: `{command: insert, times: 3, action: error, applied: true, error: {code: 189}}`},
		"the target shuts down":                     {target: `{command: insert, skip: 2, times: 2, action: error, error: {code: 91}}`},
		"the target is interrupted at shutdown":     {target: `{command: insert, times: 2, action: error, applied: true, error: {code: 11600}}`},
		"the target changes its state":              {target: `{command: insert, times: 2, action: error, error: {code: 11602}}`},
		"the target is not primary nor secondary":   {target: `{command: insert, times: 2, action: error, error: {code: 13436}}`},
		"the target does not replicate in time":     {target: `{command: insert, times: 2, action: error, applied: true, error: {code: 64}}`},
		"the target throttles commands":             {target: `{command: insert, times: 6, action: error, error: {code: 16500}}`},
		"the target throttles single writes":        {target: `{command: insert, times: 8, action: write-errors, error: {code: 16500}, documents: {share: 0.5}}`},
		"the target throttles without a RetryAfter": {target: `{command: insert, times: 8, action: write-errors, error: {code: 16500, message: "Error=16500, Details='Insert error.'"}, documents: {share: 0.5}}`},
		"the target times out":                      {target: `{command: insert, times: 4, action: error, error: {code: 50}}`},
		"the target times out after a batch":        {target: `{command: insert, times: 4, action: error, applied: true, error: {code: 50}}`},
		"the target times out in single writes":     {target: `{command: insert, times: 8, action: write-errors, error: {code: 50}, documents: {share: 0.4}}`},
		"the target conflicts in single writes":     {target: `{command: insert, times: 8, action: write-errors, error: {code: 112}, documents: {indexes: [0, 3, 39]}}`},
		"the lookup of duplicates is cut": {
			target: `{command: insert, times: 1, action: reset, applied: true}, {command: find, times: 2, action: reset}, {command: find, times: 1, action: no-reply}`},
		"the source resets a find":             {source: `{command: find, skip: 3, times: 3, action: reset}`},
		"the source resets a getMore":          {source: `{command: getMore, times: 3, action: reset}, {command: find, skip: 4, times: 2, action: reset}`},
		"the source resets after a getMore":    {source: `{command: getMore, times: 3, action: reset, applied: true}, {command: find, skip: 4, times: 2, action: reset, applied: true}`},
		"the source never answers":             {source: `{command: getMore, times: 2, action: no-reply, applied: true}, {command: find, skip: 4, times: 1, action: no-reply}`},
		"the source loses cursors":             {source: `{command: getMore, times: 4, action: error, error: {code: 43}}, {command: find, skip: 4, times: 2, action: error, error: {code: 43}}`},
		"the source throttles":                 {source: `{command: getMore, times: 4, action: error, error: {code: 16500}}, {command: find, skip: 1, times: 3, action: error, error: {code: 16500}}`},
		"the source times out":                 {source: `{command: getMore, times: 4, action: error, error: {code: 50}}, {command: find, skip: 4, times: 2, action: error, error: {code: 50}}`},
		"the source steps down":                {source: `{command: getMore, times: 2, action: error, error: {code: 11602}}, {command: find, skip: 2, times: 2, action: error, error: {code: 13436}}`},
		"the source shuts down":                {source: `{command: getMore, times: 2, action: error, error: {code: 91}}, {command: find, skip: 4, times: 2, action: error, error: {code: 91}}`},
		"listing collections is cut":           {source: `{command: listCollections, times: 2, action: reset}`, target: `{command: create, times: 2, action: reset, applied: true}`},
		"counting is cut":                      {source: `{command: aggregate, times: 2, action: reset}`, target: `{command: aggregate, times: 2, action: error, error: {code: 11600}}`},
		"greetings are cut":                    {source: `{command: buildInfo, times: 2, action: reset}`, target: `{command: ping, times: 2, action: reset}`},
		"the comparison's reads are cut twice": {target: `{command: getMore, times: 2, action: reset}, {command: getMore, times: 2, action: error, error: {code: 43}}, {command: find, skip: 2, times: 2, action: reset}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.through(d)
			insert(t, j.source.Collection("orders"), numbered(400))
			d.rules("source", "seed: 5\nrules: ["+c.source+"]")
			d.rules("target", "seed: 5\nrules: ["+c.target+"]")
			defer d.rules("source", "rules: []")
			defer d.rules("target", "rules: []")
			report := j.run(0, j.planWith("wire", faultyTuning, faultyCopy))
			if c.source != "" && d.fired("source") == 0 || c.target != "" && d.fired("target") == 0 {
				t.Error("a rule did not fire: the test proves nothing")
			}
			copied := report.step(t, "copy")
			copied.balanced(t)
			want(t, "read", copied.Read, 400)
			want(t, "arrived", copied.Inserted+copied.Identical, 400)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
		})
	}
}

// Generating is writing too: an order that arrived without a word is found identical, not doubled.
func TestGeneratingThroughFaults(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	d.rules("source", `rules: [{command: insert, skip: 1, times: 2, action: reset, applied: true}, {command: insert, times: 2, action: no-reply, applied: true},
		{command: insert, times: 5, action: write-errors, error: {code: 16500}, documents: {share: 0.5}}]`)
	report := j.run(0, j.planWith("generated", faultyTuning, `
		- {name: generate, type: generate, to: source, collection: orders, documents: 600, seed: 3}
		`))
	step := report.step(t, "generate")
	step.balanced(t)
	want(t, "generated", step.Read, 600)
	want(t, "there", count(t, j.source.Collection("orders")), 600)
	if step.Identical == 0 {
		t.Error("nothing was found identical: the test proves little")
	}
}

// A document that the target refuses is kept with its reason, and costs no other one its way.
func TestRefusedDocumentsAreKeptAndTheOthersArrive(t *testing.T) {
	d := faulty(t)
	cases := map[string]struct {
		rule     string
		rejected int64
		says     string
	}{
		"too large":    {`{command: insert, action: write-errors, error: {code: 10334}, documents: {field: n, equals: 17}}`, 1, "too large"},
		"invalid name": {`{command: insert, action: write-errors, error: {code: 52, message: "the field name '$bad' is not valid for storage"}, documents: {field: n, equals: 3}}`, 1, "not valid for storage"},
		"a validator":  {`{command: insert, action: write-errors, error: {code: 121}, documents: {field: n, equals: 250}}`, 1, "failed validation"},
		"some of each batch": {`{command: insert, action: write-errors, error: {code: 121}, documents: {indexes: [0, 5]}},
			{command: insert, action: write-errors, error: {code: 16500}, documents: {indexes: [1]}, times: 3}`, 0, "failed validation"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.through(d)
			insert(t, j.source.Collection("orders"), numbered(400))
			d.rules("target", "rules: ["+c.rule+"]")
			defer d.rules("target", "rules: []")
			plan := j.planWith("refused", faultyTuning, strings.Split(faultyCopy, "\t- name: verify")[0])
			copied := j.run(3, plan).step(t, "copy")
			copied.balanced(t)
			want(t, "read", copied.Read, 400)
			if c.rejected > 0 {
				want(t, "rejected", copied.Rejected, c.rejected)
			} else if copied.Rejected < 10 {
				t.Errorf("%d rejected", copied.Rejected)
			}
			want(t, "in the target", count(t, j.target.Collection("orders")), 400-copied.Rejected)
			rejects := j.mustVida(0, "status", plan, "--rejects")
			if n := int64(strings.Count(rejects.stdout, c.says)); n != copied.Rejected {
				t.Errorf("%d of %d rejects say %q:\n%s", n, copied.Rejected, c.says, rejects.stdout)
			}
		})
	}
}

// A target that refuses everything answers with an entry for each document.
func TestThousandsOfRefusalsInOneReply(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	insert(t, j.source.Collection("orders"), numbered(6000))
	message := strings.Repeat("a reason that goes on and on ", 20)
	d.rules("target", fmt.Sprintf(`rules: [{command: insert, action: write-errors, error: {code: 121, message: %q}, documents: {share: 1}}]`, message))
	plan := j.planWith("thousands", "tuning: {batch_documents: 6000, workers: 1}\n", strings.Split(faultyCopy, "\t- name: verify")[0])
	copied := j.run(3, plan).step(t, "copy")
	copied.balanced(t)
	want(t, "rejected", copied.Rejected, 6000)
	want(t, "in the target", count(t, j.target.Collection("orders")), 0)
	listed := j.mustVida(0, "status", plan, "--rejects", "--output", "json")
	want(t, "rejects listed", int64(strings.Count(listed.stdout, "a reason that goes")), 6000*20)
}

// What is wrong for good ends the step at once, with the reason, and nothing is called rejected.
func TestATargetThatRefusesForGood(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	insert(t, j.source.Collection("orders"), numbered(400))
	d.rules("target", `rules: [{command: insert, skip: 2, action: error, error: {code: 13, message: "not authorized on orders to execute command insert"}}]`)
	plan := j.planWith("forbidden", faultyTuning, faultyCopy)
	copied := j.run(1, plan).step(t, "copy")
	if copied.Status != "failed" || !strings.Contains(copied.Error, "not authorized") || !strings.Contains(copied.Error, j.database+".orders") {
		t.Errorf("%+v", copied)
	}
	want(t, "rejected", copied.Rejected, 0)
	d.rules("target", "rules: []")
	j.run(0, plan)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// someThenSlow lets some batches through, and makes the others take so long that a test has all the time to do
// something in the middle, however busy the machine is.
const someThenSlow = `rules: [{command: insert, skip: 6, action: delay, delay: 500ms}]`

// A server that is away for a while is waited for.
func TestAServerThatIsAwayForAWhile(t *testing.T) {
	d := faulty(t)
	for _, side := range []string{"source", "target"} {
		t.Run(side, func(t *testing.T) {
			j := newJob(t)
			j.through(d)
			insert(t, j.source.Collection("orders"), numbered(2000))
			d.rules("target", someThenSlow)
			defer d.rules("target", "rules: []")
			r := j.start("run", j.planWith("away", faultyTuning, faultyCopy), "--output", "json", "--progress", "none")
			waitFor(t, func() bool { return d.fired("target") > 0 })
			d.post(side, "pause")
			arrived := count(t, j.target.Collection("orders"))
			d.rules("target", "rules: []")
			d.post(side, "resume")
			o := r.wait()
			if o.code != 0 {
				t.Fatalf("exit code %d\n%s", o.code, o.stderr)
			}
			if arrived == 2000 {
				t.Error("all had arrived before: the test proves nothing")
			}
			j.report(o).step(t, "copy").balanced(t)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
		})
	}
}

// One that stays away for longer than retry.for ends the run with a message that says so. The same command goes on.
func TestATargetThatStaysAway(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	insert(t, j.source.Collection("orders"), numbered(2000))
	d.rules("target", someThenSlow)
	plan := j.planWith("gone", strings.Replace(faultyTuning, "for: 1m", "for: 1s", 1), faultyCopy)
	j.env = append(j.env, "MONGODB_ATLAS_CONNECTION_STRING="+d.targetURI+"?serverSelectionTimeoutMS=500")
	r := j.start("run", plan, "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return d.fired("target") > 0 })
	d.post("target", "pause")
	o := r.wait()
	d.rules("target", "rules: []")
	if o.code != 1 {
		t.Fatalf("exit code %d\n%s", o.code, o.stderr)
	}
	failed := j.report(o).step(t, "copy")
	for _, part := range []string{"connection target", j.database + ".orders", "no progress for"} {
		if !strings.Contains(failed.Error, part) {
			t.Errorf("does not say %q: %s", part, failed.Error)
		}
	}
	again := j.vida("run", plan, "--progress", "none") // still away
	if again.code != 1 || !strings.Contains(again.stdout+again.stderr, "connection target") {
		t.Errorf("exit code %d\n%s%s", again.code, again.stdout, again.stderr)
	}
	d.post("target", "resume")
	plan = j.planWith("gone", faultyTuning, faultyCopy) // with patience for a busy machine
	copied := j.run(0, plan).step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, 2000)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// A real validator of a real server, where it has them: what it refuses is listed, and brought once it is lifted.
func TestARealValidator(t *testing.T) {
	j := newJob(t)
	ctx, target := context.Background(), j.target.Collection("orders")
	schema := bson.D{{Key: "$jsonSchema", Value: bson.D{{Key: "properties", Value: bson.D{{Key: "n", Value: bson.D{{Key: "maximum", Value: 389}}}}}}}}
	// Not at its creation: the gateway before DocumentDB passes the options of create over.
	if err := j.target.CreateCollection(ctx, "orders"); err != nil {
		t.Fatal(err)
	}
	if err := j.target.RunCommand(ctx, bson.D{{Key: "collMod", Value: "orders"}, {Key: "validator", Value: schema}}).Err(); err != nil {
		t.Skipf("this server has no validators: %v", err)
	}
	if _, err := target.InsertOne(ctx, bson.D{{Key: "_id", Value: "probe"}, {Key: "n", Value: 1000}}); err == nil {
		t.Skip("this server takes a validator and passes it over")
	}
	insert(t, j.source.Collection("orders"), numbered(400))
	plan := j.planWith("validated", faultyTuning, strings.Split(faultyCopy, "\t- name: verify")[0])
	copied := j.run(3, plan).step(t, "copy")
	copied.balanced(t)
	want(t, "rejected", copied.Rejected, 10)
	want(t, "in the target", count(t, target), 390)
	for _, r := range j.rejects(plan).Rejects {
		if r.Code == 0 || !strings.Contains(r.Message, "failed validation") { // 121, but for DocumentDB's own codes
			t.Errorf("%+v", r)
		}
	}
	want(t, "rejected again", j.run(3, plan, "--retry-rejects").step(t, "copy").Rejected, 10)
	if err := j.target.RunCommand(ctx, bson.D{{Key: "collMod", Value: "orders"}, {Key: "validator", Value: bson.D{}}}).Err(); err != nil {
		t.Fatal(err)
	}
	mended := j.run(0, plan, "--retry-rejects").step(t, "copy")
	mended.balanced(t)
	want(t, "inserted", mended.Inserted, 400)
	want(t, "listed", int64(len(j.rejects(plan).Rejects)), 0)
	sameContents(t, j.source.Collection("orders"), target)
}
