package e2e

import (
	"context"
	"fmt"
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
	cursor, err := j.throughSource(d).Collection("orders").Find(context.Background(), bson.D{{Key: "twin_shard_key", Value: "another"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = cursor.Close(context.Background())
	all, err := j.throughSource(d).Collection("orders").Find(context.Background(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	for all.Next(context.Background()) {
		twins[all.Current.Lookup("_id").StringValue()]++
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
