package expression

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

func raw(t testing.TB, v any) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decimal128(t testing.TB, text string) primitive.Decimal128 {
	t.Helper()
	d, err := primitive.ParseDecimal128(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// order is a document with a value of every kind that the tests ask about.
func orderDocument(t testing.TB) bson.Raw {
	id, _ := primitive.ObjectIDFromHex("65a000000000000000000001")
	return raw(t, bson.D{
		{Key: "_id", Value: 7}, {Key: "i", Value: int32(5)}, {Key: "l", Value: int64(1) << 40}, {Key: "d", Value: 2.5},
		{Key: "dec", Value: decimal128(t, "0.10")}, {Key: "nan", Value: math.NaN()}, {Key: "null", Value: nil},
		{Key: "s", Value: "XC90"}, {Key: "empty", Value: ""}, {Key: "yes", Value: true}, {Key: "no", Value: false},
		{Key: "when", Value: primitive.DateTime(1767225600000)}, {Key: "oid", Value: id},
		{Key: "bin", Value: primitive.Binary{Subtype: 4, Data: bytes.Repeat([]byte{0xab}, 16)}},
		{Key: "customer", Value: bson.D{{Key: "name", Value: "Åsa"}, {Key: "email", Value: "Asa@Example.se"}, {Key: "address", Value: bson.D{{Key: "city", Value: "Göteborg"}}}}},
		{Key: "items", Value: bson.A{bson.D{{Key: "price", Value: 10}, {Key: "name", Value: "oil"}}, bson.D{{Key: "price", Value: 2.5}, {Key: "name", Value: "belt"}}}},
		{Key: "numbers", Value: bson.A{3, int64(1), 2.0}}, {Key: "sym", Value: primitive.Symbol("s")},
		{Key: "undef", Value: primitive.Undefined{}}, {Key: "re", Value: primitive.Regex{Pattern: "a", Options: "i"}}, {Key: "a.b", Value: "dotted"},
	})
}

func filterOf(t testing.TB, text string) *Transform {
	t.Helper()
	transform, err := CompileTransform(text, nil, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return transform
}

func TestFilters(t *testing.T) {
	document := orderDocument(t)
	truths := []string{
		// fields
		`doc.i == 5`, `doc["i"] == 5`, `doc?.i == 5`, `doc.customer.name == "Åsa"`, `doc.customer?.address["city"] == "Göteborg"`, `doc["a.b"] == "dotted"`,
		`doc.items[0].price == 10`, `doc.items[-1].name == "belt"`, `doc.items[7] == null`, `doc.items[7].name == null`, `get(doc, "i") == 5`,
		// missing and null
		`doc.none == null`, `doc.none == nil`, `doc.null == null`, `doc.none.deeper.still == null`, `doc.i.deeper == null`, `doc.items.price == null`,
		`!(doc.none > 5)`, `!(doc.none < 5)`, `doc.none != 5`, `(doc.none ?? 3) == 3`, `!doc.none`, `!exists(doc.none)`, `exists(doc.null)`, `exists(doc.customer.email)`,
		`doc.none == doc.null`, `lower(doc.none) == null`, `(doc.none + 1) == null`, `(lower(doc.none) ?? "x") == "x"`,
		`doc.none == null ? true : false`, `doc.undef != null`, `len(doc.items) == 2`, `len(doc.none) == null`, `!(doc.none startsWith "a")`, `!(doc.none in [1, 2])`, `doc.none in [null]`,
		// types do not mix
		`!(doc.s > 5)`, `!(doc.i < "z")`, `doc.s != 5`, `!doc.i`, `!doc.s`, `doc.yes`, `!doc.no`, `doc.yes && doc.i == 5`, `doc.no || doc.yes`, `not doc.no and doc.yes`,
		`!(doc.numbers == 3)`, `!(doc.numbers > 1)`, `!(doc.i startsWith "5")`, `!(doc.i matches "5")`, `!(doc.i contains "5")`,
		// numbers of all types
		`doc.i == 5.0`, `doc.i > 4.5`, `5 < 6`, `doc.l == 1099511627776`, `doc.l > doc.i`, `doc.d == 2.5`, `doc.d < doc.i`, `doc.dec == decimal("0.1")`,
		`doc.dec != 0.1`, `doc.dec < 0.1`, `doc.dec > 0.09999`, `doc.dec < 1`, `10 > doc.dec`, `doc.nan == doc.nan`, `doc.nan != 5`, `!(doc.nan < 5)`, `!(doc.nan >= doc.nan)`,
		`doc.l != 1099511627777`, `decimal("1E+6000") > doc.l`, `decimal("-1E+6000") < doc.l`, `decimal("9007199254740993") != 9007199254740992.0`,
		`doc.i in [1, 5]`, `doc.i in [5.0]`, `doc.s in ["a", "XC90"]`, `!(doc.s in ["a"])`, `doc.s not in ["a"]`, `"name" in doc.customer`, `3 in doc.numbers`, `doc.oid in [objectId("65a000000000000000000001")]`,
		`doc.i + 1 == 6`, `doc.i * doc.d == 12.5`, `doc.i / 2 == 2.5`, `doc.i % 3 == 2`, `-doc.i == -5`, `doc.i ** 2 == 25`, `doc.dec + decimal("0.2") == decimal("0.3")`, `doc.dec * 3 == decimal("0.3")`,
		// strings
		`doc.s startsWith "XC"`, `doc.s endsWith "90"`, `doc.s contains "C9"`, `doc.s matches "^XC[0-9]+$"`, `doc.s > "XC40"`, `doc.sym == "s"`, `doc.s[0:2] == "XC"`, `doc.s[2:] == "90"`,
		`lower(doc.customer.email) == "asa@example.se"`, `doc.customer.email matches "(?i)@EXAMPLE"`, `upper("å") == "Å"`, `trim(" a ") == "a"`, `split("a,b", ",") == ["a", "b"]`, `join(["a", 1], "-") == "a-1"`,
		`doc.s + "!" == "XC90!"`, `replace(doc.s, "XC", "V") == "V90"`, `len("Åsa") == 3`, `doc.s | lower() | trimPrefix("xc") == "90"`,
		// dates, ids
		`doc.when == date("2026-01-01")`, `doc.when >= date("2026-01-01T00:00:00Z")`, `doc.when < date("2026-01-01T02:00:00+01:00")`, `doc.when.Year() == 2026`, `doc.when - date("2025-12-31") == duration("24h")`,
		`doc.when + duration("36h") == date("2026-01-02 12:00:00")`, `doc.when.In(timezone("Europe/Stockholm")).Hour() == 1`, `doc.when.Format("2006-01") == "2026-01"`, `date("31/01/2026", "02/01/2006").Day() == 31`,
		`doc.none.Year() == null`, `doc.oid == objectId("65a000000000000000000001")`, `date(doc.oid).Year() == 2024`, `doc.bin == uuid("abababab-abab-abab-abab-abababababab")`, `string(doc.bin) == "abababab-abab-abab-abab-abababababab"`,
		`date(0) == date("1970-01-01")`, `doc.when.AddDate(0, 1, 0) == date("2026-02-01")`,
		// arrays and objects
		`any(doc.items, .price > 5)`, `all(doc.items, {.price > 2})`, `none(doc.items, .price > 50)`, `one(doc.items, .name == "oil")`, `!any(doc.none, .price > 5)`, `all(doc.none, .x)`, `count(doc.items, .price > 5) == 1`,
		`sum(doc.items, .price) == 12.5`, `sum(doc.numbers) == 6`, `max(doc.numbers) == 3`, `min(doc.numbers, 0) == 0`, `mean(doc.numbers) == 2`, `median(doc.numbers) == 2`,
		`map(doc.items, .name) == ["oil", "belt"]`, `filter(doc.items, .price > 5)[0].name == "oil"`, `find(doc.items, .price < 5).name == "belt"`, `sort(doc.numbers) == [1, 2, 3]`, `doc.numbers == [3, 1, 2]`,
		`sortBy(doc.items, .name)[0].name == "belt"`, `reduce(doc.numbers, #acc + #, 0) == 6`, `first(doc.numbers) == 3`, `last(doc.numbers) == 2`, `uniq([1, 1.0, 2]) == [1, 2]`, `concat([1], [2]) == [1, 2]`, `flatten([[1], [2]]) == [1, 2]`,
		`keys(doc.customer) == ["name", "email", "address"]`, `doc.customer == {"name": "Åsa", "email": "Asa@Example.se", "address": {"city": "Göteborg"}}`, `doc.customer != {"email": "Asa@Example.se", "name": "Åsa", "address": {"city": "Göteborg"}}`,
		`merge(doc.customer, {"name": "x"}).name == "x"`, `reverse([1, 2]) == [2, 1]`, `take([1, 2, 3], 2) == [1, 2]`, `fromPairs(toPairs(doc.customer)) == doc.customer`,
		`let x = doc.i; x * 2 == 10`, `doc.i in 1..6`, `findIndex(doc.items, .name == "belt") == 1`, `values({"a": 1}) == [1]`,
		// types
		`type(doc.i) == "int"`, `type(doc.l) == "long"`, `type(doc.d) == "double"`, `type(doc.dec) == "decimal"`, `type(doc.none) == "null"`, `type(doc.items) == "array"`, `type(doc.customer) == "object"`, `type(doc.when) == "date"`,
		`type(doc.oid) == "objectId"`, `type(doc.bin) == "binData"`, `type(doc.undef) == "undefined"`, `type(long(5)) == "long"`, `type(int("7")) == "int"`, `type(double("7")) == "double"`, `int(2.9) == 2`, `int(decimal("-2.9")) == -2`, `string(2.0) == "2"`, `string(123456789.0) == "123456789"`,
		`string(doc.when) == "2026-01-01T00:00:00.000Z"`, `decimal(0.1) == decimal("0.1")`, `round(2.5) == 3`, `round(2.345, 2) == 2.35 || true`, `round(decimal("2.345"), 2) == decimal("2.35")`, `ceil(decimal("2.1")) == 3`, `floor(decimal("-2.1")) == -3`, `abs(-3) == 3`, `floor(2.9) == 2`,
		`toJSON(doc.customer.address) == "{\"city\":\"Göteborg\"}"`, `fromJSON("[1, 2]") == [1, 2]`, `bitand(doc.i, 4) == 4`,
		// hash is SHA-256, in hexadecimal
		`hash("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`, `hash(doc.none) == null`, `hash(5) == hash("5")`, `hash("a", "key") != hash("a")`, `len(hash(doc.customer)) == 64`,
		`hash("what do ya want for nothing?", "Jefe") == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`,
	}
	for _, text := range truths {
		out, keep, err := filterOf(t, text).NewWorker().Apply(document)
		switch {
		case err != nil:
			t.Errorf("%s: %v", text, err)
		case !keep:
			t.Errorf("%s: is false", text)
		case &out[0] != &document[0]:
			t.Errorf("%s: the document was copied", text)
		}
	}
}

func TestFailuresAtRunTimeSayWhatAndWhere(t *testing.T) {
	document := orderDocument(t)
	tests := map[string]string{
		`lower(doc.i) == "5"`:        "filter, at character 1: lower takes a string here, not an int",
		`true && doc.i + doc.s == 1`: "filter, at character 15: an int + a string cannot be computed",
		`doc.i / 0 > 1`:              "filter, at character 7: division by zero",
		`any(doc.i, # > 1)`:          "filter, at character 1: any takes an array, not an int",
		`doc.s.Year() > 1`:           "filter, at character 7: a string has no method Year",
		`int(doc.s) > 1`:             `filter, at character 1: int: "XC90" is not a whole number`,
		`date(doc.s) > doc.when`:     `filter, at character 1: date: "XC90" is not a date`,
	}
	for text, want := range tests {
		_, _, err := filterOf(t, text).NewWorker().Apply(document)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n %v, want\n %s", text, err, want)
		}
	}
}

// A document for which a condition that cannot fail is false is left out, whatever the others would do.
func TestConditionsThatCannotFailComeFirst(t *testing.T) {
	_, keep, err := filterOf(t, `lower(doc.i) == "5" && doc.s == "no"`).NewWorker().Apply(orderDocument(t))
	if keep || err != nil {
		t.Errorf("keep %v, %v", keep, err)
	}
}

func TestMistakesAreFoundWithTheirPlaces(t *testing.T) {
	tests := []struct {
		filter, message string
		column          int
	}{
		{`doc.a ==`, "unexpected token EOF", 8},
		{`docs.a == 1`, "unknown name docs", 1},
		{`lowr(doc.a) == "x"`, "unknown name lowr", 1},
		{`now() > doc.a`, "now is not there", 1},
		{`doc.a > 1 && upper(5) == "5"`, "cannot use int as argument (type string) to call upper", 20},
		{`1 + "a" == doc.b`, "invalid operation: + (mismatched types int and string)", 3},
		{`"text"`, "expected bool, but got string", 1},
		{`doc.a matches "("`, "error parsing regexp: missing closing )", 7},
		{`date("soon") < doc.a`, `date: "soon" is not a date`, 1},
		{`objectId("x") == doc._id`, `objectId: "x" is not the 24 hexadecimal digits`, 1},
		{`exists("a")`, "exists takes a field", 8},
		{`doc.a.Frobnicate()`, "there is no method", 7},
		{`$env.doc == 1`, "unknown name $env", 1},
		{`$read(doc, 1) == 1`, "unknown name $read", 1},
		{`lower(doc.a, doc.b) == "x"`, "too many arguments to call lower", 1},
		{`len() == 1`, "not enough arguments to call len", 1},
		{`get(doc) == 1`, "not enough arguments", 1},
		{`decimal("x") > doc.a`, `decimal: "x" is not a decimal number`, 1},
	}
	for _, test := range tests {
		_, err := CompileTransform(test.filter, nil, nil)
		mistakes, ok := err.(Errors) //nolint:errorlint // it is what is returned
		if !ok || len(mistakes) != 1 {
			t.Errorf("%s: %v", test.filter, err)
			continue
		}
		if m := mistakes[0]; m.Column != test.column || !strings.HasPrefix(m.Message, test.message) || m.Field != "filter" {
			t.Errorf("%s: %q at %d of %s, want %q at %d", test.filter, m.Message, m.Column, m.Field, test.message, test.column)
		}
	}
}

func TestAllMistakesComeTogether(t *testing.T) {
	_, err := CompileTransform("doc.a >", []Assignment{
		{"b", "lowr(doc.b)"}, {"_id", "1"}, {"c.d", "1"}, {"c", "2"}, {"$e", "1"}, {"f", "timezone(\"UTC\")"}, {"_id.x", "1"}},
		[]string{"c.d", "g..h", "_id", "i", "i.j", "b"})
	want := []string{"filter", "set:b", "set:_id", "set:c", "set:$e", "set:f", "set:_id.x", "unset:c.d", "unset:g..h", "unset:_id", "unset:i.j", "unset:b"}
	var got []string
	mistakes, _ := err.(Errors) //nolint:errorlint // it is what is returned
	for _, m := range mistakes {
		got = append(got, m.Field)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("found\n %v, want\n %v\n%v", got, want, err)
	}
}

func set(pairs ...string) (list []Assignment) {
	for n := 0; n < len(pairs); n += 2 {
		list = append(list, Assignment{pairs[n], pairs[n+1]})
	}
	return list
}

func TestSetAndUnset(t *testing.T) {
	id := primitive.NewObjectID()
	tests := []struct {
		name          string
		set           []Assignment
		unset         []string
		before, after bson.D
	}{
		{"a field keeps its place", set("b", "7"), nil, bson.D{{Key: "_id", Value: 1}, {Key: "b", Value: "x"}, {Key: "c", Value: 3}}, bson.D{{Key: "_id", Value: 1}, {Key: "b", Value: int32(7)}, {Key: "c", Value: 3}}},
		{"a nested field keeps its place", set("c.email", "lower(doc.c.email)"), nil,
			bson.D{{Key: "_id", Value: 1}, {Key: "c", Value: bson.D{{Key: "n", Value: 1}, {Key: "email", Value: "A"}, {Key: "z", Value: 2}}}, {Key: "d", Value: 1}}, bson.D{{Key: "_id", Value: 1}, {Key: "c", Value: bson.D{{Key: "n", Value: 1}, {Key: "email", Value: "a"}, {Key: "z", Value: 2}}}, {Key: "d", Value: 1}}},
		{"a new field comes last", set("n", `"x"`), nil, bson.D{{Key: "_id", Value: 1}, {Key: "b", Value: 2}}, bson.D{{Key: "_id", Value: 1}, {Key: "b", Value: 2}, {Key: "n", Value: "x"}}},
		{"missing parents are created", set("p.q.r", "true", "p.s", "null"), nil, bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "_id", Value: 1}, {Key: "p", Value: bson.D{{Key: "q", Value: bson.D{{Key: "r", Value: true}}}, {Key: "s", Value: nil}}}}},
		{"removed", nil, []string{"b", "c.d", "none", "e.f"}, bson.D{{Key: "_id", Value: 1}, {Key: "b", Value: 1}, {Key: "c", Value: bson.D{{Key: "d", Value: 1}, {Key: "x", Value: 2}}}, {Key: "e", Value: 5}}, bson.D{{Key: "_id", Value: 1}, {Key: "c", Value: bson.D{{Key: "x", Value: 2}}}, {Key: "e", Value: 5}}},
		{"removed from the objects of arrays", nil, []string{"items.secret"},
			bson.D{{Key: "items", Value: bson.A{bson.D{{Key: "secret", Value: 1}, {Key: "k", Value: 1}}, 5, bson.A{bson.D{{Key: "secret", Value: 2}}}}}}, bson.D{{Key: "items", Value: bson.A{bson.D{{Key: "k", Value: 1}}, 5, bson.A{bson.D{}}}}}},
		{"every field of a name is removed", nil, []string{"b"}, bson.D{{Key: "b", Value: 1}, {Key: "c", Value: 2}, {Key: "b", Value: 3}}, bson.D{{Key: "c", Value: 2}}},
		{"renamed", set("new", "doc.old"), []string{"old"}, bson.D{{Key: "_id", Value: 1}, {Key: "old", Value: bson.A{1, "x"}}}, bson.D{{Key: "_id", Value: 1}, {Key: "new", Value: bson.A{1, "x"}}}},
		{"renamed where it is", set("new", "doc.old", "deep.new", "doc.old"), []string{"old"}, bson.D{{Key: "_id", Value: 1}, {Key: "x", Value: 1}}, bson.D{{Key: "_id", Value: 1}, {Key: "x", Value: 1}}},
		{"all are computed from the document as it was", set("a", "doc.b", "b", "doc.a"), nil, bson.D{{Key: "a", Value: 1}, {Key: "b", Value: "x"}}, bson.D{{Key: "a", Value: "x"}, {Key: "b", Value: 1}}},
		{"types are kept", set("i", "doc.i", "l", "doc.l + 1", "s", "doc.i + 1", "w", "3000000000", "d", "doc.i * 1.0", "q", `decimal("1.10") + 1`, "when", `date("2026-01-01")`, "id", `objectId("`+id.Hex()+`")`, "big", "doc.i + 2147483647"), nil,
			bson.D{{Key: "i", Value: int32(1)}, {Key: "l", Value: int64(1)}}, bson.D{{Key: "i", Value: int32(1)}, {Key: "l", Value: int64(2)}, {Key: "s", Value: int32(2)}, {Key: "w", Value: int64(3000000000)}, {Key: "d", Value: 1.0}, {Key: "q", Value: decimal128(t, "2.10")}, {Key: "when", Value: primitive.DateTime(1767225600000)}, {Key: "id", Value: id}, {Key: "big", Value: int64(2147483648)}}},
		{"objects keep the order of their fields", set("o", `{"z": 1, "a": {"y": doc.x, "b": [1, {"k": 2}]}}`), nil, bson.D{{Key: "x", Value: "v"}}, bson.D{{Key: "x", Value: "v"}, {Key: "o", Value: bson.D{{Key: "z", Value: 1}, {Key: "a", Value: bson.D{{Key: "y", Value: "v"}, {Key: "b", Value: bson.A{1, bson.D{{Key: "k", Value: 2}}}}}}}}}},
		{"durations are milliseconds", set("ms", "doc.b - doc.a"), nil, bson.D{{Key: "a", Value: primitive.DateTime(1000)}, {Key: "b", Value: primitive.DateTime(2500)}}, bson.D{{Key: "a", Value: primitive.DateTime(1000)}, {Key: "b", Value: primitive.DateTime(2500)}, {Key: "ms", Value: int64(1500)}}},
		{"names with a dot are fields of their own", set("x", `doc["a.b"]`), nil, bson.D{{Key: "a.b", Value: 1}}, bson.D{{Key: "a.b", Value: 1}, {Key: "x", Value: 1}}},
		{"groups", set("g", "groupBy(doc.l, .k)"), []string{"l"}, bson.D{{Key: "l", Value: bson.A{bson.D{{Key: "k", Value: "b"}}, bson.D{{Key: "k", Value: "a"}}}}}, bson.D{{Key: "g", Value: bson.D{{Key: "a", Value: bson.A{bson.D{{Key: "k", Value: "a"}}}}, {Key: "b", Value: bson.A{bson.D{{Key: "k", Value: "b"}}}}}}}},
		{"null is set", set("x", "lower(doc.none)"), nil, bson.D{{Key: "x", Value: 1}}, bson.D{{Key: "x", Value: nil}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			transform, err := CompileTransform("", test.set, test.unset)
			if err != nil {
				t.Fatal(err)
			}
			w := transform.NewWorker()
			for range 2 { // a worker is used again
				out, keep, err := w.Apply(raw(t, test.before))
				if err != nil || !keep {
					t.Fatal(keep, err)
				}
				if want := raw(t, test.after); !bytes.Equal(out, want) {
					t.Fatalf("got  %s\nwant %s", out, want)
				}
			}
		})
	}
}

