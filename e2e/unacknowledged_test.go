package e2e

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

const copyUnacknowledged = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	  tuning: {write_concern: 0, batch_documents: 100, unit_documents: 500, workers: 2, retry: {for: 20s}}
	- name: verify
	  type: verify-content
	  from: source
	  to: target
	  collections: [orders]
`

// With write concern 0 the target may drop what it likes: a batch without a trace, a connection with what is on its
// way. Everything arrives all the same, and nothing is counted that did not.
func TestUnacknowledgedWritesAllArrive(t *testing.T) {
	for name, rules := range map[string]string{
		"nothing dropped":    "",
		"every batch":        "{name: drop, command: insert, unacknowledged: true, action: no-reply}",
		"some batches":       "{name: drop, command: insert, unacknowledged: true, action: no-reply, probability: 0.4}",
		"connections":        "{name: drop, command: insert, unacknowledged: true, action: reset, probability: 0.4}",
		"connections, after": "{name: drop, command: insert, unacknowledged: true, action: reset, applied: true, probability: 0.4}",
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			insert(t, j.source.Collection("orders"), numbered(1500))
			// Some are there already, and one of them is another.
			insert(t, j.target.Collection("orders"), numbered(1500)[700:720])
			d := faulty(t)
			j.through(d)
			if rules != "" {
				d.rules("target", "rules:\n  - "+rules)
			}
			plan := j.plan("cast", copyUnacknowledged)
			report := j.run(0, plan)
			step := report.step(t, "copy")
			step.balanced(t)
			want(t, "read", step.Read, 1500)
			want(t, "identical or inserted", step.Inserted+step.Identical, 1500)
			if rules != "" && d.fired("target") == 0 {
				t.Error("nothing was dropped: are there writes that nobody acknowledges?")
			}
			if strings.HasSuffix(name, "batches") || rules == "" {
				want(t, "identical", step.Identical, 20)
			}
			want(t, "compared", report.step(t, "verify").Read, 1500)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
		})
	}
}

// What an acknowledgement would have told is told: a conflict, and a document that another unique index refuses.
func TestUnacknowledgedWritesHideNothing(t *testing.T) {
	j := newJob(t)
	documents := numbered(300)
	insert(t, j.source.Collection("orders"), documents)
	changed := numbered(300)
	put(t, j.target.Collection("orders"), append(changed[50:51:51][0].(bson.D), bson.E{Key: "more", Value: 1}))
	put(t, j.target.Collection("orders"), bson.D{{Key: "_id", Value: "taken"}, {Key: "n", Value: 70}})
	unique(t, j.target.Collection("orders"), "n")
	step := j.run(3, j.plan("cast", copyUnacknowledged), "--only", "copy").step(t, "copy")
	step.balanced(t)
	want(t, "inserted", step.Inserted, 298)
	want(t, "rejected", step.Rejected, 2)
}

// Killed again and again, the same command goes on.
func TestUnacknowledgedWritesSurviveKills(t *testing.T) {
	j := newJob(t)
	random := seed(t)
	_, target := j.tapped()
	insert(t, j.source.Collection("orders"), numbered(2000))
	plan := j.plan("cast", strings.Replace(copyUnacknowledged, "batch_documents: 100", "batch_documents: 50", 1))
	j.killedToItsEnd(0, target, random, 5, func(kills int64) int64 { return 20 + kills/2 }, "run", plan, "--only", "copy", "--progress", "none")
	step := j.run(0, plan).step(t, "copy")
	step.balanced(t)
	want(t, "read", step.Read, 2000)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}
