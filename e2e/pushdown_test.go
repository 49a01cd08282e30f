package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"vida/plans/expression"
)

// The part of a filter that goes to the source must let every document through that the filter keeps, and every one
// on which it fails, for that is rejected. Random documents of every type, nested and in arrays, and random filters,
// against the engine at hand. VIDA_TEST_ROUNDS asks for more rounds.
func TestPushdownLosesNoDocument(t *testing.T) {
	rounds := 2
	if n, err := strconv.Atoi(os.Getenv("VIDA_TEST_ROUNDS")); err == nil {
		rounds = n
	}
	j := newJob(t)
	pool := scalars(t)
	if j.embedded() {
		pool = embeddedScalars()
	}
	for round := range rounds {
		t.Run(fmt.Sprint("seed=", round), func(t *testing.T) {
			g := &randomFilters{rand: rand.New(rand.NewPCG(uint64(round), 7)), pool: pool, nested: !j.embedded()}
			collection := j.source.Collection(fmt.Sprint("random", round))
			documents := make([]bson.Raw, 400)
			inserted := make([]any, len(documents))
			for n := range documents {
				documents[n] = g.document(t, n)
				inserted[n] = documents[n]
			}
			insert(t, collection, inserted)
			spared, asked := 0, 0
			for range 250 {
				filter := g.filter(3)
				transform, err := expression.CompileTransform(filter, nil, nil)
				if err != nil {
					t.Fatalf("%s: %v", filter, err)
				}
				if transform.Pushdown == nil {
					continue
				}
				sent := idsOf(t, collection, transform.Pushdown)
				asked += len(documents)
				spared += len(documents) - len(sent)
				w := transform.NewWorker()
				for n, document := range documents {
					_, keep, err := w.Apply(document)
					if (keep || err != nil) && !sent[n] {
						t.Fatalf("lost\n filter   %s\n pushdown %s\n document %s\n keep %v, %v", filter, transform.Pushdown, document, keep, err)
					}
				}
			}
			t.Logf("the source spared %d of %d", spared, asked)
			if asked == 0 || spared*5 < asked {
				t.Errorf("hardly anything is pushed down: the source spared %d of %d", spared, asked)
			}
		})
	}
}

func idsOf(t *testing.T, collection *mongo.Collection, query bson.Raw) map[int]bool {
	t.Helper()
	ctx := context.Background()
	cursor, err := collection.Find(ctx, query, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}).SetBatchSize(1000))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = cursor.Close(ctx) }()
	ids := map[int]bool{}
	for cursor.Next(ctx) {
		ids[int(cursor.Current.Lookup("_id").AsInt64())] = true
	}
	if err := cursor.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return ids
}

// scalar is a value, and how an expression writes it where it can.
type scalar struct {
	value any
	text  string
}

func embeddedScalars() []scalar {
	id, _ := primitive.ObjectIDFromHex("65a000000000000000000001")
	return []scalar{
		{nil, "null"}, {true, "true"}, {false, "false"},
		{int32(5), "5"}, {int64(5), "long(5)"}, {5.0, "5.0"}, {int32(-1), "-1"}, {0.0, "0"}, {math.Copysign(0, -1), "-0.0"}, {0.1, "0.1"}, {4.999, "4.999"}, {5.5, "5.5"},
		{int64(1) << 53, "9007199254740992"}, {int64(1)<<53 + 1, "9007199254740993"}, {float64(1 << 53), "9007199254740992.0"}, {1e300, "1e300"}, {int64(math.MaxInt64), ""},
		{"", `""`}, {"x", `"x"`}, {"XC90", `"XC90"`}, {"XC", `"XC"`}, {"xc", `"xc"`}, {"XD", `"XD"`}, {"Å", `"Å"`}, {"a.b", `"a.b"`}, {"XC\n", `"XC\n"`}, {"5", `"5"`}, {"~", `"~"`}, {"\U0001F697", `"🚗"`}, {"\uffee", ""},
		{primitive.DateTime(1767225600000), `date("2026-01-01")`}, {primitive.DateTime(-5), `date(-5)`}, {id, `objectId("65a000000000000000000001")`}, {primitive.ObjectID{}, ""},
		{primitive.Binary{Subtype: 4, Data: bytes.Repeat([]byte{1}, 16)}, `uuid("01010101-0101-0101-0101-010101010101")`}, {primitive.Binary{Data: []byte("x")}, ""},
	}
}

