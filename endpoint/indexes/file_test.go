package indexes

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

var update = flag.Bool("update", false, "write the golden files")

// definition makes BSON of extended JSON, as a server would list it.
func definition(t testing.TB, text string) bson.Raw {
	t.Helper()
	var raw bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(text), false, &raw); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return raw
}

func listing(t testing.TB, texts ...string) []bson.Raw {
	t.Helper()
	var list []bson.Raw
	for _, text := range texts {
		list = append(list, definition(t, text))
	}
	return list
}

// everyOption is an index of each type with each of its options.
func everyOption(t testing.TB) []bson.Raw {
	return listing(t,
		`{"v": 2, "key": {"_id": 1}, "name": "_id_"}`,
		`{"v": 2, "key": {"b": -1, "a": 1, "c": {"$numberDouble": "1.0"}, "d": {"$numberLong": "1"}}, "name": "types", "unique": true, "hidden": true, "sparse": true}`,
		`{"v": 2, "key": {"p": 1}, "name": "partial", "unique": true, "partialFilterExpression": {"p": {"$gt": {"$numberDouble": "5.0"}, "$type": "string"}, "d": {"$date": "2024-01-02T03:04:05Z"}, "$and": [{"x": {"$exists": true}}, {"y": {"$eq": null}}]}}`,
		`{"v": 2, "key": {"at": 1}, "name": "ttl", "expireAfterSeconds": {"$numberLong": "3600"}}`,
		`{"v": 2, "key": {"n": 1}, "name": "collated", "collation": {"locale": "sv", "caseLevel": false, "caseFirst": "off", "strength": 2, "numericOrdering": true, "alternate": "non-ignorable", "maxVariable": "punct", "normalization": false, "backwards": false, "version": "57.1"}}`,
		`{"v": 2, "key": {"x": 1, "_fts": "text", "_ftsx": 1}, "name": "text", "weights": {"body": 1, "title": 10}, "default_language": "swedish", "language_override": "lang", "textIndexVersion": 3}`,
		`{"v": 2, "key": {"place": "2dsphere"}, "name": "sphere", "2dsphereIndexVersion": 3}`,
		`{"v": 2, "key": {"flat": "2d", "a": 1}, "name": "flat", "bits": 20, "min": {"$numberDouble": "-10.5"}, "max": 10}`,
		`{"v": 2, "key": {"hay": "geoHaystack", "type": 1}, "name": "hay", "bucketSize": {"$numberDouble": "5.0"}}`,
		`{"v": 2, "key": {"$**": 1}, "name": "$**_1", "wildcardProjection": {"a": 1, "b.c": {"$numberDouble": "1.0"}, "_id": 0}}`,
		`{"v": 2, "key": {"h": "hashed"}, "name": "h_hashed", "storageEngine": {"wiredTiger": {"configString": "block_compressor=zlib"}}}`,
	)
}

func TestEveryOptionComesBackFromTheFileByteForByte(t *testing.T) {
	report := Translate(everyOption(t), Source{})
	want := report.Indexes()
	if len(want) != 10 {
		t.Fatalf("%d indexes", len(want))
	}
	written := Write([]string{"a heading"}, []Documented{{Name: "orders", Report: report}})
	collections, mistakes := Parse(written)
	if len(mistakes) > 0 {
		t.Fatalf("%v\n%s", mistakes, written)
	}
	if len(collections) != 1 || collections[0].Name != "orders" {
		t.Fatalf("%+v", collections)
	}
	for n, index := range collections[0].Indexes {
		if !index.Equal(want[n]) {
			t.Errorf("came back as\n%v\nwant\n%v\nfrom\n%s", index.Definition(), want[n].Definition(), written)
		}
	}
	given := map[string]bool{}
	for _, index := range want {
		for _, o := range index.options() {
			given[o.name] = true
		}
	}
	for _, o := range whitelist {
		if !given[o.name] {
			t.Errorf("the test does not cover %s", o.name)
		}
	}
}