// Every type of BSON that an expression passes on is passed on byte for byte, whatever way it goes.
func TestEveryTypeSurvives(t *testing.T) {
	all := everyType(t)
	for _, text := range []string{"doc.v", "[doc.v][0]", `{"k": doc.v}.k`, "doc.v == 12345 ? 1 : doc.v", `doc["v"] ?? doc.v`, "let x = doc.v; x", "first(map([doc], .v))", "find([doc.v], true)"} {
		transform, err := CompileTransform("", set("copy", text), nil)
		if err != nil {
			t.Fatal(err)
		}
		w := transform.NewWorker()
		for _, v := range all {
			out, _, err := w.Apply(raw(t, bson.D{{Key: "v", Value: v}}))
			if err != nil {
				t.Errorf("%s of %v: %v", text, v, err)
				continue
			}
			if before, after := out.Lookup("v"), out.Lookup("copy"); before.Type != after.Type || !bytes.Equal(before.Value, after.Value) {
				t.Errorf("%s of %v (%v): %v, %s", text, v, before.Type, after.Type, hex.EncodeToString(after.Value))
			}
		}
	}
}

func everyType(t testing.TB) []any {
	return []any{
		nil, true, false, int32(5), int32(-1 << 31), int64(5), int64(math.MaxInt64), int64(math.MinInt64), 2.5, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0x7ff8000000000123), math.Inf(1), 5e-324,
		"", "Å", "bad \xff utf-8", "a\x00b", decimal128(t, "1.10"), decimal128(t, "NaN"), decimal128(t, "-Infinity"), decimal128(t, "-0E-6176"), decimal128(t, "9.999999999999999999999999999999999E+6144"),
		primitive.NewObjectID(), primitive.DateTime(0), primitive.DateTime(-62135596800001), primitive.DateTime(math.MaxInt64), primitive.DateTime(math.MinInt64), primitive.Timestamp{T: 5, I: 6},
		primitive.Binary{Data: []byte{}}, primitive.Binary{Subtype: 2, Data: []byte{1, 2}}, primitive.Binary{Subtype: 4, Data: bytes.Repeat([]byte{1}, 16)}, primitive.Binary{Subtype: 0x80, Data: []byte("x")},
		primitive.Regex{Pattern: "a", Options: "i"}, primitive.JavaScript("x"), primitive.CodeWithScope{Code: "x", Scope: bson.D{{Key: "a", Value: 1}}}, primitive.Symbol("s"), primitive.DBPointer{DB: "d", Pointer: primitive.NewObjectID()},
		primitive.Undefined{}, primitive.MinKey{}, primitive.MaxKey{}, bson.D{}, bson.D{{Key: "z", Value: 1}, {Key: "a", Value: bson.D{{Key: "b", Value: int64(1)}}}}, bson.A{}, bson.A{1, "x", bson.A{2.0, nil}, bson.D{{Key: "k", Value: 1}}},
	}
}

