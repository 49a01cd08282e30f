package expression

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func TestPushdown(t *testing.T) {
	tests := []struct{ filter, query, remainder string }{
		{`doc.total_amount > 100 && doc.vehicle.model startsWith "XC"`, `{"$and":[{"total_amount":{"$gte":100}},{"vehicle.model":{"$gte":"XC","$lt":"XD"}}]}`, ""},
		{`doc.a == "x"`, `{"a":"x"}`, ""},
		{`"x" == doc.a.b`, `{"a.b":"x"}`, ""},
		{`100 < doc.a`, `{"a":{"$gte":100}}`, ""},
		{`doc.a < 100.0`, `{"a":{"$lte":100}}`, ""},
		{`doc.a > 0.1`, `{"a":{"$gte":0.0999999999999}}`, ""},
		{`doc.a == decimal("0.1")`, `{"a":{"$gte":0.0999999999999,"$lte":0.10000000000010001}}`, ""},
		{`doc.a == 9007199254740992`, `{"a":{"$gte":9.007199254731985E+15,"$lte":9.00719925475E+15}}`, ""},
		{`doc.a != "x"`, `{"$or":[{"a.0":{"$exists":true}},{"a":{"$ne":"x"}}]}`, ""},
		{`doc.a.b != "x"`, `{"$or":[{"a.0":{"$exists":true}},{"a.b.0":{"$exists":true}},{"a.b":{"$ne":"x"}}]}`, ""},
		{`!(doc.a == "x")`, `{"$or":[{"a.0":{"$exists":true}},{"a":{"$ne":"x"}}]}`, ""},
		{`doc.a == null`, `{"a":null}`, ""},
		{`doc.a.b == nil`, `{"$or":[{"a.b":null},{"a.0":{"$exists":true}},{"a":{"$size":0}}]}`, ""},
		{`doc.a != null`, `{"a":{"$exists":true}}`, ""},
		{`exists(doc.a.b)`, `{"a.b":{"$exists":true}}`, ""},
		{`!exists(doc.a.b)`, `{"$or":[{"a.0":{"$exists":true}},{"a.b":{"$exists":false}}]}`, ""},
		{`doc.a in ["x", 5, true]`, `{"a":{"$in":["x",5,true]}}`, ""},
		{`doc.a in ["x", null]`, `{"$or":[{"a":null},{"a":{"$in":["x"]}}]}`, ""},
		{`doc.a not in ["x", "y", 5]`, `{"$or":[{"a.0":{"$exists":true}},{"a":{"$nin":["x","y"]}}]}`, ""},
		{`doc.a`, `{"a":true}`, ""},
		{`!doc.a`, `{"$or":[{"a.0":{"$exists":true}},{"a":{"$ne":true}}]}`, ""},
		{`doc.a >= date("2026-01-01")`, `{"a":{"$gte":{"$date":"2026-01-01T00:00:00Z"}}}`, ""},
		{`doc.a == objectId("65a000000000000000000001")`, `{"a":{"$oid":"65a000000000000000000001"}}`, ""},
		{`doc.a == "x" || doc.b == "y"`, `{"$or":[{"a":"x"},{"b":"y"}]}`, ""},
		{`!(doc.a == "x" || doc.b == null)`, `{"$and":[{"$or":[{"a.0":{"$exists":true}},{"a":{"$ne":"x"}}]},{"b":{"$exists":true}}]}`, ""},
		{`doc.a startsWith "XÅ"`, `{"a":{"$gte":"X","$lt":"Y"}}`, ""},
		// a part of it
		{`lower(doc.a) == "x" && doc.b == "y"`, `{"b":"y"}`, `lower(doc.a) == "x"`},
		{`doc.a contains "x" && (doc.b == "y" && doc.c > doc.d)`, `{"b":"y"}`, `doc.a contains "x", doc.c > doc.d`},
		{`(doc.a == "x" && doc.b contains "y") || doc.c == "z"`, `{"$or":[{"a":"x"},{"c":"z"}]}`, ""},
		// nothing of it
		{`doc.a == "x" || lower(doc.b) == "y"`, "", `doc.a == "x" || lower(doc.b) == "y"`},
		{`(doc.a == "x" && lower(doc.b) == "y") || doc.c == "z"`, "", `(doc.a == "x" && lower(doc.b) == "y") || doc.c == "z"`},
		{`doc.a != 5`, "", `doc.a != 5`},
		{`!(doc.a > 5)`, "", `!(doc.a > 5)`},
		{`doc.a < "Å"`, "", `doc.a < "Å"`},
		{`doc["a.b"] == "x"`, "", `doc["a.b"] == "x"`},
		{`doc["$a"] == "x"`, "", `doc.$a == "x"`},
		{`doc.a startsWith ""`, "", `doc.a startsWith ""`},
		{`doc.a == {"b": 1}`, "", `doc.a == {b: 1}`},
		{`doc.items[0] == 5`, "", `doc.items[0] == 5`},
	}
	for _, test := range tests {
		transform := filterOf(t, test.filter)
		query := ""
		if transform.Pushdown != nil {
			text, err := bson.MarshalExtJSON(transform.Pushdown, false, false)
			if err != nil {
				t.Fatal(err)
			}
			query = string(text)
		}
		if remainder := strings.Join(transform.Remainder, ", "); query != test.query || remainder != test.remainder {
			t.Errorf("%s\n got  %s, %q\n want %s, %q", test.filter, query, remainder, test.query, test.remainder)
		}
	}
}

// A list of a million _ids is no query.
func TestAHugeListIsNotPushedDown(t *testing.T) {
	list := strings.Repeat(`"`+strings.Repeat("x", 1000)+`", `, 1100)
	if transform := filterOf(t, "doc.a in ["+list+`"y"]`); transform.Pushdown != nil || len(transform.Remainder) != 1 {
		t.Errorf("%d bytes are pushed down", len(transform.Pushdown))
	}
}
