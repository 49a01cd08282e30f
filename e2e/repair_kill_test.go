package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// A repair that is killed at any instant: what it had replaced is the same on both sides when it goes on, and it is
// told of all the same, once each.
func TestARepairThatIsKilledTellsWhatItReplaced(t *testing.T) {
	j := newJob(t)
	random := seed(t)
	const documents = 300
	all := numbered(documents)
	insert(t, j.source.Collection("orders"), all)
	insert(t, j.target.Collection("orders"), all)
	differing := map[string]bool{}
	for n := 0; n < documents; n += 3 {
		id := fmt.Sprintf("order-%06d", n)
		put(t, j.target.Collection("orders"), bson.D{{Key: "_id", Value: id}, {Key: "left", Value: n}})
		differing[fmt.Sprintf("%q", id)] = true
	}
	_, target := j.tapped()
	plan := j.plan("repair-killed", `
		- name: verify
		  type: verify-content
		  from: source
		  to: target
		  collections: [orders]
		  repair: true
		  tuning: {batch_documents: 7, unit_documents: 100, workers: 2, retry: {for: 20s}}
	`)
	j.killedToItsEnd(0, target, random, 3, func(kills int64) int64 { return 60 + 3*kills }, "run", plan, "--progress", "none")
	listed := map[string]int{}
	list := j.rejects(plan)
	for _, d := range list.Differences {
		listed[string(d.ID)]++
		if d.Outcome != "repaired" || d.Step != "verify" || !strings.Contains(d.Message, "was: differing") {
			t.Errorf("%+v", d)
		}
	}
	want(t, "about to be replaced", int64(len(list.Conflicts)), 0)
	if got, all := slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(differing)); !slices.Equal(got, all) {
		t.Errorf("%d documents are listed, want %d", len(got), len(all))
	}
	for id, n := range listed {
		want(t, "listed of "+id, int64(n), 1)
	}
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}
