package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
)

const verifyOrders = `
	- name: verify
	  type: verify-content
	  from: source
	  to: target
	  collections: [orders]
	  tuning: {batch_documents: 500, workers: 2, retry: {for: 20s}}
`

// put stores a document as it is in the place of the one with its _id.
func put(t testing.TB, collection *mongo.Collection, document any) {
	t.Helper()
	ctx := context.Background()
	raw, err := bson.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collection.DeleteOne(ctx, bson.D{{Key: "_id", Value: bson.Raw(raw).Lookup("_id")}}); err != nil {
		t.Fatal(err)
	}
	insert(t, collection, []any{bson.Raw(raw)})
}

func TestVerifyContentFindsEveryDifferenceAndMendsIt(t *testing.T) {
	j := newJob(t)
	source, target := j.source.Collection("orders"), j.target.Collection("orders")
	documents := numbered(3000)
	insert(t, source, documents)
	insert(t, target, documents)
	plan := j.plan("verify", verifyOrders)
	step := j.run(0, plan).step(t, "verify")
	want(t, "read", step.Read, 3000)

	id := func(n int) bson.E { return bson.E{Key: "_id", Value: fmt.Sprintf("order-%06d", n)} }
	text := bson.E{Key: "text", Value: "some words to fill the document"}
	number := func(n any) bson.E { return bson.E{Key: "n", Value: n} }
	put(t, target, bson.D{id(0), number(0), {Key: "text", Value: "some words to fill the documenu"}}) // one flipped bit
	put(t, target, bson.D{id(1500), text, number(1500)})                                              // the order of fields
	put(t, target, bson.D{id(1), number(1.0), text})                                                  // 1.0 for 1
	put(t, target, bson.D{id(2), number(int64(2)), text})                                             // another integer
	for _, n := range []int{700, 2999} {
		if _, err := target.DeleteOne(context.Background(), bson.D{id(n)}); err != nil {
			t.Fatal(err)
		}
	}
	insert(t, target, []any{bson.D{{Key: "_id", Value: "order-000700x"}}, bson.D{{Key: "_id", Value: "zzz"}}, bson.D{{Key: "_id", Value: 7}}, bson.D{{Key: "_id", Value: primitive.ObjectID{1}}}})
	differing, missing := int64(4), int64(2)
	if !j.embedded() {
		for n, value := range map[int][2]any{10: {math.NaN(), nil}, 11: {math.Copysign(0, -1), 0.0}, 12: {decimal(t, "1.0"), decimal(t, "1.00")}, 13: {bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}, bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}}}} {
			put(t, source, bson.D{id(n), number(value[0]), text})
			put(t, target, bson.D{id(n), number(value[1]), text})
			differing++
		}
	}
	step = j.run(3, plan, "--restart", "verify").step(t, "verify")
	want(t, "read", step.Read, 3000)
	want(t, "differing", step.Differing, differing)
	want(t, "missing", step.Missing, missing)
	want(t, "unexpected", step.Unexpected, 4)
	list := j.rejects(plan)
	want(t, "rejects", int64(len(list.Rejects)), 0)
	if got := ids(list.Differences, "missing"); sorted(got) != `"order-000700" "order-002999"` {
		t.Errorf("missing %s", got)
	}
	if got := ids(list.Differences, "unexpected"); sorted(got) != `"order-000700x" "zzz" {"$numberInt":"7"} {"$oid":"010000000000000000000000"}` {
		t.Errorf("unexpected %s", got)
	}
	for _, n := range []int{0, 1, 2, 1500} {
		if !strings.Contains(ids(list.Differences, "differing"), fmt.Sprintf(`"order-%06d"`, n)) {
			t.Errorf("order %d is not listed as differing", n)
		}
	}
	if o := j.mustVida(0, "status", plan); !strings.Contains(o.stdout, "--rejects") {
		t.Errorf("the summary does not say where to look:\n%s", o.stdout)
	}

	// Repaired and looked at again; what only the target has stays, and is still a difference.
	mending := j.plan("mend", strings.Replace(verifyOrders, "collections: [orders]", "collections: [orders]\n\t  repair: true", 1))
	step = j.run(3, mending).step(t, "verify")
	mended := differing + missing
	if j.embedded() { // to FerretDB 1, replacing 1.0 by 1 is nothing to do
		mended -= 2
		put(t, target, bson.D{id(1), number(1), text})
		put(t, target, bson.D{id(2), number(2), text})
	}
	want(t, "repaired", step.Repaired, mended)
	want(t, "unexpected", step.Unexpected, 4)
	if _, err := target.DeleteMany(context.Background(), bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{"order-000700x", "zzz", 7, primitive.ObjectID{1}}}}}}); err != nil {
		t.Fatal(err)
	}
	j.run(0, plan, "--restart", "verify")
	sameContents(t, source, target)
}

func sorted(texts string) string {
	list := strings.Fields(texts)
	sort.Strings(list)
	return strings.Join(list, " ")
}

