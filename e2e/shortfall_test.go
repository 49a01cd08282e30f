package e2e

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// Every way for a step to fall short ends the run with its code, and the same command does so a second time.
// TestScripts has the ways that are not of a step: the command line, the plan, the state and its lock.
func TestEveryWayToFallShortHasItsCode(t *testing.T) {
	const (
		failed      = 1
		differences = 3
	)
	orders := func(n int) func(*job) {
		return func(j *job) {
			insert(j.t, j.source.Collection("orders"), numbered(n))
			insert(j.t, j.target.Collection("orders"), numbered(30))
		}
	}
	another := bson.D{{Key: "_id", Value: "order-000007"}, {Key: "n", Value: -7}}
	copying := `- {name: step, type: copy, from: source, to: target, collections: [orders]}`
	for name, c := range map[string]struct {
		prepare func(*job)
		steps   string
		args    []string
		code    int
		status  string // of the step called "step"
		says    string // its error or notes
		again   bool   // the same command ends otherwise a second time
	}{
		"check-connections: nobody answers": {steps: `- {name: step, type: check-connections, connections: [gone]}`, code: failed, status: "failed", says: "connection gone"},
		"extract-indexes: no collection":    {steps: `- {name: step, type: extract-indexes, from: source, collections: [orders]}`, code: failed, status: "failed", says: "does not exist"},
		"generate: the collection is not empty": {prepare: orders(30), code: failed, status: "failed", says: "is not empty",
			steps: `- {name: step, type: generate, to: source, collection: orders, documents: 10}`},
		"generate: an order is there and differs": {code: differences, status: "differences",
			prepare: func(j *job) {
				j.run(0, j.plan("first", `- {name: first, type: generate, to: source, collection: orders, documents: 10}`))
				if _, err := j.source.Collection("orders").UpdateOne(context.Background(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "touched", Value: 1}}}}); err != nil {
					j.t.Fatal(err)
				}
			},
			steps: `- {name: step, type: generate, to: source, collection: orders, documents: 10, append: true}`},
		"copy: no collection": {steps: copying, code: failed, status: "failed", says: "does not exist"},
		"copy: no collection that a pattern selects": {prepare: orders(30), code: failed, status: "failed", says: "is selected by ordres-*, sales-*",
			steps: `- {name: step, type: copy, from: source, to: target, collections: ["ordres-*", "sales-*"]}`},
		"copy: none but those excluded": {prepare: orders(30), code: failed, status: "failed", says: "not excluded",
			steps: `- {name: step, type: copy, from: source, to: target, exclude: ["o*"]}`},
		"copy: a document is there and differs": {code: differences, status: "differences", steps: copying,
			prepare: func(j *job) { orders(30)(j); put(j.t, j.target.Collection("orders"), another) }},
		"copy: too many rejects": {again: true, code: failed, status: "failed", says: "more than 0 documents were rejected",
			prepare: func(j *job) { orders(30)(j); put(j.t, j.target.Collection("orders"), another) },
			steps:   strings.Replace(copying, "}", ", tuning: {max_rejects: 0, batch_documents: 10}}", 1)},
		"copy: rejected again": {code: differences, status: "differences", args: []string{"--retry-rejects"}, steps: copying,
			prepare: func(j *job) {
				orders(30)(j)
				put(j.t, j.target.Collection("orders"), another)
				j.run(differences, j.plan("shortfall", copying))
			}},
		"verify-counts: fewer": {prepare: orders(31), code: differences, status: "differences", says: "DIFFERENT",
			steps: `- {name: step, type: verify-counts, from: source, to: target, collections: [orders]}`},
		"verify-counts: more": {prepare: orders(29), code: differences, status: "differences", says: "DIFFERENT",
			steps: `- {name: step, type: verify-counts, from: source, to: target, collections: [orders], count: estimated}`},
		"verify-counts: a collection that neither side has": {prepare: orders(30), code: failed, status: "failed", says: "ordres does not exist",
			steps: `- {name: step, type: verify-counts, from: source, to: target, collections: [ordres]}`},
		"verify-counts: no collection that a pattern selects": {prepare: orders(30), code: failed, status: "failed", says: "is selected by ordres-*",
			steps: `- {name: step, type: verify-counts, from: source, to: target, collections: ["ordres-*"]}`},
		"verify-counts: one that only the target has": {prepare: func(j *job) { insert(j.t, j.target.Collection("orders"), numbered(3)) }, code: differences, status: "differences",
			steps: `- {name: step, type: verify-counts, from: source, to: target, collections: [orders]}`},
		"verify-content: fewer": {prepare: orders(31), code: differences, status: "differences",
			steps: `- {name: step, type: verify-content, from: source, to: target, collections: [orders]}`},
		"verify-content: a sample": {prepare: func(j *job) { insert(j.t, j.source.Collection("orders"), numbered(30)) }, code: differences, status: "differences",
			steps: `- {name: step, type: verify-content, from: source, to: target, collections: [orders], sample: 50%}`},
		"verify-content: mended but for what only the target has": {prepare: orders(29), code: differences, status: "differences",
			steps: `- {name: step, type: verify-content, from: source, to: target, collections: [orders], repair: true}`},
		"verify-content: no collection that a pattern selects": {prepare: orders(30), code: failed, status: "failed", says: "is selected by ordres-*",
			steps: `- {name: step, type: verify-content, from: source, to: target, collections: ["ordres-*"]}`},
		"create-indexes: duplicates": {code: failed, status: "failed", says: "1 of 1 indexes could not be created", prepare: twoAlike,
			steps: `- {name: step, type: create-indexes, to: target, file: indexes.yaml}`},
		"create-indexes: duplicates, and on with it": {code: failed, status: "failed", says: "1 of 1 indexes could not be created",
			prepare: func(j *job) { twoAlike(j); insert(j.t, j.source.Collection("orders"), numbered(3)) },
			steps: `
				- {name: step, type: create-indexes, to: target, file: indexes.yaml, on_error: continue}
				- {name: after, type: verify-counts, from: source, to: source, collections: [orders]}
			`},
		"create-indexes: no file": {code: failed, status: "failed", says: "indexes.yaml", steps: `- {name: step, type: create-indexes, to: target, file: indexes.yaml}`},
		"verify-indexes: one is missing": {code: differences, status: "differences", says: "MISSING", prepare: func(j *job) {
			orders(30)(j)
			createIndexes(j.t, j.source.Collection("orders"), plainIndexes[0])
		}, steps: `- {name: step, type: verify-indexes, from: source, to: target, collections: [orders]}`},
		"a condition that has no value": {prepare: orders(30), code: failed, status: "failed", says: "int",
			steps: `- {name: step, type: verify-counts, when: int(env.COSMOS_DB_NAME) > 0, from: source, to: target, collections: [orders]}`},
		"a condition that has no value, and on with it": {prepare: orders(30), code: failed, status: "failed", says: "int",
			steps: `
				- {name: step, type: verify-counts, when: int(env.COSMOS_DB_NAME) > 0, on_error: continue, from: source, to: target, collections: [orders]}
				- {name: after, type: verify-counts, from: source, to: target, collections: [orders]}
			`},
		"a failure after a difference": {prepare: orders(31), code: failed, status: "differences", says: "DIFFERENT",
			steps: `
				- {name: step, type: verify-counts, from: source, to: target, collections: [orders]}
				- {name: after, type: copy, from: source, to: target, collections: [nowhere]}
			`},
		"a difference before a success": {prepare: orders(31), code: differences, status: "differences", says: "DIFFERENT",
			steps: `
				- {name: step, type: verify-counts, from: source, to: target, collections: [orders]}
				- {name: after, type: verify-counts, from: source, to: source, collections: [orders]}
			`},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			if c.prepare != nil {
				c.prepare(j)
			}
			gone := "  gone: {uri: \"mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200\", database: a}\n"
			plan := j.planWith("shortfall", gone, c.steps)
			for run := range 2 {
				if run > 0 && c.again {
					break
				}
				report := j.run(c.code, append([]string{plan}, c.args...)...)
				step := report.step(t, "step")
				if wanted := map[int]string{failed: "failed", differences: "differences"}[c.code]; report.Status != wanted {
					t.Errorf("the run ended as %s, want %s", report.Status, wanted)
				}
				if step.Status != c.status || !strings.Contains(step.Error+step.notes(), c.says) {
					t.Errorf("want %s, %q: %+v", c.status, c.says, step)
				}
			}
		})
	}
}

// twoAlike has the target keep a unique index from being created.
func twoAlike(j *job) {
	insert(j.t, j.target.Collection("orders"), []any{bson.D{{Key: "_id", Value: 1}, {Key: "number", Value: 7}}, bson.D{{Key: "_id", Value: 2}, {Key: "number", Value: 7}}})
	j.file("indexes.yaml", "version: 1\ncollections: {orders: [{key: {number: 1}, unique: true}]}\n")
}

// An interrupt ends every command with its code, and leaves no state that was not there.
func TestAnInterruptedDryRunHasItsCode(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	d.rules("source", "rules: [{command: listCollections, action: no-reply}]")
	r := j.start("run", j.planWith("dry", "tuning: {reply_timeout: 10m}\n", slowCopy), "--dry-run")
	waitFor(t, func() bool { return d.fired("source") > 0 })
	r.signal(syscall.SIGTERM)
	if o := r.wait(); o.code != 130 {
		t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}
