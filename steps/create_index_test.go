package steps

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint/indexes"
)

func definitions(t *testing.T, texts ...string) []indexes.Index {
	t.Helper()
	var listing []bson.Raw
	for _, text := range texts {
		var raw bson.Raw
		if err := bson.UnmarshalExtJSON([]byte(text), false, &raw); err != nil {
			t.Fatal(err)
		}
		listing = append(listing, raw)
	}
	return indexes.Listed(listing)
}

func TestFindAmongTheIndexesOfTheTarget(t *testing.T) {
	const plain, other = `{"key": {"a": 1}, "name": "a_1"}`, `{"key": {"a": 1}, "name": "a_sv", "collation": {"locale": "sv"}}`
	tests := map[string]struct {
		want     []string // the first is looked for, the others are wanted as well
		have     []string
		there    string
		conflict string
	}{
		"nothing":                      {[]string{plain}, nil, "", ""},
		"there":                        {[]string{plain}, []string{`{"v": 2, "key": {"a": {"$numberDouble": "1.0"}}, "name": "a_1"}`}, "a_1", ""},
		"there under another name":     {[]string{plain}, []string{`{"key": {"a": 1}, "name": "mine"}`}, "mine", ""},
		"both names":                   {[]string{plain}, []string{`{"key": {"a": 1}, "name": "mine"}`, plain}, "a_1", ""},
		"the name is taken":            {[]string{plain}, []string{`{"key": {"b": 1}, "name": "a_1"}`}, "", "another index of this name (key: {b: 1}, wanted {a: 1})"},
		"other options":                {[]string{plain}, []string{`{"key": {"a": 1}, "name": "a_1", "unique": true}`}, "", "another index of this name (unique: true, wanted without unique)"},
		"the key is taken":             {[]string{plain}, []string{other}, "", "the index a_sv on the same key with other options (collation: {locale: sv}, wanted without collation)"},
		"the key is shared, as wanted": {[]string{plain, other}, []string{other}, "", ""},
		"the other way round":          {[]string{other, plain}, []string{plain}, "", ""},
		"shared, and a third":          {[]string{plain, other}, []string{other, `{"key": {"a": 1}, "name": "a_s", "sparse": true}`}, "", "a_s on the same key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			unit := createUnits(wantedCollection{Name: "c", Indexes: definitions(t, test.want...)})[0]
			there, conflict := unit.find(definitions(t, test.have...))
			if there != test.there || (conflict == "") != (test.conflict == "") || !strings.Contains(conflict, test.conflict) {
				t.Errorf("there %q, conflict %q", there, conflict)
			}
		})
	}
}