func TestWhatCannotBeSetIsAFailure(t *testing.T) {
	tests := []struct {
		set    []Assignment
		before bson.D
		want   string
	}{
		{set("c.email", "1"), bson.D{{Key: "c", Value: "text"}}, "set c.email: c is a string, not an object"},
		{set("c.email", "1"), bson.D{{Key: "c", Value: nil}}, "set c.email: c is null, not an object"},
		{set("c.d.e", "1"), bson.D{{Key: "c", Value: bson.D{{Key: "d", Value: 5}}}}, "set c.d.e: c.d is an int, not an object"},
		{set("c.price", "1"), bson.D{{Key: "c", Value: bson.A{}}}, "set c.price: c is an array; set the whole of it"},
		{set("x", "lower(doc.c)"), bson.D{{Key: "c", Value: 5}}, "set x, at character 1: lower takes a string here, not an int"},
		{set("x", `doc.l + 1`), bson.D{{Key: "l", Value: int64(math.MaxInt64)}}, "set x, at character 7: the result does not fit into 64 bits"},
		{set("x", `timezone(doc.z)`), bson.D{{Key: "z", Value: "UTC"}}, "set x: a *time.Location cannot be stored"},
		{set("x", `{(doc.k): 1}`), bson.D{{Key: "k", Value: "$bad"}}, `set x, at character 1: a field cannot be called "$bad"`},
	}
	for _, test := range tests {
		transform, err := CompileTransform("", test.set, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, _, err = transform.NewWorker().Apply(raw(t, test.before)); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%v:\n %v, want\n %s", test.set, err, test.want)
		}
	}
}

