package e2e

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// copyByStreams is a copy by change streams in small batches.
const copyByStreams = `
- name: copy
  type: copy
  from: source
  to: target
  collections: [orders]
  read: change-stream
  tuning: {workers: 4, batch_documents: 20, retry: {for: 20s}}
`

// sizeable are documents of about a kilobyte.
func sizeable(from, below int) []any {
	documents := make([]any, 0, below-from)
	for n := from; n < below; n++ {
		documents = append(documents, bson.D{{Key: "_id", Value: fmt.Sprintf("order-%06d", n)}, {Key: "n", Value: n}, {Key: "fill", Value: bytes.Repeat([]byte{byte(n)}, 950)}})
	}
	return documents
}

// A copy by change streams is the source byte for byte, whatever is an _id. The dry run says how it reads; what it
// uses is metered; a second run has nothing to do.
func TestACopyByChangeStreamsIsTheSource(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	documents := sizeable(0, 400)
	for n := range 50 {
		documents = append(documents, bson.D{{Key: "_id", Value: n}, {Key: "a", Value: bson.A{n, "x"}}},
			bson.D{{Key: "_id", Value: bson.D{{Key: "part", Value: n}}}, {Key: "n", Value: int64(n)}})
	}
	insert(t, j.source.Collection("orders"), documents)
	d := startDouble(t, "--request-units", "100000", "--physical-partitions", "3")
	j.through(d)
	plan := j.plan("streams", copyByStreams)
	if o := j.mustVida(0, "run", plan, "--dry-run"); !strings.Contains(o.stdout, "3 change streams, one for each physical partition") {
		t.Errorf("the dry run:\n%s", o.stdout)
	}
	d.change(`{"reset": true}`)
	report := j.run(0, plan)
	metered(t, d, report)
	copied := report.step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, 500)
	want(t, "inserted", copied.Inserted, 500)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
	if notes := copied.notes(); !strings.Contains(notes, "3 change streams; a comparison of the _ids found 0 documents") {
		t.Errorf("notes: %s", notes)
	}
	if asked := d.cosmos().Commands["customAction"]; asked == 0 {
		t.Error("nobody asked for change streams")
	}
}

// What a stream leaves out is found by comparing _ids, copied and told of.
func TestWhatAChangeStreamLeavesOutIsCopied(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	insert(t, j.source.Collection("orders"), sizeable(0, 300))
	d := startDouble(t, "--request-units", "100000", "--physical-partitions", "3", "--stream-gap", "7")
	j.through(d)
	report := j.run(0, j.plan("gaps", "- name: check\n  type: check-connections\n"+copyByStreams))
	if notes := report.step(t, "check").notes(); !strings.Contains(notes, "orders has 3 change streams") {
		t.Errorf("the check says: %s", notes)
	}
	copied := report.step(t, "copy")
	copied.balanced(t)
	want(t, "inserted", copied.Inserted, 300)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
	if notes := copied.notes(); strings.Contains(notes, "found 0 documents") {
		t.Errorf("nothing was left out: %s", notes)
	}
}

