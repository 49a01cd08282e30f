package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

// rejectList is what vida status --rejects --output json prints.
type rejectList struct {
	Plan        string
	Rejects     []listedDocument
	Conflicts   []listedDocument
	Differences []listedDocument
}

type listedDocument struct {
	Step      string
	Outcome   string
	Namespace string
	ID        json.RawMessage
	Code      int
	Message   string
}

func (j *job) rejects(plan string) rejectList {
	j.t.Helper()
	var l rejectList
	o := j.mustVida(0, "status", plan, "--rejects", "--output", "json")
	if err := json.Unmarshal([]byte(o.stdout), &l); err != nil {
		j.t.Fatalf("%v: %s", err, o.stdout)
	}
	return l
}

// ids is the _ids of documents with an outcome, in their order, as extended JSON.
func ids(list []listedDocument, outcome string) string {
	var texts []string
	for _, d := range list {
		if d.Outcome == outcome {
			texts = append(texts, string(d.ID))
		}
	}
	return strings.Join(texts, " ")
}

func unique(t testing.TB, collection *mongo.Collection, field string) {
	t.Helper()
	if _, err := collection.Indexes().CreateOne(context.Background(), mongo.IndexModel{
		Keys: bson.D{{Key: field, Value: 1}}, Options: options.Index().SetUnique(true).SetName(field),
	}); err != nil {
		t.Fatal(err)
	}
}

const copyOrders = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [{from: orders, to: sales}]
	  on_conflict: %s
	  tuning: {batch_documents: 100, unit_documents: 2000, workers: 2, retry: {for: 20s}}
	- name: verify
	  type: verify-counts
	  from: source
	  to: target
	  collections: [{from: orders, to: sales}]