func TestEveryTypeOfValueComesBack(t *testing.T) {
	decimal, err := primitive.ParseDecimal128("1.10")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{
		int32(1), int32(-1), int64(1), int64(1 << 40), int64(-1 << 63), 1.0, -1.5, 1e300, 1e21, 1e-7, 0.0, negativeZero(), infinity(), -infinity(), nan(),
		"", "a", "true", "1", "1.0", "null", "~", "yes", " lead", "trail ", "a: b", "# no", "*", "&a", "!x", "%", "@", "`", "'", `"`, `\`, "-", "- a", "2024-01-01",
		"line\nbreak\r\n\ttab", "\x00\x01\x7f\u0085\u2028\ufeff\ufffe", "Å 漢字 😀", "<<", ".inf", "0x10", "$**", "{a}", "[b]", ",", "?", "? x", "=",
		true, false, nil, decimal, primitive.NewObjectID(), primitive.DateTime(0), primitive.DateTime(-1), primitive.DateTime(1 << 50),
		primitive.Binary{Subtype: 4, Data: make([]byte, 16)}, primitive.Binary{Data: []byte("x")}, primitive.Timestamp{T: 1, I: 2},
		primitive.Regex{Pattern: "^a/\"", Options: "im"}, primitive.MinKey{}, primitive.MaxKey{}, primitive.Undefined{}, primitive.Symbol("s"),
		primitive.JavaScript("x"), primitive.CodeWithScope{Code: "x", Scope: bson.D{{Key: "a", Value: 1}}}, primitive.DBPointer{DB: "d"},
		bson.D{}, bson.A{}, bson.D{{Key: "", Value: 1}}, bson.D{{Key: "a", Value: 1}, {Key: "a", Value: 2}}, bson.A{bson.A{1}, bson.D{{Key: "b", Value: bson.A{}}}},
		bson.D{{Key: "$numberLong", Value: "no number"}}, bson.D{{Key: "$date", Value: 1}, {Key: "x", Value: 2}}, bson.D{{Key: "$gt", Value: 1}},
		bson.D{{Key: "$regex", Value: "^a"}, {Key: "$options", Value: "i"}}, bson.D{{Key: "$type", Value: "string"}}, bson.D{{Key: "$bson", Value: "x"}},
		bson.D{{Key: strings.Repeat("k", 2000), Value: 1}}, deep(100), bson.D{{Key: "a\nb: c", Value: 1}}, bson.D{{Key: "1", Value: 1}}, bson.D{{Key: "true", Value: 1}},
	} {
		roundTrip(t, valueOf(value))
	}
}

func deep(levels int) bson.D {
	d := bson.D{{Key: "x", Value: 1}}
	for range levels {
		d = bson.D{{Key: "a", Value: d}}
	}
	return d
}

// roundTrip writes a value as a part of an index file and reads it back.
func roundTrip(t testing.TB, value bson.RawValue) {
	t.Helper()
	filter := valueOf(bson.D{{Key: "v", Value: value}})
	index := newIndex("i", definition(t, `{"a": 1}`), []field{{"partialFilterExpression", filter}})
	file := Write(nil, []Documented{{Name: "c", Report: Report{Entries: []Entry{{Name: "i", Verdict: Kept, Index: &index}}}}})
	collections, mistakes := Parse(file)
	if len(mistakes) > 0 || len(collections) != 1 || len(collections[0].Indexes) != 1 {
		t.Fatalf("%v\n%s", mistakes, file)
	}
	if back := collections[0].Indexes[0]; !back.Equal(index) {
		t.Fatalf("came back as\n%v\nwant\n%v\nfrom\n%s", back.Definition(), index.Definition(), file)
	}
	text, err := index.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back Index
	if err := back.UnmarshalJSON(text); err != nil || !back.Equal(index) {
		t.Fatalf("from JSON came back\n%v\nwant\n%v\n%s %v", back.Definition(), index.Definition(), text, err)
	}
}

func TestTheFileIsStable(t *testing.T) {
	one := Documented{Name: "one", Report: Translate(everyOption(t), Source{})}
	reversed := everyOption(t)
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	two := Documented{Name: "another", Report: Translate(nil, Source{})}
	a := Write(nil, []Documented{one, two})
	b := Write(nil, []Documented{two, {Name: "one", Report: Translate(reversed, Source{})}})
	if !bytes.Equal(a, b) {
		t.Errorf("the order of the listing shows:\n%s\n%s", a, b)
	}
}

// The files under testdata are what operators see.
func TestTheFileOfARealListing(t *testing.T) {
	report := Translate(cosmosListing(t), Source{Cosmos: true})
	golden(t, "testdata/cosmos.yaml", Write([]string{"Indexes of shop on connection source, as create-indexes takes them."}, []Documented{{Name: "serviceorders", Report: report}, {Name: "empty"}}))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has\n%s\ngot\n%s\n(run with -update to accept it)", name, want, got)
	}
}