// Every type of _id arrives by a stream, and by the comparison where a stream leaves it out.
func TestChangeStreamsBringEveryTypeOfID(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.documentDB()
	documents := mixedDocuments(t, seed(t), 300)
	insert(t, j.source.Collection("orders"), documents)
	d := startDouble(t, "--request-units", "100000", "--physical-partitions", "3", "--stream-gap", "3")
	j.through(d)
	copied := j.run(0, j.plan("types", copyByStreams)).step(t, "copy")
	copied.balanced(t)
	t.Log(copied.notes())
	want(t, "inserted", copied.Inserted, int64(len(documents)))
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// A server that has no change streams is told of before anything is copied, with what to do.
func TestAServerWithoutChangeStreams(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	insert(t, j.source.Collection("orders"), sizeable(0, 10))
	plan := j.plan("without", "- name: check\n  type: check-connections\n"+copyByStreams)
	check := func(t *testing.T, message string) {
		t.Helper()
		for _, part := range []string{"source", j.database + ".orders", "read: ids"} {
			if !strings.Contains(message, part) {
				t.Errorf("%q is not in:\n%s", part, message)
			}
		}
	}
	for name, prepare := range map[string]func(j *job){
		"Cosmos DB without them": func(j *job) { j.through(startDouble(t, "--change-streams=false")) },
		"another server":         func(*job) {},
	} {
		prepare(j)
		t.Log(name)
		o := j.mustVida(1, "run", plan, "--dry-run", "--only", "copy")
		check(t, o.stdout+o.stderr)
		o = j.mustVida(1, "run", plan, "--only", "check", "--progress", "none")
		check(t, o.stdout+o.stderr)
		o = j.mustVida(1, "run", plan, "--only", "copy", "--progress", "none")
		check(t, o.stdout+o.stderr)
		want(t, "copied", count(t, j.target.Collection("orders")), 0)
	}
}

// Killed in the middle of its streams, the copy goes on from the continuations: little is sent twice.
func TestAKilledCopyByChangeStreamsGoesOn(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	const documents, batch, streams = 900, 20, 3
	insert(t, j.source.Collection("orders"), sizeable(0, documents))
	d := startDouble(t, "--request-units", "400", "--physical-partitions", fmt.Sprint(streams))
	target := newTap(t, targetURI)
	j.through(d)
	j.env = append(j.env, "MONGODB_ATLAS_CONNECTION_STRING="+target.uri())
	plan := j.plan("killed", strings.Replace(copyByStreams, "batch_documents: 20", fmt.Sprintf("batch_documents: %d", batch), 1))
	kills := 0
	for ; kills < 3; kills++ {
		start := target.documents("orders")
		if j.killWhen(func() bool { return target.documents("orders") > start+100 }, "run", plan, "--progress", "none") {
			t.Fatal("it ended before it was killed")
		}
		if kills == 0 {
			want(t, "streams open at a time", d.cosmos().Commands["aggregate"], streams)
		}
	}
	d.change(`{"request_units": 100000}`)
	copied := j.run(0, plan).step(t, "copy")
	copied.balanced(t)
	want(t, "arrived", copied.Inserted+copied.Identical, documents)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
	twice := target.documents("orders") - documents
	t.Logf("%d documents were sent twice in %d kills", twice, kills)
	if most := int64(kills * streams * uncoveredBatches * batch); twice > most {
		t.Errorf("%d documents were sent twice, at most %d were in flight", twice, most)
	}
}

// Killed at any instant of its three stages, again and again, the copy goes on: nothing is missing, and each document
// is in the books once.
func TestACopyByChangeStreamsIsKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	random := seed(t)
	const documents = 300
	insert(t, j.source.Collection("orders"), sizeable(0, documents))
	d := startDouble(t, "--request-units", "100000", "--physical-partitions", "3", "--stream-gap", "5")
	target := newTap(t, targetURI)
	j.through(d)
	j.env = append(j.env, "MONGODB_ATLAS_CONNECTION_STRING="+target.uri())
	plan := j.plan("killed", copyByStreams)
	kills := 0
	for ; kills < 40; kills++ {
		if j.interruptAt(0, []*tap{target}, 1+random.Int64N(16+int64(kills)/2), time.Duration(random.Int64N(int64(3*time.Millisecond))),
			func(*running) {}, "run", plan, "--progress", "none") {
			break
		}
	}
	copied := j.run(0, plan).step(t, "copy")
	t.Logf("%d kills: %+v", kills, copied)
	copied.balanced(t)
	want(t, "arrived", copied.Inserted+copied.Identical, documents)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
	if kills < 8 {
		t.Errorf("only %d kills: the test proves little", kills)
	}
}

