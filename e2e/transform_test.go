package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

const transformingCopy = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	  filter: doc.total_amount > 100 && doc.vehicle.model startsWith "XC" && lower(doc.status) != "cancelled"
	  set: {migrated_at: 'date("2026-01-01")', "customer.email": 'hash(lower(doc.customer.email))', "audit.copied_from": '"cosmos"', quantity: doc.quantity + 1}
	  unset: [internal_notes, customer.phone, items.cost]
`

const verifyTransformed = `
	- name: counts
	  type: verify-counts
	  from: source
	  to: target
	  collections: [orders]
	  filter: doc.total_amount > 100 && doc.vehicle.model startsWith "XC" && lower(doc.status) != "cancelled"
`

// saleOrder is a document of the source, and what the copy has to make of it: nil where it is left out. The latter
// is written here once more, by other means.
func saleOrder(n int) (before, after bson.D) {
	model, status := []string{"XC40", "XC90", "V60", "xc60", "EX30"}[n%5], []string{"completed", "Cancelled", "pending"}[n%3]
	var amount any
	passes := true
	switch n % 7 {
	case 0:
		amount = int32(50 + n)
		passes = 50+n > 100
	case 1:
		amount = int64(99 + n%3)
		passes = 99+n%3 > 100
	case 2:
		amount = 100.5
	case 3:
		amount = nil
		passes = false
	case 4:
		amount = "250"
		passes = false
	case 5:
		amount = bson.A{500, 600}
		passes = false
	default:
		amount = 1e6
	}
	email := fmt.Sprintf("Customer%d@Example.se", n)
	order := func(customer bson.D, more ...bson.E) bson.D {
		d := bson.D{{Key: "_id", Value: n}, {Key: "status", Value: status}, {Key: "customer", Value: customer}, {Key: "vehicle", Value: bson.D{{Key: "model", Value: model}}}}
		return append(d, more...)
	}
	before = order(bson.D{{Key: "name", Value: "A"}, {Key: "email", Value: email}, {Key: "phone", Value: "+46"}, {Key: "city", Value: "Göteborg"}},
		bson.E{Key: "internal_notes", Value: "secret"}, bson.E{Key: "quantity", Value: int64(n)},
		bson.E{Key: "items", Value: bson.A{bson.D{{Key: "cost", Value: 1.5}, {Key: "price", Value: int32(2)}}, bson.D{{Key: "price", Value: 3.0}}}}, bson.E{Key: "total_amount", Value: amount})
	if !passes || !strings.HasPrefix(model, "XC") || status == "Cancelled" {
		return before, nil
	}
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	after = order(bson.D{{Key: "name", Value: "A"}, {Key: "email", Value: hex.EncodeToString(sum[:])}, {Key: "city", Value: "Göteborg"}},
		bson.E{Key: "quantity", Value: int64(n) + 1},
		bson.E{Key: "items", Value: bson.A{bson.D{{Key: "price", Value: int32(2)}}, bson.D{{Key: "price", Value: 3.0}}}}, bson.E{Key: "total_amount", Value: amount},
		bson.E{Key: "migrated_at", Value: primitive.NewDateTimeFromTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))},
		bson.E{Key: "audit", Value: bson.D{{Key: "copied_from", Value: "cosmos"}}})
	return before, after
}

func TestATransformingCopyByteForByte(t *testing.T) {
	j := newJob(t)
	const documents = 700
	var inserted []any
	want := map[string]string{}
	for n := range documents {
		before, after := saleOrder(n)
		inserted = append(inserted, before)
		if after != nil {
			raw, err := bson.Marshal(after)
			if err != nil {
				t.Fatal(err)
			}
			id := bson.Raw(raw).Lookup("_id")
			want[string(append([]byte{byte(id.Type)}, id.Value...))] = string(raw)
		}
	}
	insert(t, j.source.Collection("orders"), inserted)
	report := j.run(0, j.plan("transform", transformingCopy+verifyTransformed))
	step := report.step(t, "copy")
	step.balanced(t)
	if step.Inserted != int64(len(want)) || step.Filtered == 0 || step.Rejected != 0 || step.Read == documents {
		t.Errorf("%d of %d should arrive, and the source should leave out some of the rest: %+v", len(want), documents, step)
	}
	got := contents(t, j.target.Collection("orders"))
	if len(got) != len(want) {
		t.Errorf("%d documents arrived, want %d", len(got), len(want))
	}
	for id, document := range want {
		if got[id] != document {
			t.Fatalf("got  %s\nwant %s", bson.Raw(got[id]), bson.Raw(document))
		}
	}
	if counts := report.step(t, "counts"); counts.Read != int64(len(want)) || counts.Missing != 0 || counts.Unexpected != 0 {
		t.Errorf("%+v", counts)
	}

	// verify-content makes the same of the source's documents, and finds and mends what is not so in the target.
	content := strings.Replace(strings.Replace(transformingCopy, "name: copy", "name: content", 1), "type: copy", "type: verify-content\n\t  repair: true", 1)
	same := j.run(0, j.plan("content", content)).step(t, "content")
	if same.Read != int64(len(want)) || same.Missing+same.Differing+same.Unexpected != 0 {
		t.Errorf("%+v", same)
	}
	some := bson.Raw("")
	for _, document := range want {
		some = bson.Raw(document)
		break
	}
	ctx, target := context.Background(), j.target.Collection("orders")
	if _, err := target.UpdateOne(ctx, bson.D{{Key: "_id", Value: some.Lookup("_id")}}, bson.D{{Key: "$set", Value: bson.D{{Key: "status", Value: "x"}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := target.InsertOne(ctx, bson.D{{Key: "_id", Value: 3}}); err != nil { // the filter leaves it out
		t.Fatal(err)
	}
	differs := j.run(3, j.plan("content", content), "--restart", "content").step(t, "content")
	if differs.Missing != 0 || differs.Differing != 1 || differs.Unexpected != 1 {
		t.Errorf("%+v", differs)
	}
	if _, err := target.DeleteOne(ctx, bson.D{{Key: "_id", Value: 3}}); err != nil {
		t.Fatal(err)
	}
	if got := contents(t, target); len(got) != len(want) || got[string(append([]byte{byte(some.Lookup("_id").Type)}, some.Lookup("_id").Value...))] != string(some) {
		t.Errorf("repair did not write the document as the copy does")
	}

	// The verification without the filter finds what was left out, and the dry run has said so.
	unlike := strings.SplitN(verifyTransformed, "  filter:", 2)[0]
	plan := j.plan("unlike", transformingCopy+unlike)
	if o := j.mustVida(0, "run", plan, "--dry-run"); !strings.Contains(o.stdout, "step copy copies with another filter than this step compares with") {
		t.Errorf("the dry run says nothing of the verification:\n%s", o.stdout)
	}
	if counts := j.run(3, plan).step(t, "counts"); counts.Missing != documents-int64(len(want)) {
		t.Errorf("%+v", counts)
	}
}

func TestTheDryRunShowsWhatTheSourceEvaluates(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(3))
	o := j.mustVida(0, "run", j.plan("dry", transformingCopy), "--dry-run")
	for _, part := range []string{
		`it sends those that match {"$and":[{"total_amount":{"$gte":100}},{"vehicle.model":{"$gte":"XC","$lt":"XD"}}]}, and each of them is judged here`,
		`only here is judged: lower(doc.status) != "cancelled"`,
	} {
		if !strings.Contains(unwrapped(o.stdout), part) {
			t.Errorf("%q is not in\n%s", part, o.stdout)
		}
	}
	secret := strings.Replace(transformingCopy, "doc.total_amount > 100", `doc.key == "${HUSH}"`, 1)
	o = j.mustVida(0, "run", j.plan("secret", secret), "--dry-run", "--set", "HUSH=hush-word")
	if strings.Contains(o.stdout+o.stderr, "hush-word") || !strings.Contains(unwrapped(o.stdout), "what query is not shown") {
		t.Errorf("%s%s", o.stdout, o.stderr)
	}
}

// unwrapped is a text without the line ends and margins of its layout.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

// A document on which an expression fails is rejected, with its _id and why; the others arrive.
func TestADocumentOnWhichAnExpressionFailsIsRejected(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), []any{
		bson.D{{Key: "_id", Value: 1}, {Key: "customer", Value: bson.D{{Key: "email", Value: "A@x.se"}}}},
		bson.D{{Key: "_id", Value: 2}, {Key: "customer", Value: "Anna"}},
		bson.D{{Key: "_id", Value: 3}, {Key: "customer", Value: bson.D{{Key: "email", Value: 5}}}},
		bson.D{{Key: "_id", Value: 4}},
	})
	plan := j.plan("fails", `
		- name: copy
		  type: copy
		  from: source
		  to: target
		  collections: [orders]
		  set: {"customer.email": lower(doc.customer.email)}
	`)
	step := j.run(3, plan).step(t, "copy")
	step.balanced(t)
	if step.Status != "differences" || step.Inserted != 2 || step.Rejected != 2 {
		t.Errorf("%+v", step)
	}
	o := j.vida("status", plan, "--rejects")
	for _, part := range []string{"set customer.email: customer is a string, not an object", "set customer.email, at character 1: lower takes a string here, not an int"} {
		if !strings.Contains(unwrapped(o.stdout), part) {
			t.Errorf("%q is not in\n%s%s", part, o.stdout, o.stderr)
		}
	}
	got := contents(t, j.target.Collection("orders"))
	for _, d := range []bson.D{
		{{Key: "_id", Value: 1}, {Key: "customer", Value: bson.D{{Key: "email", Value: "a@x.se"}}}},
		{{Key: "_id", Value: 4}, {Key: "customer", Value: bson.D{{Key: "email", Value: nil}}}},
	} {
		raw, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, there := range got {
			found = found || bytes.Equal(raw, []byte(there))
		}
		if !found || len(got) != 2 {
			t.Errorf("%s is not among the %d that arrived", bson.Raw(raw), len(got))
		}
	}
}

func TestAnEditedTransformIsAnotherStep(t *testing.T) {
	j := newJob(t)
	insert(t, j.source.Collection("orders"), numbered(20))
	steps := func(filter, set, unset string) string {
		return j.plan("edited", `
			- name: copy
			  type: copy
			  from: source
			  to: target
			  collections: [orders]
			  filter: `+filter+`
			  set: {note: '`+set+`'}
			  unset: [`+unset+`]
		`)
	}
	j.run(0, steps("doc.n > 3", `"a"`, "x"))
	for name, plan := range map[string]func() string{
		"filter":   func() string { return steps("doc.n > 4", `"a"`, "x") },
		"set.note": func() string { return steps("doc.n > 3", `"b"`, "x") },
		"unset":    func() string { return steps("doc.n > 3", `"a"`, "y") },
	} {
		if o := j.mustVida(4, "run", plan()); !strings.Contains(o.stderr, name) {
			t.Errorf("%s is not named: %s", name, o.stderr)
		}
	}
	step := j.run(0, steps("doc.n > 4", `"a"`, "x"), "--restart", "copy").step(t, "copy")
	step.balanced(t)
	if n, err := j.target.Collection("orders").CountDocuments(context.Background(), bson.D{}); err != nil || n == 0 {
		t.Error(n, err)
	}
}

func TestMistakesOfATransformAreFoundTogether(t *testing.T) {
	j := newJob(t)
	o := j.mustVida(2, "run", j.plan("mistakes", `
		- name: copy
		  type: copy
		  from: source
		  to: target
		  collections: [orders]
		  filter: doc.a > 5 && lowr(doc.b) == "x"
		  set: {a: 'upper(5)', _id: '1', "b.c": doc.x}
		  unset: [b, $c]
	`))
	for _, part := range []string{":12:26: unknown name lowr", `did you mean "lower"?`, ":13:21: cannot use int", "the _id of a document cannot be changed", "set b.c and unset b are about the same field", "unset $c: a name begins with $"} {
		if !strings.Contains(o.stderr+o.stdout, part) {
			t.Errorf("%q is not in\n%s", part, o.stderr+o.stdout)
		}
	}
}
