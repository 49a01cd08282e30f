package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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
	ctx := context.Background()
	if err := j.target.CreateCollection(ctx, "orders"); err != nil {
		t.Fatal(err)
	}
	want(t, "missing in an empty one", j.run(3, plan, "--restart", "verify").step(t, "verify").Missing, 30)
	insert(t, j.target.Collection("orders"), numbered(30))
	j.run(0, plan, "--restart", "verify")
	if _, err := j.source.Collection("orders").DeleteMany(ctx, bson.D{}); err != nil {
		t.Fatal(err)
	}
	want(t, "unexpected against an empty one", j.run(3, plan, "--restart", "verify").step(t, "verify").Unexpected, 30)
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

// With random documents, left out, added and changed at random on either side, and with batches that end anywhere, a
// verification finds what there is to find and nothing else, and a repair mends it.
func TestVerifyContentAgainstWhatWasChanged(t *testing.T) {
	j := newJob(t)
	r := seed(t)
	source, target := j.source.Collection("orders"), j.target.Collection("orders")
	ids := func() (all []any) { // in the order of BSON, so that what is left out lies together
		var numbers []float64
		var texts []string
		var objects []any
		for range 150 {
			numbers = append(numbers, float64(r.IntN(1000))/2)
			texts = append(texts, fmt.Sprintf("%x", r.IntN(5000)))
			objects = append(objects, primitive.ObjectID{byte(len(objects)), byte(r.IntN(256))})
		}
		slices.Sort(numbers)
		slices.Sort(texts)
		for _, n := range slices.Compact(numbers) {
			if n == float64(int32(n)) {
				all = append(all, int32(n))
			} else {
				all = append(all, n)
			}
		}
		for _, text := range slices.Compact(texts) {
			all = append(all, text)
		}
		return append(all, objects...)
	}
	for _, batch := range []int{1, 3, 100} {
		t.Run(fmt.Sprintf("batches of %d", batch), func(t *testing.T) {
			if err := errors.Join(source.Drop(context.Background()), target.Drop(context.Background())); err != nil {
				t.Fatal(err)
			}
			var inSource, inTarget []any
			var wanted struct{ read, missing, differing, unexpected int64 }
			gap := 0 // so many are left out next, of the target where it is negative
			for _, _id := range ids() {
				document := bson.D{{Key: "_id", Value: _id}, {Key: "n", Value: r.IntN(1000)}, {Key: "text", Value: "some words"}}
				other := document
				if gap == 0 && r.IntN(40) == 0 {
					gap = r.IntN(30) - 15
				}
				switch {
				case gap < 0:
					gap++
					wanted.missing++
					wanted.read++
					inSource = append(inSource, document)
					continue
				case gap > 0:
					gap--
					wanted.unexpected++
					inTarget = append(inTarget, document)
					continue
				case r.IntN(10) == 0:
					other = bson.D{document[0], document[2], document[1]}
					wanted.differing++
				}
				wanted.read++
				inSource, inTarget = append(inSource, document), append(inTarget, other)
			}
			insert(t, source, inSource)
			insert(t, target, inTarget)
			steps := strings.Replace(verifyOrders, "batch_documents: 500", fmt.Sprintf("batch_documents: %d", batch), 1)
			plan := j.plan(fmt.Sprintf("random-%d", batch), steps)
			step := j.run(3, plan).step(t, "verify")
			want(t, "read", step.Read, wanted.read)
			want(t, "missing", step.Missing, wanted.missing)
			want(t, "differing", step.Differing, wanted.differing)
			want(t, "unexpected", step.Unexpected, wanted.unexpected)
			mending := j.plan(fmt.Sprintf("random-mend-%d", batch), strings.Replace(steps, "collections: [orders]", "collections: [orders]\n\t  repair: true", 1))
			step = j.run(3, mending).step(t, "verify")
			want(t, "repaired", step.Repaired, wanted.missing+wanted.differing)
			step = j.run(3, plan, "--restart", "verify").step(t, "verify")
			want(t, "missing after the repair", step.Missing+step.Differing, 0)
			want(t, "unexpected after the repair", step.Unexpected, wanted.unexpected)
		})
	}
}

// A document that is changed between a repair and the second look at it does not count as repaired.
func TestARepairThatIsUndoneIsNotOne(t *testing.T) {
	j := newJob(t)
	source, target := j.source.Collection("orders"), j.target.Collection("orders")
	insert(t, source, numbered(30))
	insert(t, target, numbered(20))
	through := newTap(t, targetURI)
	inserted, undone := false, false
	through.at(func(_ int64, command string) {
		switch {
		case command == "insert":
			inserted = true
		case command == "find" && inserted && !undone:
			undone = true
			put(t, target, bson.D{{Key: "_id", Value: "order-000025"}, {Key: "n", Value: 25}, {Key: "text", Value: "somebody else's words"}})
			if _, err := target.DeleteOne(context.Background(), bson.D{{Key: "_id", Value: "order-000026"}}); err != nil {
				t.Error(err)
			}
		}
	})
	j.env = append(j.env, "MONGODB_ATLAS_CONNECTION_STRING="+through.uri())
	steps := strings.Replace(verifyOrders, "collections: [orders]", "collections: [orders]\n\t  repair: true", 1)
	plan := j.plan("undone", strings.Replace(steps, "workers: 2", "workers: 1", 1)) // the next find is of the same unit
	step := j.run(3, plan).step(t, "verify")
	want(t, "missing", step.Missing, 10)
	want(t, "repaired", step.Repaired, 8)
	list := j.rejects(plan).Differences
	if got := ids(list, "missing"); got != `"order-000025" "order-000026"` {
		t.Errorf("left are %s", got)
	}
	for _, d := range list {
		if d.Outcome == "missing" && !strings.Contains(d.Message, "could not be repaired") {
			t.Errorf("%+v", d)
		}
	}
	step = j.run(0, plan, "--restart", "verify").step(t, "verify")
	want(t, "missing the second time", step.Missing, 1)
	want(t, "differing the second time", step.Differing, 1)
	want(t, "repaired the second time", step.Repaired, 2)
	sameContents(t, source, target)
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