// A server that refuses every continuation is not asked for ever.
func TestAChangeStreamThatIsNeverGoneOnWith(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	insert(t, j.source.Collection("orders"), sizeable(0, 20))
	d := startDouble(t, "--physical-partitions", "1",
		"--source-faults", j.file("refuse.yaml", "rules:\n  - {command: aggregate, action: error, error: {code: 260}}\n"))
	j.through(d)
	o := j.mustVida(1, "run", j.plan("refused", copyByStreams), "--progress", "none")
	for _, part := range []string{"does not go on with this change stream", "4 times", "read: ids"} {
		if !strings.Contains(o.stdout+o.stderr, part) {
			t.Errorf("%q is not in:\n%s%s", part, o.stdout, o.stderr)
		}
	}
	want(t, "streams opened", int64(d.fired("source")), 4)
}

// While the streams are read, and again when they have been, documents are changed, inserted and deleted. In the end
// the target has them as they are, and what was deleted is told of. The target is unplugged meanwhile, so that the copy
// cannot end before.
func TestDocumentsThatChangeWhileStreamsAreRead(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	const documents = 300
	insert(t, j.source.Collection("orders"), sizeable(0, documents))
	d := startDouble(t, "--request-units", "100000", "--physical-partitions", "3", "--target-faults", j.file("none.yaml", "rules: []\n"))
	j.through(d)
	source, target := j.throughSource(d).Collection("orders"), j.target.Collection("orders")
	ctx := context.Background()
	r := j.start("run", j.plan("changes", strings.Replace(copyByStreams, "for: 20s", "for: 100s", 1)), "--output", "json", "--progress", "none")
	deleted := []string{}
	for round, copied := range []int64{30, documents} {
		waitFor(t, func() bool { return r.hasEnded() || count(t, target) >= copied })
		d.post("target", "pause")
		if r.hasEnded() {
			t.Fatalf("round %d: it ended too early: %s", round, r.stderr.String())
		}
		for n := range 10 {
			id := fmt.Sprintf("order-%06d", 7*n)
			for version := range 2 {
				if _, err := source.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: 10*round + version}}}}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := source.InsertOne(ctx, bson.D{{Key: "_id", Value: fmt.Sprintf("late-%d-%d", round, n)}}); err != nil {
				t.Fatal(err)
			}
		}
		// Some that have been copied, so that they are missed later.
		cursor, err := target.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: "order-000100"}, {Key: "$nin", Value: deleted}}}}, options.Find().SetLimit(3))
		if err != nil {
			t.Fatal(err)
		}
		var there []struct {
			ID string `bson:"_id"`
		}
		if err := cursor.All(ctx, &there); err != nil {
			t.Fatal(err)
		}
		for _, document := range there {
			if _, err := source.DeleteOne(ctx, bson.D{{Key: "_id", Value: document.ID}}); err != nil {
				t.Fatal(err)
			}
			deleted = append(deleted, document.ID)
		}
		d.post("target", "resume")
	}
	copied := r.finish(3).step(t, "copy")
	copied.balanced(t)
	t.Logf("%d deleted: %s", len(deleted), copied.notes())
	want(t, "unexpected", copied.Unexpected, int64(len(deleted)))
	want(t, "rejected", copied.Rejected, 0)
	if copied.Replaced == 0 {
		t.Error("no document was replaced by a newer version")
	}
	path := filepath.Join(j.dir, "changes.yaml")
	if list := j.rejects(path); len(list.Differences) != len(deleted) || len(list.Conflicts) > 0 {
		t.Errorf("%d differences and %d conflicts are listed", len(list.Differences), len(list.Conflicts))
	}
	if o := j.mustVida(0, "status", path, "--rejects", "--output", "json"); strings.Contains(o.stdout, "not_listed") {
		t.Errorf("something is not listed: %s", o.stdout)
	}
	if _, err := target.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: deleted}}}}); err != nil {
		t.Fatal(err)
	}
	sameContents(t, j.source.Collection("orders"), target)
}