func TestVerifyContentOfCollectionsThatAreNotThere(t *testing.T) {
	j := newJob(t)
	plan := j.plan("neither", verifyOrders)
	if step := j.run(1, plan).step(t, "verify"); !strings.Contains(step.Error, j.database+".orders does not exist") {
		t.Errorf("%+v", step)
	}
	insert(t, j.source.Collection("orders"), numbered(30))
	want(t, "missing", j.run(3, plan).step(t, "verify").Missing, 30)
	insert(t, j.target.Collection("orders"), numbered(30))
	j.run(0, plan, "--restart", "verify")
	if err := j.source.Collection("orders").Drop(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, "unexpected", j.run(3, plan, "--restart", "verify").step(t, "verify").Unexpected, 30)
}

// Types of _id that only the target has are found, whichever side has more.
func TestVerifyContentFindsTypesThatTheSourceLacks(t *testing.T) {
	j := newJob(t)
	j.documentDB()
	source, target := j.source.Collection("orders"), j.target.Collection("orders")
	insert(t, source, numbered(100))
	insert(t, target, numbered(100))
	extra := []any{primitive.MinKey{}, nil, math.NaN(), 5, bson.D{{Key: "a", Value: 1}}, primitive.Binary{Data: []byte{1}}, primitive.NewObjectID(), true, primitive.DateTime(1), primitive.Timestamp{T: 1}, primitive.MaxKey{}}
	for _, id := range extra {
		insert(t, target, []any{bson.D{{Key: "_id", Value: id}}})
	}
	plan := j.plan("types", verifyOrders)
	step := j.run(3, plan).step(t, "verify")
	want(t, "unexpected", step.Unexpected, int64(len(extra)))
	insert(t, source, []any{bson.D{{Key: "_id", Value: -1}}})
	for n := range 200 {
		insert(t, source, []any{bson.D{{Key: "_id", Value: primitive.Binary{Data: bytes.Repeat([]byte{2}, n+1)}}}})
	}
	step = j.run(3, plan, "--restart", "verify").step(t, "verify")
	want(t, "unexpected", step.Unexpected, int64(len(extra)))
	want(t, "missing", step.Missing, 201)
}

// A sample reads its part and no more, and finds what is in it.
func TestASampleIsAsLargeAsAskedFor(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(4000))
	insert(t, j.target.Collection("orders"), numbered(4000))
	sampling := strings.Replace(verifyOrders, "collections: [orders]", "collections: [orders]\n\t  sample: 5%%", 1)
	plan := j.plan("sample", strings.ReplaceAll(sampling, "%%", "%"))
	step := j.run(0, plan).step(t, "verify")
	if step.Read < 150 || step.Read > 400 {
		t.Errorf("%d of 4000 documents were compared, 200 were asked for", step.Read)
	}
	if _, err := j.target.Collection("orders").DeleteOne(context.Background(), bson.D{{Key: "_id", Value: "order-000000"}}); err != nil {
		t.Fatal(err)
	}
	want(t, "missing", j.run(3, plan, "--restart", "verify").step(t, "verify").Missing, 1)
}

// Killed again and again, a verification goes on, and lists each of thousands of differences once: those between two
// documents of the source too, which are stored before the next checkpoint.
func TestAVerificationThatIsKilledListsEachDifferenceOnce(t *testing.T) {
	j := newJob(t)
	j.documentDB() // the embedded engine takes minutes
	const documents, extra = 4000, 7000
	all := numbered(documents)
	insert(t, j.source.Collection("orders"), all)
	var there []any
	for n, d := range all {
		if n%40 != 0 {
			there = append(there, d)
		}
	}
	for n := range extra {
		there = append(there, bson.D{{Key: "_id", Value: fmt.Sprintf("order-000100-%05d", n)}})
	}
	insert(t, j.target.Collection("orders"), there)
	plan := j.plan("killed", verifyOrders)
	kills := 0
	for {
		begun, pause := time.Now(), time.Duration(200+150*kills)*time.Millisecond
		if kills++; kills > 100 {
			t.Fatal("100 kills and no end")
		}
		command := j.command("run", plan, "--progress", "none")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		exited := make(chan struct{})
		go func() { _ = command.Wait(); close(exited) }()
		select {
		case <-exited:
		case <-time.After(pause - time.Since(begun)):
			_ = command.Process.Kill()
			<-exited
		}
		if command.ProcessState.ExitCode() >= 0 {
			want(t, "exit code", int64(command.ProcessState.ExitCode()), 3)
			break
		}
	}
	t.Logf("%d kills", kills-1)
	list := j.rejects(plan)
	listed := map[string]int{}
	for _, d := range list.Differences {
		if listed[d.Outcome+string(d.ID)]++; listed[d.Outcome+string(d.ID)] == 2 {
			t.Errorf("%s is listed twice as %s", d.ID, d.Outcome)
		}
	}
	want(t, "listed", int64(len(list.Differences)), documents/40+extra)
	o := j.mustVida(0, "status", plan, "--output", "json")
	for _, part := range []string{`"read":4000`, `"missing":100`, `"unexpected":7000`} {
		if !strings.Contains(o.stdout, part) {
			t.Errorf("no %s in %s", part, o.stdout)
		}
	}
}