`

// Documents that a unique index of the target refuses are listed; once it is gone, a retry brings these and nothing
// else, and the books follow.
func TestRejectsAreTriedAgainOnceTheCauseIsMended(t *testing.T) {
	j := newJob(t)
	source, target := j.source.Collection("orders"), j.target.Collection("sales")
	documents := numbered(3000)
	for n := range documents { // every 300th shares its number with the one before
		documents[n] = append(documents[n].(bson.D), bson.E{Key: "number", Value: n - n%300/299})
	}
	insert(t, source, documents)
	unique(t, target, "number")
	plan := j.plan("mended", fmt.Sprintf(copyOrders, "replace"))

	report := j.run(3, plan)
	step := report.step(t, "copy")
	step.balanced(t)
	want(t, "rejected", step.Rejected, 10)
	want(t, "inserted", step.Inserted, 2990)
	want(t, "missing", report.step(t, "verify").Missing, 10)
	first := j.rejects(plan)
	want(t, "listed", int64(len(first.Rejects)), 10)
	for _, r := range first.Rejects {
		if r.Step != "copy" || r.Namespace != j.database+".sales" || r.Code != 11000 || !strings.Contains(string(r.ID), "order-") || r.Message == "" {
			t.Errorf("%+v", r)
		}
	}
	if text := j.mustVida(0, "status", plan, "--rejects").stdout; !strings.Contains(text, "10 rejected documents") || !strings.Contains(text, "11000") {
		t.Errorf("%s", text)
	}
	// The same command again changes nothing and hides nothing.
	j.run(3, plan)

	// Not mended: all of them are rejected again.
	again := j.run(3, plan, "--retry-rejects").step(t, "copy")
	want(t, "rejected again", again.Rejected, 10)
	again.balanced(t)
	want(t, "still listed", int64(len(j.rejects(plan).Rejects)), 10)

	if _, err := target.Indexes().DropOne(context.Background(), "number"); err != nil {
		t.Fatal(err)
	}
	// What was not rejected is not touched: a document deleted meanwhile does not come back.
	if _, err := target.DeleteOne(context.Background(), bson.D{{Key: "_id", Value: "order-000001"}}); err != nil {
		t.Fatal(err)
	}
	preview := j.mustVida(0, "run", plan, "--retry-rejects", "--dry-run").stdout
	if !strings.Contains(preview, "10") {
		t.Errorf("the dry run does not tell how many would be tried:\n%s", preview)
	}
	mended := j.run(0, plan, "--retry-rejects").step(t, "copy")
	mended.balanced(t)
	if mended.Status != "succeeded" || mended.Inserted != 3000 || mended.Rejected != 0 || mended.Read != 3000 {
		t.Errorf("%+v", mended)
	}
	want(t, "listed after it", int64(len(j.rejects(plan).Rejects)), 0)
	want(t, "documents in the target", count(t, target), 2999)
	j.run(0, plan, "--retry-rejects") // nothing left, nothing done
	report = j.run(3, plan)           // the verification runs again, and finds the one deleted
	want(t, "missing", report.step(t, "verify").Missing, 1)
	if s := report.step(t, "copy"); s.Status != "succeeded" || s.Inserted != 3000 {
		t.Errorf("%+v", s)
	}
}

func TestARejectThatIsGoneFromTheSourceIsSaidToBe(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), []any{
		bson.D{{Key: "_id", Value: 1}, {Key: "text", Value: "mine"}}, bson.D{{Key: "_id", Value: 2}, {Key: "text", Value: "mine"}},
	})
	insert(t, j.target.Collection("sales"), []any{
		bson.D{{Key: "_id", Value: 1}, {Key: "text", Value: "other"}}, bson.D{{Key: "_id", Value: 2}, {Key: "text", Value: "other"}},
	})
	plan := j.plan("gone", fmt.Sprintf(copyOrders, "fail"))
	j.run(3, plan, "--only", "copy")
	if got := ids(j.rejects(plan).Rejects, "rejected"); got != `{"$numberInt":"1"} {"$numberInt":"2"}` {
		t.Fatal(got)
	}
	if _, err := j.source.Collection("orders").DeleteOne(context.Background(), bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.target.Collection("sales").DeleteOne(context.Background(), bson.D{{Key: "_id", Value: 2}}); err != nil {
		t.Fatal(err)
	}
	step := j.run(3, plan, "--retry-rejects").step(t, "copy")
	step.balanced(t)
	want(t, "inserted", step.Inserted, 1)
	want(t, "rejected", step.Rejected, 1)
	left := j.rejects(plan).Rejects
	if len(left) != 1 || !strings.Contains(left[0].Message, "no longer has this document") {
		t.Errorf("%+v", left)
	}
}

// Whatever the plan decides about a conflict, the conflict is listed.
func TestEveryConflictIsListed(t *testing.T) {
	for policy, c := range map[string]struct {
		code    int
		outcome string
	}{"fail": {3, "rejected"}, "skip": {0, "skipped"}, "replace": {0, "replaced"}} {
		t.Run(policy, func(t *testing.T) {
			j := newJob(t)
			many := 3000 // in one batch, all of them duplicates
			if j.embedded() {
				many = 300 // each replacement is a scan
			}
			var mine, theirs []any
			for n := range many {
				mine = append(mine, bson.D{{Key: "_id", Value: n}, {Key: "text", Value: "mine"}})
				text := "mine"
				if n%2 == 1 {
					text = "other"
				}
				theirs = append(theirs, bson.D{{Key: "_id", Value: n}, {Key: "text", Value: text}})
			}
			insert(t, j.source.Collection("orders"), mine)
			insert(t, j.target.Collection("sales"), theirs)
			plan := j.plan("conflicts", strings.Replace(fmt.Sprintf(copyOrders, policy), "batch_documents: 100", "batch_documents: 5000", 1))
			step := j.run(c.code, plan, "--only", "copy").step(t, "copy")
			step.balanced(t)
			want(t, "identical", step.Identical, int64(many/2))
			list := j.rejects(plan)
			all := append(list.Rejects, list.Conflicts...)
			want(t, "listed", int64(len(all)), int64(many/2))
			if n := len(strings.Fields(ids(all, c.outcome))); n != many/2 {
				t.Errorf("%d are %s", n, c.outcome)
			}
			replaced := int64(0)
			if policy == "replace" {
				replaced = int64(many / 2)
			}
			n, err := j.target.Collection("sales").CountDocuments(context.Background(), bson.D{{Key: "text", Value: "mine"}})
			if err != nil {
				t.Fatal(err)
			}
			want(t, "documents of the source in the target", n, int64(many/2)+replaced)
		})
	}
}

// A replacement that another unique index refuses is a reject, and the others of its batch are replaced.
func TestAReplacementThatAnotherIndexRefusesIsRejected(t *testing.T) {
	j := newJob(t)
	var mine, theirs []any
	for n := range 50 {
		number := n
		if n == 7 {
			number = 1000 // taken by a document that only the target has
		}
		mine = append(mine, bson.D{{Key: "_id", Value: n}, {Key: "number", Value: number}, {Key: "text", Value: "mine"}})
		theirs = append(theirs, bson.D{{Key: "_id", Value: n}, {Key: "number", Value: n}, {Key: "text", Value: "other"}})
	}
	theirs = append(theirs, bson.D{{Key: "_id", Value: "taken"}, {Key: "number", Value: 1000}})
	insert(t, j.source.Collection("orders"), mine)
	insert(t, j.target.Collection("sales"), theirs)
	unique(t, j.target.Collection("sales"), "number")
	plan := j.plan("refused", fmt.Sprintf(copyOrders, "replace"))
	step := j.run(3, plan, "--only", "copy").step(t, "copy")
	step.balanced(t)
	want(t, "replaced", step.Replaced, 49)
	want(t, "rejected", step.Rejected, 1)
	list := j.rejects(plan)
	if len(list.Rejects) != 1 || string(list.Rejects[0].ID) != `{"$numberInt":"7"}` || list.Rejects[0].Code != 11000 {
		t.Errorf("%+v", list.Rejects)
	}
	want(t, "conflicts", int64(len(list.Conflicts)), 49)
}

// 5 and 5.0 are one _id to a server, and not one document.
func TestAnIDOfAnotherNumericTypeIsAConflict(t *testing.T) {
	for _, policy := range []string{"fail", "skip", "replace"} {
		t.Run(policy, func(t *testing.T) {
			j := newJob(t)
			insert(t, j.source.Collection("orders"), []any{bson.D{{Key: "_id", Value: int32(5)}}, bson.D{{Key: "_id", Value: 6.5}}})
			insert(t, j.target.Collection("sales"), []any{bson.D{{Key: "_id", Value: 5.0}}, bson.D{{Key: "_id", Value: 6.5}}})
			code := 3
			if policy == "skip" {
				code = 0
			}
			plan := j.plan("five", fmt.Sprintf(copyOrders, policy))
			o := j.vida("run", plan, "--only", "copy", "-o", "json", "--progress", "none")
			step := j.report(o).step(t, "copy")
			step.balanced(t)
			want(t, "identical", step.Identical, 1)
			// Whether a server can replace an _id by another form of it differs; that it did not in silence does not.
			list := j.rejects(plan)
			if o.code != code && policy != "replace" || len(list.Rejects)+len(list.Conflicts) != 1 {
				t.Errorf("exit code %d, listed %+v", o.code, list)
			}
		})
	}
}

// A target that refuses everything does not fill the disk: the step gives up, with every reject in the list. Once the
// cause is mended these are brought, the same command goes on, and nothing is missing.
func TestAStepWithTooManyRejectsGivesUp(t *testing.T) {
	const documents, most, batch, workers = 60_000, 5000, 500, 2
	rules := writeFile(t, t.TempDir()+"/refuse.yaml", `rules: [{command: insert, action: write-errors, error: {code: 121}, documents: {share: 1}}]`)
	n := startNull(t, "--documents", fmt.Sprint(documents), "--document-bytes", "256", "--target-faults", rules)
	j, plan := n.job(fmt.Sprintf("workers: %d, batch_documents: %d, max_rejects: %d", workers, batch, most))
	wire := &double{t: t, variables: n.variables}

	failed := j.run(1, plan).step(t, "copy")
	contains(t, "the error", failed.Error, fmt.Sprintf("more than %d documents were rejected (tuning.max_rejects)", most), "--retry-rejects")
	failed.balanced(t)
	listed := int64(len(j.rejects(plan).Rejects))
	want(t, "listed", listed, failed.Rejected)
	if inFlight := int64(batch * workers * uncoveredBatches); listed <= most || listed > most+inFlight {
		t.Errorf("%d are listed, want %d and at most %d in flight", listed, most, inFlight)
	}
	// Not mended, it goes on to the next one only.
	if again := j.run(1, plan).step(t, "copy"); again.Rejected > listed+batch*workers*uncoveredBatches {
		t.Errorf("%d and then %d are rejected", listed, again.Rejected)
	}
	text := j.mustVida(1, "run", plan, "--progress", "none").stdout
	contains(t, "the summary", text, "documents were rejected. To see which, and why:", "--retry-rejects", "this goes on from there")

	wire.rules("target", "rules: []")
	retried := j.run(0, plan, "--retry-rejects").step(t, "copy")
	want(t, "still rejected", retried.Rejected, 0)
	copied := j.run(0, plan).step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, documents)
	want(t, "inserted", copied.Inserted, documents)
	n.whole(0)
}