// A partition is split on the way. Whether the server goes on with its stream or refuses to, everything arrives.
func TestAPartitionIsSplitWhileStreamsAreRead(t *testing.T) {
	for name, test := range map[string]struct {
		flag  string
		notes []string
		log   string
	}{
		"the server goes on": {"--lose-split-streams=false", []string{"read by 2 change streams"}, "has 5 now"},
		"the server refuses": {"--lose-split-streams", []string{"could not be gone on with"}, "there are 5 now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			insert(t, j.source.Collection("orders"), sizeable(0, 500))
			d := startDouble(t, "--request-units", "300", "--physical-partitions", "2", test.flag)
			j.through(d)
			r := j.start("run", j.plan("split", copyByStreams), "--output", "json", "--progress", "none")
			waitFor(t, func() bool { return count(t, j.target.Collection("orders")) > 50 || r.hasEnded() })
			d.change(`{"physical_partitions": 5, "request_units": 100000}`)
			copied := r.finish(0).step(t, "copy")
			copied.balanced(t)
			want(t, "inserted", copied.Inserted, 500)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
			for _, part := range test.notes {
				if !strings.Contains(copied.notes(), part) {
					t.Errorf("%q is not in: %s", part, copied.notes())
				}
			}
			if !strings.Contains(r.stdout.String(), test.log) {
				t.Errorf("nothing was said of the split:\n%s", r.stdout.String())
			}
		})
	}
}

// Throttled streams answer with empty pages, connections break, and cursors are lost: none of that is an end.
func TestChangeStreamsThatAreInterruptedArriveWhole(t *testing.T) {
	for name, flags := range map[string][]string{
		"throttled":         {"--request-units", "200", "--max-page-bytes", "20000"},
		"cursors are lost":  {"--lose-cursors", "0.3"},
		"connections break": {"--drop-connections", "0.05"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			insert(t, j.source.Collection("orders"), sizeable(0, 500))
			d := startDouble(t, append([]string{"--physical-partitions", "2"}, flags...)...)
			j.through(d)
			plan := j.plan("interrupted", copyByStreams)
			report := j.run(0, j.file("interrupted.yaml", withoutBudget(t, plan)))
			copied := report.step(t, "copy")
			copied.balanced(t)
			want(t, "arrived", copied.Inserted+copied.Identical, 500)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
			t.Logf("throttled %d, retried %d: %s", copied.Throttled, copied.Retries, copied.notes())
			if copied.Retries == 0 {
				t.Error("nothing was interrupted")
			}
			if !strings.Contains(copied.notes(), "found 0 documents") {
				t.Errorf("a stream was taken for read to its end too early: %s", copied.notes())
			}
			if name == "throttled" && copied.Throttled == 0 {
				t.Error("nothing was throttled")
			}
		})
	}
}

// A target that is not empty has documents of others: what differs from them goes by on_conflict, and that the target
// has more is no difference.
func TestChangeStreamsIntoATargetThatIsNotEmpty(t *testing.T) {
	for policy, test := range map[string]struct {
		code    int
		outcome func(finishedStep) int64
		remains bool
	}{
		"fail":    {3, func(s finishedStep) int64 { return s.Rejected }, true},
		"skip":    {0, func(s finishedStep) int64 { return s.Skipped }, true},
		"replace": {0, func(s finishedStep) int64 { return s.Replaced }, false},
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			j := newJob(t)
			insert(t, j.source.Collection("orders"), sizeable(0, 60))
			insert(t, j.target.Collection("orders"), append(sizeable(1000, 1003), bson.D{{Key: "_id", Value: "order-000007"}, {Key: "whose", Value: "another"}}))
			d := startDouble(t, "--request-units", "100000", "--physical-partitions", "2")
			j.through(d)
			copied := j.run(test.code, j.plan("conflicts", copyByStreams+"  on_conflict: "+policy+"\n")).step(t, "copy")
			copied.balanced(t)
			want(t, "inserted", copied.Inserted, 59)
			want(t, policy, test.outcome(copied), 1)
			want(t, "unexpected", copied.Unexpected, 0)
			if !strings.Contains(copied.notes(), "has 3 of its own") {
				t.Errorf("notes: %s", copied.notes())
			}
			n, err := j.target.Collection("orders").CountDocuments(context.Background(), bson.D{{Key: "whose", Value: "another"}})
			if err != nil || n == 1 != test.remains {
				t.Errorf("%d documents of another, %v", n, err)
			}
		})
	}
}

