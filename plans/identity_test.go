package plans

import (
	"maps"
	"strings"
	"testing"
)

func TestIdentity(t *testing.T) {
	p := loadEverything(t)
	tests := map[string]map[string]string{
		"check":     {"type": "check-connections", "connections": "target (archive)"},
		"indexes":   {"type": "extract-indexes", "from": "source", "collections": "shop.*", "output": "indexes.yaml"},
		"generate":  {"type": "generate", "to": "source", "collection": "shop.orders", "documents": "0", "seed": "42"},
		"create":    {"type": "create-indexes", "to": "target", "indexes": "indexes", "collections": "a -> archive.b"},
		"from-file": {"type": "create-indexes", "to": "target", "file": "i.yaml", "collections": "archive.*"},
		"counts": {
			"type": "verify-counts", "from": "source", "to": "target", "count": "estimated",
			"collections": "shop.orders -> archive.orders", "query": `{"n":{"$numberLong":"5"}}`,
		},
		"copy": {
			"type": "copy", "from": "source", "to": "target", "exclude": "system.*", "read": "ids",
			"collections": "shop.a -> archive.b, shop.hush -> archive.hush, shop.orders-* -> archive.orders-*",
			"query": `{"z":{"$gte":{"$date":{"$numberLong":"1704067200000"}}},"a":[{"$numberInt":"1"},{"$numberLong":"3000000000"},` +
				`{"$numberDouble":"1.5"},true,null,"5",{"$numberDouble":"Infinity"}]}`,
		},
	}
	for name, want := range tests {
		if got := p.Step(name).Identity; !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
}

// What the environment puts into a query may be a secret: it must tell two values apart without telling them.
func TestIdentityHoldsNoInterpolatedValue(t *testing.T) {
	one, two := loadEverything(t).Step("content").Identity, loadEverything(t, "PRIVATE=other").Step("content").Identity
	for _, identity := range []map[string]string{one, two} {
		if got := identity["query"]; !strings.Contains(got, "${PRIVATE}") || strings.Contains(got, "hush") || strings.Contains(got, "other") {
			t.Errorf("query: %q", got)
		}
	}
	if field, _, _, differs := IdentityDifference(one, two); !differs || field != "query" {
		t.Errorf("another value of a name: %q, %v", field, differs)
	}
}

func TestIdentityIgnoresTuningAndAddress(t *testing.T) {
	before := loadEverything(t)
	other := strings.NewReplacer("workers: 12", "workers: 1", "8MiB", "9MiB", "u:p%2F@cluster.example.net", "u:rotated@h.example.net",
		"append: true", "append: false", "on_conflict: replace", "on_conflict: skip", "[\"orders-*\", {from: a, to: b}", "[{from: a, to: b}, \"orders-*\"",
		"on_error: continue", "on_error: stop").Replace(everything)
	after, found := Parse("elsewhere/p.yaml", []byte(other), Options{Environ: []string{"SOURCE=mongodb://x:y@z:1/shop", "PRIVATE=hush"}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	for i, s := range before.Steps {
		if field, was, is, differs := IdentityDifference(s.Identity, after.Steps[i].Identity); differs {
			t.Errorf("%s: %s was %q, is %q", s.Name, field, was, is)
		}
	}
}

func TestIdentityDifference(t *testing.T) {
	tests := []struct {
		saved, now     map[string]string
		field, was, is string
		differs        bool
	}{
		{nil, nil, "", "", "", false},
		{map[string]string{"a": "1"}, map[string]string{"a": "1"}, "", "", "", false},
		{map[string]string{"a": "1", "b": "2", "c": "3"}, map[string]string{"a": "1", "b": "9", "c": "9"}, "b", "2", "9", true},
		{nil, map[string]string{"query": "{}"}, "query", "", "{}", true},
		{map[string]string{"query": "{}"}, nil, "query", "{}", "", true},
	}
	for _, test := range tests {
		field, was, is, differs := IdentityDifference(test.saved, test.now)
		if field != test.field || was != test.was || is != test.is || differs != test.differs {
			t.Errorf("%v and %v: %q, %q, %q, %v", test.saved, test.now, field, was, is, differs)
		}
	}
}
