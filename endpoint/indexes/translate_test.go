package indexes

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// cosmosListing is what accounts of several ages list.
func cosmosListing(t testing.TB) []bson.Raw {
	return listing(t,
		`{"v": 1, "key": {"_id": 1}, "name": "_id_", "ns": "shop.serviceorders"}`,
		`{"v": 1, "key": {"_ts": 1}, "name": "_ts_1", "ns": "shop.serviceorders", "expireAfterSeconds": -1}`,
		`{"v": 1, "key": {"DocumentDBDefaultIndex": 1}, "name": "DocumentDBDefaultIndex_1", "ns": "shop.serviceorders"}`,
		`{"v": 1, "key": {"DocumentDBDefaultIndex": "2dsphere"}, "name": "DocumentDBDefaultIndex_2dsphere", "ns": "shop.serviceorders"}`,
		`{"v": 1, "key": {"$**": 1}, "name": "$**_1", "ns": "shop.serviceorders"}`,
		`{"v": 1, "key": {"order_id": 1}, "name": "order_id_1", "ns": "shop.serviceorders", "unique": true}`,
		`{"v": 1, "key": {"customer.email": 1, "order_date": -1}, "name": "customer.email_1_order_date_-1", "ns": "shop.serviceorders", "unique": true}`,
		`{"v": 1, "key": {"updated_at": 1}, "name": "updated_at_1", "ns": "shop.serviceorders", "expireAfterSeconds": 86400}`,
		`{"v": 1, "key": {"scheduled": 1}, "name": "scheduled_1", "ns": "shop.serviceorders", "expireAfterSeconds": -1}`,
		`{"v": 1, "key": {"status": 1, "order_date": -1}, "name": "status_1_order_date_-1", "ns": "shop.serviceorders"}`,
	)
}

