package e2e

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// Through a Cosmos DB account that throttles, behind a server that shuts down and connections that break,
// everything arrives, once. Other traffic uses nearly all of the account's throughput until that is raised under way.
func TestThroughADoubleThatThrottlesAndBreaks(t *testing.T) {
	j := newJob(t)
	d := startDouble(t, "--request-units", "400", "--background", "380", "--physical-partitions", "2",
		"--source-faults", j.file("source.yaml", "rules:\n  - {command: find, skip: 2, times: 1, action: error, error: {code: 91}}\n"),
		"--target-faults", j.file("target.yaml", "rules:\n  - {command: insert, skip: 1, times: 2, action: reset, applied: true}\n"))
	j.through(d)
	documents := make([]any, 600)
	for n := range documents {
		documents[n] = bson.D{{Key: "_id", Value: n}, {Key: "fill", Value: make([]byte, 1000)}}
	}
	insert(t, j.source.Collection("orders"), documents)
	plan := j.plan("double", `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	  tuning: {batch_documents: 100, unit_documents: 300, workers: 4}
	`)
	command := j.command("run", plan, "--output", "json", "--progress", "none")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return d.cosmos().Throttled.Commands > 0 })
	d.change(`{"request_units": 10000}`)
	if err := command.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout.String(), stderr.String())
	}
	copied := j.report(outcome{stdout: stdout.String()}).step(t, "copy")
	copied.balanced(t)
	want(t, "arrived", copied.Inserted+copied.Identical, 600)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
	if s := d.cosmos(); s.Charged.Total < 600 || s.Budget.RequestUnits != 10000 {
		t.Errorf("charged %.0f RU of %.0f RU/s", s.Charged.Total, s.Budget.RequestUnits)
	}
	want(t, "connections cut", int64(d.fired("target")), 2)
	want(t, "finds refused", int64(d.fired("source")), 1)
}
