package indexes

import (
	"strings"
	"testing"
)

func one(t testing.TB, text string) Index {
	t.Helper()
	d := draft{leftOut: map[string]bool{}}
	entry := d.translate(definition(t, text))
	if entry.Index == nil {
		// The index on _id is compared too.
		index := newIndex(entry.Name, d.key, nil)
		return index
	}
	return *entry.Index
}

func TestDifferences(t *testing.T) {
	tests := map[string]struct {
		want, have string
		differ     string // empty: the same
	}{
		"same":                    {`{"key": {"a": 1}, "name": "x"}`, `{"key": {"a": 1}, "name": "x", "v": 2}`, ""},
		"number types":            {`{"key": {"a": 1}, "name": "x"}`, `{"key": {"a": {"$numberDouble": "1.0"}}, "name": "x"}`, ""},
		"direction":               {`{"key": {"a": 1}, "name": "x"}`, `{"key": {"a": -1}, "name": "x"}`, "key: {a: -1}, wanted {a: 1}"},
		"order of fields":         {`{"key": {"a": 1, "b": 1}, "name": "x"}`, `{"key": {"b": 1, "a": 1}, "name": "x"}`, "key: {b: 1, a: 1}, wanted {a: 1, b: 1}"},
		"type":                    {`{"key": {"a": "2dsphere"}, "name": "x"}`, `{"key": {"a": "2d"}, "name": "x"}`, "key: {a: 2d}, wanted {a: 2dsphere}"},
		"unique":                  {`{"key": {"a": 1}, "name": "x", "unique": true}`, `{"key": {"a": 1}, "name": "x"}`, "without unique, wanted unique: true"},
		"unique false is none":    {`{"key": {"a": 1}, "name": "x", "unique": false}`, `{"key": {"a": 1}, "name": "x"}`, ""},
		"flags as numbers":        {`{"key": {"a": 1}, "name": "x", "unique": 1}`, `{"key": {"a": 1}, "name": "x", "unique": true}`, ""},
		"hidden":                  {`{"key": {"a": 1}, "name": "x"}`, `{"key": {"a": 1}, "name": "x", "hidden": true}`, "hidden: true, wanted without hidden"},
		"ttl":                     {`{"key": {"a": 1}, "name": "x", "expireAfterSeconds": 60}`, `{"key": {"a": 1}, "name": "x", "expireAfterSeconds": {"$numberDouble": "61.0"}}`, "expireAfterSeconds: 61.0, wanted expireAfterSeconds: 60"},
		"ttl 0 is not none":       {`{"key": {"a": 1}, "name": "x", "expireAfterSeconds": 0}`, `{"key": {"a": 1}, "name": "x"}`, "without expireAfterSeconds, wanted expireAfterSeconds: 0"},
		"ttl of another type":     {`{"key": {"a": 1}, "name": "x", "expireAfterSeconds": 60}`, `{"key": {"a": 1}, "name": "x", "expireAfterSeconds": {"$numberDouble": "60.0"}}`, ""},
		"filter":                  {`{"key": {"a": 1}, "name": "x", "partialFilterExpression": {"a": {"$gt": 5}}}`, `{"key": {"a": 1}, "name": "x", "partialFilterExpression": {"a": {"$gt": 6}}}`, "partialFilterExpression: {a: {$gt: 6}}, wanted partialFilterExpression: {a: {$gt: 5}}"},
		"filter in another order": {`{"key": {"a": 1}, "name": "x", "partialFilterExpression": {"a": {"$gt": 5, "$lt": 9}, "b": 1}}`, `{"key": {"a": 1}, "name": "x", "partialFilterExpression": {"b": {"$numberDouble": "1.0"}, "a": {"$lt": 9, "$gt": 5}}}`, ""},
		"collation filled in":     {`{"key": {"a": 1}, "name": "x", "collation": {"locale": "sv", "strength": 2}}`, `{"key": {"a": 1}, "name": "x", "collation": {"locale": "sv", "caseLevel": false, "caseFirst": "off", "strength": 2, "numericOrdering": false, "alternate": "non-ignorable", "maxVariable": "punct", "normalization": false, "backwards": false, "version": "57.1"}}`, ""},
		"collation":               {`{"key": {"a": 1}, "name": "x", "collation": {"locale": "sv"}}`, `{"key": {"a": 1}, "name": "x", "collation": {"locale": "sv", "strength": 1}}`, "collation: {locale: sv, strength: 1}, wanted collation: {locale: sv}"},
		"simple collation":        {`{"key": {"a": 1}, "name": "x", "collation": {"locale": "simple"}}`, `{"key": {"a": 1}, "name": "x"}`, ""},
		"text as it is listed":    {`{"key": {"p": 1, "title": "text", "body": "text", "s": -1}, "name": "x", "weights": {"title": 10}}`, `{"key": {"p": 1, "_fts": "text", "_ftsx": 1, "s": -1}, "name": "x", "weights": {"body": {"$numberDouble": "1.0"}, "title": 10}, "default_language": "english", "language_override": "language", "textIndexVersion": 3}`, ""},
		"weights":                 {`{"key": {"title": "text"}, "name": "x"}`, `{"key": {"_fts": "text", "_ftsx": 1}, "name": "x", "weights": {"title": 2}}`, "weights: {title: 2}, wanted weights: {title: 1}"},
		"prefix of text":          {`{"key": {"p": 1, "title": "text"}, "name": "x"}`, `{"key": {"_fts": "text", "_ftsx": 1, "p": 1}, "name": "x", "weights": {"title": 1}}`, "key: {title: text, p: 1}, wanted {p: 1, title: text}"},
		"language":                {`{"key": {"title": "text"}, "name": "x", "default_language": "swedish"}`, `{"key": {"_fts": "text", "_ftsx": 1}, "name": "x", "weights": {"title": 1}, "default_language": "english"}`, "default_language: english, wanted default_language: swedish"},
		"text and not":            {`{"key": {"title": "text"}, "name": "x"}`, `{"key": {"title": 1}, "name": "x"}`, "key: {title: 1}, wanted {title: text}"},
		"2d defaults":             {`{"key": {"a": "2d"}, "name": "x"}`, `{"key": {"a": "2d"}, "name": "x", "bits": {"$numberDouble": "26.0"}, "min": -180, "max": 180}`, ""},
		"2d":                      {`{"key": {"a": "2d"}, "name": "x"}`, `{"key": {"a": "2d"}, "name": "x", "bits": 20}`, "bits: 20, wanted without bits"},
		"version of the server":   {`{"key": {"a": "2dsphere"}, "name": "x"}`, `{"key": {"a": "2dsphere"}, "name": "x", "2dsphereIndexVersion": 3}`, ""},
		"version that is wanted":  {`{"key": {"a": "2dsphere"}, "name": "x", "2dsphereIndexVersion": 2}`, `{"key": {"a": "2dsphere"}, "name": "x", "2dsphereIndexVersion": 3}`, "2dsphereIndexVersion: 3, wanted 2dsphereIndexVersion: 2"},
		"projection":              {`{"key": {"$**": 1}, "name": "x", "wildcardProjection": {"a": 1, "b.c": 1}}`, `{"key": {"$**": 1}, "name": "x", "wildcardProjection": {"a": true, "b": {"c": true}, "_id": false}}`, ""},
		"projection of less":      {`{"key": {"$**": 1}, "name": "x", "wildcardProjection": {"a": 1, "b": 1}}`, `{"key": {"$**": 1}, "name": "x", "wildcardProjection": {"a": 1}}`, "wildcardProjection: {a: 1}, wanted wildcardProjection: {a: 1, b: 1}"},
		"storage engine":          {`{"key": {"a": 1}, "name": "x"}`, `{"key": {"a": 1}, "name": "x", "storageEngine": {"enableOrderedIndex": true}}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(Differences(one(t, test.want), one(t, test.have)), "; "); got != test.differ {
				t.Errorf("%q, want %q", got, test.differ)
			}
			back := Differences(one(t, test.have), one(t, test.want))
			if (len(back) == 0) != (test.differ == "") {
				t.Errorf("the other way round: %q", back)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	all := func(texts ...string) []Index {
		var list []Index
		for _, text := range texts {
			list = append(list, one(t, text))
		}
		return list
	}
	want := all(`{"key": {"a": 1}, "name": "a"}`, `{"key": {"b": 1}, "name": "b"}`, `{"key": {"c": 1}, "name": "c"}`, `{"key": {"d": 1}, "name": "d"}`, `{"key": {"e": 1}, "name": "e", "unique": true}`,
		`{"key": {"f": 1}, "name": "f"}`, `{"key": {"f": 1}, "name": "f_sv", "collation": {"locale": "sv"}}`)
	have := all(`{"key": {"_id": 1}, "name": "_id_"}`, `{"key": {"a": 1}, "name": "a"}`, `{"key": {"b": 1}, "name": "other"}`, `{"key": {"x": 1}, "name": "c"}`, `{"key": {"e": 1}, "name": "own"}`, `{"key": {"y": 1}, "name": "y"}`,
		`{"key": {"f": 1}, "name": "f_sv", "collation": {"locale": "sv"}}`, `{"key": {"f": 1}, "name": "f"}`)
	differences, renamed := Compare(want, have)
	if len(renamed) != 1 || renamed["b"] != "other" {
		t.Errorf("renamed: %v", renamed)
	}
	var got []string
	for _, d := range differences {
		switch {
		case d.Have == nil:
			got = append(got, "missing "+d.Want.Name())
		case d.Want == nil:
			got = append(got, "unexpected "+d.Have.Name())
		default:
			got = append(got, d.Want.Name()+"/"+d.Have.Name()+": "+strings.Join(d.In, ", "))
		}
	}
	if text := strings.Join(got, "; "); text != "c/c: key: {x: 1}, wanted {c: 1}; missing d; e/own: without unique, wanted unique: true; unexpected y" {
		t.Error(text)
	}
}