func TestTranslate(t *testing.T) {
	simple := definition(t, `{"locale": "sv"}`)
	tests := map[string]struct {
		source   Source
		listed   string
		verdict  Verdict
		creates  string   // as YAML; empty: nothing
		says     []string // parts of the reasons
		warns    []string // parts of the warnings
		unwarned bool
	}{
		"plain":                     {Source{}, `{"v": 2, "key": {"a": 1}, "name": "a_1"}`, Kept, "a_1 {a: 1}", nil, nil, true},
		"the one on _id":            {Source{}, `{"v": 2, "key": {"_id": {"$numberDouble": "1.0"}}, "name": "_id_"}`, Kept, "", []string{"never created"}, nil, true},
		"clustered":                 {Source{}, `{"v": 2, "key": {"_id": 1}, "name": "own", "unique": true, "clustered": true}`, Kept, "", []string{"never created"}, []string{"clustered"}, false},
		"descending _id":            {Source{}, `{"v": 2, "key": {"_id": -1}, "name": "_id_-1"}`, Kept, "_id_-1 {_id: -1}", nil, nil, true},
		"hashed _id":                {Source{}, `{"v": 2, "key": {"_id": "hashed"}, "name": "_id_hashed"}`, Kept, "_id_hashed {_id: hashed}", nil, nil, true},
		"_ts with ttl per document": {Source{Cosmos: true}, `{"v": 1, "key": {"_ts": 1}, "name": "_ts_1", "expireAfterSeconds": -1}`, Dropped, "", []string{"a field ttl", "loses", "no document expires"}, nil, true},
		"the same, kind unknown":    {Source{}, `{"v": 1, "key": {"_ts": 1}, "name": "_ts_1", "expireAfterSeconds": -1}`, Dropped, "", []string{"a field ttl"}, nil, true},
		"_ts with a time":           {Source{Cosmos: true}, `{"v": 1, "key": {"_ts": 1}, "name": "_ts_1", "expireAfterSeconds": 604800}`, Dropped, "", []string{"7 days after their last change", "loses", "expireAfterSeconds: 604800"}, nil, true},
		"_ts without a time":        {Source{Cosmos: true}, `{"v": 1, "key": {"_ts": 1}, "name": "_ts_1"}`, Dropped, "", []string{"index nothing"}, nil, true},
		"_ts of MongoDB":            {Source{}, `{"v": 2, "key": {"_ts": 1}, "name": "_ts_1", "expireAfterSeconds": 60}`, Kept, "_ts_1 {_ts: 1} expireAfterSeconds: 60", nil, []string{"deletes what has expired"}, false},
		"-1 on a field":             {Source{Cosmos: true}, `{"v": 1, "key": {"a": 1}, "name": "a_1", "expireAfterSeconds": -1}`, Changed, "a_1 {a: 1}", []string{"expireAfterSeconds: -1", "a field ttl", "loses"}, nil, true},
		"-1 elsewhere":              {Source{}, `{"v": 1, "key": {"a": 1}, "name": "a_1", "expireAfterSeconds": -1}`, Changed, "a_1 {a: 1}", []string{"MongoDB refuses it"}, nil, true},
		"ttl":                       {Source{Cosmos: true}, `{"v": 1, "key": {"a": 1}, "name": "a_1", "expireAfterSeconds": 60}`, Kept, "a_1 {a: 1} expireAfterSeconds: 60", nil, []string{"dates only", "milliseconds", "deletes what has expired"}, false},
		"ttl of MongoDB":            {Source{}, `{"v": 2, "key": {"a": 1}, "name": "a_1", "expireAfterSeconds": 0}`, Kept, "a_1 {a: 1} expireAfterSeconds: 0", nil, []string{"deletes what has expired"}, false},
		"compound ttl":              {Source{}, `{"v": 1, "key": {"a": 1, "b": 1}, "name": "ab", "expireAfterSeconds": 60}`, Changed, "ab {a: 1, b: 1}", []string{"one field only"}, nil, true},
		"ttl on _id":                {Source{}, `{"v": 1, "key": {"_id": -1}, "name": "x", "expireAfterSeconds": 60}`, Changed, "x {_id: -1}", []string{"does not expire documents by this index"}, nil, true},
		"ttl that is NaN":           {Source{}, `{"v": 1, "key": {"a": 1}, "name": "x", "expireAfterSeconds": {"$numberDouble": "NaN"}}`, Changed, "x {a: 1}", []string{"no time"}, nil, true},
		"ttl that is a text":        {Source{}, `{"v": 1, "key": {"a": 1}, "name": "x", "expireAfterSeconds": "60"}`, Changed, "x {a: 1}", []string{"no time"}, nil, true},
		"ttl of centuries":          {Source{}, `{"v": 1, "key": {"a": 1}, "name": "x", "expireAfterSeconds": {"$numberLong": "9999999999"}}`, Changed, "x {a: 1} expireAfterSeconds: 2147483647", []string{"the most"}, nil, false},
		"default of 3.2":            {Source{Cosmos: true}, `{"v": 1, "key": {"DocumentDBDefaultIndex": "2dsphere"}, "name": "DocumentDBDefaultIndex_2dsphere"}`, Dropped, "", []string{"loses nothing"}, nil, true},
		"wildcard of Cosmos DB":     {Source{Cosmos: true}, `{"v": 1, "key": {"$**": 1}, "name": "$**_1"}`, Kept, "$**_1 {$**: 1}", nil, []string{"every field"}, false},
		"wildcard of MongoDB":       {Source{}, `{"v": 2, "key": {"a.$**": 1}, "name": "w"}`, Kept, `w {a.$**: 1}`, nil, nil, true},
		"unique on one field":       {Source{Cosmos: true}, `{"v": 1, "key": {"a": 1}, "name": "a_1", "unique": true}`, Kept, "a_1 {a: 1} unique", nil, []string{"shard key"}, false},
		"unique on several":         {Source{Cosmos: true}, `{"v": 1, "key": {"a": 1, "b": 1}, "name": "ab", "unique": true}`, Kept, "ab {a: 1, b: 1} unique", nil, []string{"shard key", "arrays"}, false},
		"unique on a nested field":  {Source{Cosmos: true}, `{"v": 1, "key": {"a.b": 1}, "name": "ab", "unique": true}`, Kept, "ab {a.b: 1} unique", nil, []string{"shard key", "arrays"}, false},
		"unique of MongoDB":         {Source{}, `{"v": 2, "key": {"a": 1, "b": 1}, "name": "ab", "unique": true}`, Kept, "ab {a: 1, b: 1} unique", nil, nil, true},
		"unknown option":            {Source{}, `{"v": 2, "key": {"a": 1}, "name": "a_1", "prepareUnique": true}`, Changed, "a_1 {a: 1}", []string{"prepareUnique: true is left out"}, nil, true},
		"bookkeeping":               {Source{}, `{"v": 1, "key": {"a": 1}, "name": "a_1", "ns": "x.y", "background": true, "dropDups": true}`, Kept, "a_1 {a: 1}", nil, nil, true},
		"DocumentDB's bookkeeping":  {Source{}, `{"v": 2, "key": {"a": 1}, "name": "a_1", "storageEngine": {"enableOrderedIndex": true}}`, Kept, "a_1 {a: 1}", nil, nil, true},
		"storage engine":            {Source{}, `{"v": 2, "key": {"a": 1}, "name": "a_1", "storageEngine": {"wiredTiger": {"configString": "x"}, "enableOrderedIndex": true}}`, Kept, "a_1 {a: 1} storageEngine: {wiredTiger: {configString: x}}", nil, nil, true},
		"collection with collation": {Source{Collation: simple}, `{"v": 2, "key": {"a": 1}, "name": "a_1"}`, Changed, "a_1 {a: 1} collation: {locale: simple}", []string{"default collation (sv)"}, nil, true},
		"both with collation":       {Source{Collation: simple}, `{"v": 2, "key": {"a": 1}, "name": "a_1", "collation": {"locale": "sv"}}`, Kept, "a_1 {a: 1} collation: {locale: sv}", nil, nil, true},
		"text":                      {Source{}, `{"v": 2, "key": {"p": 1, "_fts": "text", "_ftsx": 1, "s": 1}, "name": "x", "weights": {"body": 1, "title": 10}}`, Kept, "x {p: 1, body: text, title: text, s: 1} weights: {body: 1, title: 10}", nil, nil, true},
		"text of every field":       {Source{}, `{"v": 2, "key": {"_fts": "text", "_ftsx": 1}, "name": "x", "weights": {"$**": 1}}`, Kept, "x {$**: text} weights: {$**: 1}", nil, nil, true},
		"no key":                    {Source{}, `{"v": 2, "name": "x"}`, Dropped, "", []string{"without a key"}, nil, true},
		"no name":                   {Source{}, `{"v": 2, "key": {"a": 1, "b": "2dsphere"}}`, Changed, "a_1_b_2dsphere {a: 1, b: 2dsphere}", []string{"no name"}, nil, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report := Translate(listing(t, test.listed), test.source)
			entry := report.Entries[0]
			if entry.Verdict != test.verdict {
				t.Errorf("%s, want %s", entry.Verdict, test.verdict)
			}
			creates := ""
			if entry.Index != nil {
				creates = entry.Index.String()
			}
			if creates != test.creates {
				t.Errorf("creates %q, want %q", creates, test.creates)
			}
			reasons, warnings := strings.Join(entry.Reasons, "\n"), strings.Join(entry.Warnings, "\n")
			for _, part := range test.says {
				if !strings.Contains(reasons, part) {
					t.Errorf("reasons do not say %q: %s", part, reasons)
				}
			}
			for _, part := range test.warns {
				if !strings.Contains(warnings, part) {
					t.Errorf("warnings do not say %q: %s", part, warnings)
				}
			}
			if (entry.Verdict == Kept && entry.Index != nil) != (len(entry.Reasons) == 0) {
				t.Errorf("%s with the reasons %q", entry.Verdict, entry.Reasons)
			}
			if test.unwarned && len(entry.Warnings) > 0 {
				t.Errorf("warns %q", entry.Warnings)
			}
		})
	}
}

// Whatever is listed shows up in the report, and bookkeeping once for all.
func TestEveryIndexIsReported(t *testing.T) {
	listed := cosmosListing(t)
	report := Translate(listed, Source{Cosmos: true})
	if len(report.Entries) != len(listed) || report.Count(Kept)+report.Count(Changed)+report.Count(Dropped) != len(listed) {
		t.Errorf("%d of %d", len(report.Entries), len(listed))
	}
	if got := strings.Join(report.LeftOut, " "); got != "ns v" {
		t.Errorf("left out %q", got)
	}
	if report.Entries[0].Name != "_id_" {
		t.Errorf("begins with %s", report.Entries[0].Name)
	}
	for _, index := range report.Indexes() {
		for _, o := range index.options() {
			if _, known := lookUp(o.name); !known {
				t.Errorf("%s is created with %s", index, o.name)
			}
		}
	}
}
