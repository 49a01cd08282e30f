package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

const copyTwins = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	  on_conflict: %s
	  tuning: {batch_documents: %d, unit_documents: 100, workers: 2, retry: {for: 20s}}
	- name: verify
	  type: verify-content
	  from: source
	  to: target
	  collections: [orders]
	  repair: true
`

// On a sharded collection two documents may have one _id. The target can hold one of them: whatever the plan says of
// conflicts, both are told of and none replaces the other, also where a batch ends between them.
func TestDocumentsThatShareAnIDAreBothReported(t *testing.T) {
	j := newJob(t)
	const documents = 300
	insert(t, j.source.Collection("orders"), numbered(documents))
	d := startDouble(t, "--request-units", "1000000", "--twin-every", "10")
	j.through(d)
	twins := map[string]int{}
	for id, documents := range j.byID(d) {
		twins[id] = len(documents)
	}
	shared := 0
	for _, n := range twins {
		if n > 1 {
			shared++
		}
	}
	if shared < 10 {
		t.Fatalf("only %d documents have a twin", shared)
	}
	for _, policy := range []string{"fail", "skip", "replace"} {
		for _, batch := range []int{1, 7, 1000} {
			t.Run(fmt.Sprintf("%s, batches of %d", policy, batch), func(t *testing.T) {
				if err := j.target.Drop(context.Background()); err != nil {
					t.Fatal(err)
				}
				plan := j.plan(fmt.Sprintf("twins-%s-%d", policy, batch), fmt.Sprintf(copyTwins, policy, batch))
				step := j.run(3, plan, "--only", "copy").step(t, "copy")
				step.balanced(t)
				want(t, "read", step.Read, int64(documents+shared))
				want(t, "inserted", step.Inserted, documents)
				want(t, "rejected", step.Rejected, int64(shared))
				list := j.rejects(plan)
				for _, r := range list.Rejects {
					if id := strings.Trim(string(r.ID), `"`); twins[id] != 2 || !strings.Contains(r.Message, "2 documents with this _id") {
						t.Errorf("%+v", r)
					}
				}
				want(t, "listed", int64(len(list.Rejects)), int64(shared))
				if batch == 1000 {
					want(t, "their twins", int64(len(list.Conflicts)), int64(shared))
				}
				before := contents(t, j.target.Collection("orders"))

				verified := j.run(3, plan, "--only", "verify").step(t, "verify")
				want(t, "differing", verified.Differing, int64(shared))
				want(t, "missing", verified.Missing, 0)
				want(t, "unexpected", verified.Unexpected, 0)
				again := j.run(3, plan, "--retry-rejects").step(t, "copy")
				again.balanced(t)
				want(t, "rejected again", again.Rejected, int64(shared))
				for id, document := range contents(t, j.target.Collection("orders")) {
					if before[id] != document {
						t.Errorf("%s was replaced", id)
					}
				}
			})
		}
	}
}

// byID is the source's orders as the account shows them: of some _ids there are two.
func (j *job) byID(d *double) map[string][]string {
	j.t.Helper()
	cursor, err := j.throughSource(d).Collection("orders").Find(context.Background(), bson.D{})
	if err != nil {
		j.t.Fatal(err)
	}
	var list []bson.Raw
	if err := cursor.All(context.Background(), &list); err != nil {
		j.t.Fatal(err)
	}
	all := map[string][]string{}
	for _, document := range list {
		id := document.Lookup("_id").StringValue()
		all[id] = append(all[id], string(document))
	}
	return all
}

// Twins, leftovers of an earlier run in the target, and kills at any instant: each document of the source is in the
// target or in the list, each leftover stays or is told to be gone, and no twin ever replaces another. A finished copy
// that is done anew finds it so, and a retry changes nothing as long as the twins are there.
func TestTwinsAndLeftoversUnderKills(t *testing.T) {
	for _, policy := range []string{"fail", "skip", "replace"} {
		t.Run(policy, func(t *testing.T) { twinsUnderKills(t, policy) })
	}
}