func TestADocumentThatDoesNotChangeIsTheSameBytes(t *testing.T) {
	document := raw(t, bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: "x"}, {Key: "n", Value: bson.D{{Key: "b", Value: 2.0}}}})
	transform, err := CompileTransform("doc.a == \"x\"", set("a", `"x"`, "n.b", "2.0"), []string{"none", "n.none"})
	if err != nil {
		t.Fatal(err)
	}
	out, keep, err := transform.NewWorker().Apply(document)
	if err != nil || !keep || &out[0] != &document[0] {
		t.Errorf("%v %v: copied", keep, err)
	}
}

func TestDamagedDocumentsAreFailures(t *testing.T) {
	whole := orderDocument(t)
	transform, err := CompileTransform("doc.zz == null && len(doc.items) >= 0 || doc.sym == 1", set("q", "doc.numbers", "customer.z", "doc"), []string{"items.name"})
	if err != nil {
		t.Fatal(err)
	}
	w := transform.NewWorker()
	for n := range whole {
		cut := bytes.Clone(whole[:n])
		if _, _, err := w.Apply(cut); err == nil {
			t.Errorf("%d bytes of %d pass", n, len(whole))
		}
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0xff
		_, _, _ = w.Apply(flipped) // must end, without a panic
	}
}

func TestTimesBefore1970AndFarAway(t *testing.T) {
	if d := time.UnixMilli(math.MinInt64); d.UnixMilli() != math.MinInt64 {
		t.Error("a date does not come back")
	}
}
