package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

const copyAndVerify = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	- name: verify
	  type: verify-counts
	  from: source
	  to: target
	  collections: [orders]
`

func decimal(t testing.TB, text string) primitive.Decimal128 {
	t.Helper()
	d, err := primitive.ParseDecimal128(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCopyBringsEveryTypeOfIDByteForByte(t *testing.T) {
	j := newJob(t)
	j.documentDB()
	ids := []any{
		primitive.MinKey{}, nil, math.NaN(), math.Inf(-1), math.Inf(1), int32(-1), int32(0), int64(1) << 60, 0.5, math.MaxFloat64,
		decimal(t, "0.1"), decimal(t, "-9.99E+300"), "", "a", "Å", "order-1", bson.D{},
		bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}, bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}},
		primitive.Binary{Data: []byte{}}, primitive.Binary{Subtype: 3, Data: bytes.Repeat([]byte{1}, 16)},
		primitive.Binary{Subtype: 4, Data: bytes.Repeat([]byte{1}, 16)}, primitive.Binary{Subtype: 0x80, Data: []byte("own")},
		primitive.NewObjectID(), primitive.ObjectID{}, true, false,
		primitive.DateTime(-62135596800000), primitive.DateTime(0), primitive.DateTime(1 << 40),
		primitive.Timestamp{T: 1, I: 2}, primitive.MaxKey{},
	}
	var documents []any
	for n, id := range ids {
		documents = append(documents, bson.D{
			{Key: "_id", Value: id}, {Key: "n", Value: n}, {Key: "nan", Value: math.NaN()}, {Key: "minus_zero", Value: math.Copysign(0, -1)},
			{Key: "nested", Value: bson.A{bson.A{1, 2.0, int64(3)}, bson.D{{Key: "z", Value: 1}, {Key: "a", Value: nil}}}},
			{Key: "decimal", Value: decimal(t, "1.10")}, {Key: "code", Value: primitive.JavaScript("x")}, {Key: "regex", Value: primitive.Regex{Pattern: "^a", Options: "i"}},
		})
	}
	insert(t, j.source.Collection("orders"), documents)
	report := j.run(0, j.plan("ids", copyAndVerify))
	if step := report.step(t, "copy"); step.Read != int64(len(ids)) || step.Inserted != int64(len(ids)) {
		t.Errorf("%+v", step)
	}
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

func TestCopyAgainFindsEverythingIdentical(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(3000))
	plan := j.plan("again", copyAndVerify)
	j.run(0, plan)
	step := j.run(0, plan, "--restart", "copy").step(t, "copy")
	step.balanced(t)
	if step.Read != 3000 || step.Identical != 3000 || step.Inserted != 0 {
		t.Errorf("%+v", step)
	}
}

func numbered(count int) []any {
	documents := make([]any, 0, count)
	for n := range count {
		documents = append(documents, bson.D{{Key: "_id", Value: fmt.Sprintf("order-%06d", n)}, {Key: "n", Value: n}, {Key: "text", Value: "some words to fill the document"}})
	}
	return documents
}

func TestConflictsGoByThePlan(t *testing.T) {
	cases := map[string]struct {
		code   int
		check  func(t *testing.T, s finishedStep)
		remain string // text of the conflicting document in the target
	}{
		"fail":    {3, func(t *testing.T, s finishedStep) { want(t, "rejected", s.Rejected, 1) }, "another"},
		"skip":    {0, func(t *testing.T, s finishedStep) { want(t, "skipped", s.Skipped, 1) }, "another"},
		"replace": {0, func(t *testing.T, s finishedStep) { want(t, "replaced", s.Replaced, 1) }, "mine"},
	}
	for policy, c := range cases {
		t.Run(policy, func(t *testing.T) {
			j := newJob(t)
			insert(t, j.source.Collection("orders"), []any{
				bson.D{{Key: "_id", Value: 1}, {Key: "text", Value: "same"}},
				bson.D{{Key: "_id", Value: 2}, {Key: "text", Value: "mine"}},
				bson.D{{Key: "_id", Value: 3}, {Key: "text", Value: "new"}},
			})
			insert(t, j.target.Collection("orders"), []any{
				bson.D{{Key: "_id", Value: 1}, {Key: "text", Value: "same"}},
				bson.D{{Key: "_id", Value: 2}, {Key: "text", Value: "another"}},
			})
			step := j.run(c.code, j.plan("conflict", `
				- name: copy
				  type: copy
				  from: source
				  to: target
				  collections: [orders]
				  on_conflict: `+policy)).step(t, "copy")
			step.balanced(t)
			c.check(t, step)
			want(t, "read", step.Read, 3)
			want(t, "identical", step.Identical, 1)
			want(t, "inserted", step.Inserted, 1)
			var there struct{ Text string }
			if err := j.target.Collection("orders").FindOne(context.Background(), bson.D{{Key: "_id", Value: 2}}).Decode(&there); err != nil || there.Text != c.remain {
				t.Errorf("the target has %q, want %q (%v)", there.Text, c.remain, err)
			}
		})
	}
}

func want(t testing.TB, what string, got, want int64) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

func TestAnEmptyCollectionArrives(t *testing.T) {
	j := newJob(t)
	ctx := context.Background()
	if err := j.source.CreateCollection(ctx, "orders"); err != nil {
		t.Fatal(err)
	}
	j.run(0, j.plan("empty", copyAndVerify))
	names, err := j.target.ListCollectionNames(ctx, bson.D{})
	if err != nil || len(names) != 1 || names[0] != "orders" {
		t.Errorf("%v, %v", names, err)
	}
}

func TestALargeDocumentAmongSmallOnes(t *testing.T) {
	j := newJob(t)
	documents := numbered(500)
	documents = append(documents, bson.D{{Key: "_id", Value: "large"}, {Key: "fill", Value: bytes.Repeat([]byte("x"), 15<<20)}})
	insert(t, j.source.Collection("orders"), documents)
	report := j.run(0, j.planWith("large", "tuning: {max_memory: 16MiB}\n", copyAndVerify))
	want(t, "inserted", report.step(t, "copy").Inserted, 501)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// What does not fit in a reply is not taken for the end of a range.
func TestDocumentsThatDoNotFitInOneReply(t *testing.T) {
	j := newJob(t)
	documents := numbered(50)
	for n := range 6 {
		id := fmt.Sprintf("order-%06d-large", 7*n+3)
		documents = append(documents, bson.D{{Key: "_id", Value: id}, {Key: "fill", Value: bytes.Repeat([]byte("x"), 6<<20)}})
	}
	insert(t, j.source.Collection("orders"), documents[:50])
	for _, large := range documents[50:] {
		insert(t, j.source.Collection("orders"), []any{large})
	}
	report := j.run(0, j.plan("replies", copyAndVerify+strings.Replace(verifyOrders, "name: verify", "name: verify-content", 1)))
	want(t, "inserted", report.step(t, "copy").Inserted, 56)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

func TestAMissingCollectionIsNamed(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("other"), numbered(1))
	step := j.run(1, j.plan("missing", copyAndVerify)).step(t, "copy")
	if step.Status != "failed" || !bytes.Contains([]byte(step.Error), []byte(j.database+".orders does not exist")) {
		t.Errorf("%+v", step)
	}
}