func scalars(t *testing.T) []scalar {
	return append(embeddedScalars(),
		scalar{decimal(t, "5"), `decimal("5")`}, scalar{decimal(t, "5.00"), `decimal("5.00")`}, scalar{decimal(t, "0.1"), `decimal("0.1")`}, scalar{decimal(t, "5.0000000000000000000000000000001"), `decimal("5.0000000000000000000000000000001")`},
		scalar{decimal(t, "4.999"), ""}, scalar{decimal(t, "9007199254740993"), `decimal("9007199254740993")`}, scalar{decimal(t, "-1E+6000"), `decimal("-1E+6000")`}, scalar{decimal(t, "NaN"), ""}, scalar{decimal(t, "Infinity"), ""},
		scalar{math.NaN(), `double("NaN")`}, scalar{math.Inf(1), `double("Inf")`}, scalar{math.Inf(-1), ""}, scalar{5e-324, ""},
		scalar{primitive.Symbol("x"), ""}, scalar{primitive.Undefined{}, ""}, scalar{primitive.MinKey{}, ""}, scalar{primitive.MaxKey{}, ""}, scalar{primitive.Timestamp{T: 5, I: 6}, ""},
		scalar{primitive.Regex{Pattern: "x"}, ""}, scalar{primitive.JavaScript("x"), ""}, scalar{primitive.CodeWithScope{Code: "x", Scope: bson.D{}}, ""})
}

// randomFilters makes documents and filters that have something to do with one another.
type randomFilters struct {
	rand   *rand.Rand
	pool   []scalar
	nested bool // arrays in arrays
}

func (g *randomFilters) document(t *testing.T, n int) bson.Raw {
	d := bson.D{{Key: "_id", Value: n}}
	for _, name := range []string{"a", "b", "c"} {
		if g.rand.IntN(8) > 0 {
			d = append(d, bson.E{Key: name, Value: g.value(2)})
		}
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (g *randomFilters) value(depth int) any {
	switch kind := g.rand.IntN(10); {
	case kind < 3 && depth > 0: // an object, one with the name of an element now and then
		d := bson.D{}
		for _, name := range []string{"a", "b", "0"} {
			if g.rand.IntN(3) > 0 {
				d = append(d, bson.E{Key: name, Value: g.value(depth - 1)})
			}
		}
		return d
	case kind < 6 && depth > 0:
		list := bson.A{}
		for range g.rand.IntN(4) {
			v := g.value(depth - 1)
			if _, isArray := v.(bson.A); !isArray || g.nested {
				list = append(list, v)
			}
		}
		return list
	}
	return g.pool[g.rand.IntN(len(g.pool))].value
}

func (g *randomFilters) literal() string {
	for {
		if text := g.pool[g.rand.IntN(len(g.pool))].text; text != "" {
			return text
		}
	}
}

func (g *randomFilters) pick(texts ...string) string { return texts[g.rand.IntN(len(texts))] }

func (g *randomFilters) path() string {
	return g.pick("doc.a", "doc.b", "doc.c", "doc.a.a", "doc.a.b", "doc.b.a.b", `doc.c["0"]`, "doc.none", `doc["a.b"]`)
}

func (g *randomFilters) filter(depth int) string {
	if depth > 0 && g.rand.IntN(3) == 0 {
		return "(" + g.filter(depth-1) + ") " + g.pick("&&", "&&", "||", "and", "or") + " (" + g.filter(depth-1) + ")"
	}
	if depth > 0 && g.rand.IntN(6) == 0 {
		return g.pick("!", "not ") + "(" + g.filter(depth-1) + ")"
	}
	switch g.rand.IntN(10) {
	case 0:
		return g.path()
	case 1:
		list := make([]string, g.rand.IntN(4))
		for n := range list {
			list[n] = g.literal()
		}
		return g.path() + g.pick(" in ", " not in ") + "[" + strings.Join(list, ", ") + "]"
	case 2:
		return g.path() + g.pick(" startsWith ", " startsWith ", " endsWith ", " contains ") + g.pick(`"X"`, `"XC"`, `"x"`, `""`, `"Å"`, `"XÅ"`, `"~"`, `"5"`)
	case 3:
		return "exists(" + g.pick("doc.a", "doc.a.b", "doc.b.a.b", "doc.none", `doc.c["0"]`) + ")"
	case 4: // may fail
		return g.pick(`lower(doc.a) == "x"`, `doc.a + 1 > 5`, `any(doc.b, # == 5)`, `len(doc.c) > 1`)
	case 5, 6:
		return g.path() + g.pick(" == ", " != ") + g.literal()
	}
	for { // what has no order is not compared by it
		if v := g.literal(); v != "null" && v != "true" && v != "false" {
			if g.rand.IntN(4) == 0 {
				return v + g.pick(" < ", " <= ", " > ", " >= ") + g.path()
			}
			return g.path() + g.pick(" < ", " <= ", " > ", " >= ") + v
		}
	}
}