func twinsUnderKills(t *testing.T, policy string) {
	j := newJob(t)
	random := seed(t)
	const documents = 240
	insert(t, j.source.Collection("orders"), numbered(documents))
	d := startDouble(t, "--request-units", "1000000", "--twin-every", "8")
	j.through(d)
	target := newTap(t, targetURI)
	j.env = append(j.env, "MONGODB_ATLAS_CONNECTION_STRING="+target.uri())
	source := j.byID(d)

	// In turn: nothing there, the first of two, the second, another document; of those alone, every fifth is there
	// and every eleventh is another.
	leftovers, rejected := map[string]string{}, map[string]int{} // by _id
	decided := 0                                                 // by on_conflict
	read, pairs, singles := int64(0), 0, 0
	for n, id := range sortedKeys(source) {
		same := source[id]
		read += int64(len(same))
		another, err := bson.Marshal(bson.D{{Key: "_id", Value: id}, {Key: "left", Value: n}})
		if err != nil {
			t.Fatal(err)
		}
		if len(same) == 1 {
			switch singles++; {
			case singles%11 == 0:
				leftovers[id] = string(another)
				if policy == "fail" {
					rejected[id] = 1
				} else {
					decided++
				}
			case singles%5 == 0:
				leftovers[id] = same[0]
			}
			continue
		}
		pairs++
		rejected[id] = 1
		switch pairs % 4 {
		case 1:
			leftovers[id] = same[0]
		case 2:
			leftovers[id] = same[1]
		case 3:
			leftovers[id], rejected[id] = string(another), 2
		}
	}
	if pairs < 10 {
		t.Fatalf("only %d documents have a twin", pairs)
	}
	for _, document := range leftovers {
		put(t, j.target.Collection("orders"), bson.Raw(document))
	}
	settled := func() {
		t.Helper()
		there := contents(t, j.target.Collection("orders"))
		want(t, "documents in the target", int64(len(there)), documents)
		for _, document := range there {
			id := bson.Raw(document).Lookup("_id").StringValue()
			left, wasThere := leftovers[id]
			gone := wasThere && policy == "replace" && len(source[id]) == 1
			switch {
			case wasThere && !gone && document != left:
				t.Errorf("%s was there and is another now: %s", id, bson.Raw(document))
			case (!wasThere || gone) && !slices.Contains(source[id], document):
				t.Errorf("%s is no document of the source: %s", id, bson.Raw(document))
			}
		}
	}
	listed := func(list rejectList) {
		t.Helper()
		got := map[string]int{}
		for _, r := range list.Rejects {
			var id string
			if err := json.Unmarshal(r.ID, &id); err != nil {
				t.Fatal(err)
			}
			got[id]++
			if twins := len(source[id]) == 2; twins != strings.Contains(r.Message, "2 documents with this _id") {
				t.Errorf("%s: %s", id, r.Message)
			}
		}
		for id := range source {
			if got[id] != rejected[id] {
				t.Errorf("%s: %d are rejected, want %d of %d", id, got[id], rejected[id], len(source[id]))
			}
		}
	}

	plan := j.plan("twins-killed", fmt.Sprintf(copyTwins, policy, 7))
	t.Logf("%d documents with a twin", pairs)
	j.killedToItsEnd(3, target, random, 5, func(kills int64) int64 { return 14 + kills/3 }, "run", plan, "--only", "copy", "--progress", "none")
	all := int64(0)
	for _, n := range rejected {
		all += int64(n)
	}
	// Each conflict that the plan decided is listed once, also where a kill came between a replacement and its
	// checkpoint.
	for outcome, n := range map[string]int{"skipped": decided, "replaced": decided, "replacing": 0} {
		if outcome == "skipped" && policy != "skip" || outcome == "replaced" && policy != "replace" {
			n = 0
		}
		want(t, outcome, int64(len(strings.Fields(ids(j.rejects(plan).Conflicts, outcome)))), int64(n))
	}
	for _, again := range [][]string{nil, {"--restart", "copy"}, {"--retry-rejects"}} {
		step := j.run(3, append([]string{plan, "--only", "copy"}, again...)...).step(t, "copy")
		step.balanced(t)
		want(t, fmt.Sprint("read ", again), step.Read, read)
		want(t, fmt.Sprint("rejected ", again), step.Rejected, all)
		settled()
		listed(j.rejects(plan))
	}
}

func sortedKeys(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