// A filter and changes are applied to what streams bring. What is rejected is listed once, though the comparison of
// _ids misses it again, and so are documents that share their _id.
func TestChangeStreamsWithFilterRejectsAndTwins(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	insert(t, j.source.Collection("orders"), sizeable(0, 200))
	insert(t, j.source.Collection("orders"), []any{bson.D{{Key: "_id", Value: "order-bad"}, {Key: "n", Value: "no number"}}})
	d := startDouble(t, "--request-units", "100000", "--physical-partitions", "2", "--twin-every", "20")
	j.through(d)
	plan := j.plan("filtered", copyByStreams+"  filter: lower(doc._id) == \"order-bad\" || doc.n >= 100\n  set: {twice: doc.n * 2}\n")
	copied := j.run(3, plan).step(t, "copy")
	copied.balanced(t)
	list := j.rejects(plan)
	want(t, "listed", int64(len(list.Rejects)), copied.Rejected)
	ids := map[string]int{}
	for _, r := range list.Rejects {
		ids[string(r.ID)]++
	}
	want(t, "the bad one", int64(ids[`"order-bad"`]), 1)
	if len(ids) < 2 {
		t.Errorf("no twin is listed: %+v", list.Rejects)
	}
	want(t, "inserted", copied.Inserted, 100)
	want(t, "there", count(t, j.target.Collection("orders")), 100)
	want(t, "changed", func() int64 {
		n, err := j.target.Collection("orders").CountDocuments(context.Background(), bson.D{{Key: "n", Value: 150}, {Key: "twice", Value: 300}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}(), 1)
}

// What a copy costs to read either way, all of it: a part for each document, and one for each collection. It is an
// estimate, since what Cosmos DB charges for an event's own fields is not documented; docs/cosmos-db.md has its figures.
func TestWhatACopyCostsEitherWay(t *testing.T) {
	t.Parallel()
	if !newJob(t).embedded() {
		t.Skip("DocumentDB's counts are stale, by which a collection is cut into more ranges than it is worth")
	}
	const fewer, more = 1000, 3000
	cost := func(read string, documents int) float64 {
		j := newJob(t)
		insert(t, j.source.Collection("orders"), sizeable(0, documents))
		d := startDouble(t, "--request-units", "100000", "--physical-partitions", "4")
		j.through(d)
		plan := strings.NewReplacer("read: change-stream", "read: "+read, "batch_documents: 20", "batch_documents: 2000").Replace(copyByStreams)
		path := j.plan("cost", plan)
		dry := j.dryRun(path)["copy"]
		d.change(`{"reset": true}`)
		copied := j.run(0, path).step(t, "copy")
		want(t, "inserted", copied.Inserted, int64(documents))
		s := d.cosmos()
		within(t, "request units by "+read, dry.RequestUnits, s.Charged.Total, 0.15)
		return s.Charged.Total - s.Charged.Metadata
	}
	perDocument, fixed := map[string]float64{}, map[string]float64{}
	for _, read := range []string{"ids", "change-stream"} {
		few, many := cost(read, fewer), cost(read, more)
		perDocument[read] = (many - few) / (more - fewer)
		fixed[read] = few - perDocument[read]*fewer
		t.Logf("read: %s: %.3f RU for each document of 1 KB, and %.0f RU for the collection", read, perDocument[read], fixed[read])
	}
	if dearer := perDocument["change-stream"]/perDocument["ids"] - 1; dearer < 0.2 || dearer > 0.4 {
		t.Errorf("change streams are dearer by %.0f %%, which is not what the documentation says", 100*dearer)
	}
}
