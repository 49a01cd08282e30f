package expression

import (
	"bytes"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// Whatever stands in a plan and whatever bytes come as a document: compiling ends with a transform or with mistakes
// that have places inside the text, and applying it with a valid document or an error.
func FuzzTransform(f *testing.F) {
	document := orderDocument(f)
	for _, seed := range []struct{ filter, path, assigned, unset string }{
		{`doc.total_amount > 100 && doc.vehicle.model startsWith "XC"`, "customer.email", `hash(doc.customer.email)`, "internal_notes"},
		{`any(doc.items, .price > 5) || !(doc.s in ["a", null])`, "a.b", `map(doc.items, {"n": .name})`, "items.name"},
		{`date("2026-01-01") <= doc.when`, "x", `doc.customer`, "customer.name"},
		{`let x = doc.i; x % 2 == 1`, "_id", `reduce(doc.numbers, #acc + #)`, "_id"},
		{`decimal("1E+6000") * doc.dec > 1`, "i", `round(doc.dec, 1)`, "i.j"},
		{`doc.s[1:] matches "9.*"`, "s", `sortBy(doc.items, .price)`, "none"},
	} {
		f.Add(seed.filter, seed.path, seed.assigned, seed.unset, []byte(document))
	}
	f.Fuzz(func(t *testing.T, filter, path, assigned, unset string, document []byte) {
		transform, err := CompileTransform(filter, []Assignment{{path, assigned}}, []string{unset})
		if err != nil {
			mistakes, ok := err.(Errors) //nolint:errorlint // it is what is returned
			if !ok || len(mistakes) == 0 {
				t.Fatalf("%v", err)
			}
			texts := map[string]string{"filter": filter, "set:" + path: assigned, "unset:" + unset: unset}
			for _, m := range mistakes {
				text, known := texts[m.Field]
				if lines := strings.Count(text, "\n") + 1; !known || m.Message == "" || m.Column < 1 || m.Line < 1 || m.Line > lines {
					t.Fatalf("%+v", m)
				}
			}
			return
		}
		w := transform.NewWorker()
		var results [2]bson.Raw
		for n := range results {
			out, keep, err := w.Apply(document)
			if err == nil && keep && bson.Raw(document).Validate() == nil && out.Validate() != nil {
				t.Fatalf("%x becomes %x", document, []byte(out))
			}
			results[n] = bytes.Clone(out)
		}
		if !bytes.Equal(results[0], results[1]) {
			t.Fatalf("%x once, %x then", []byte(results[0]), []byte(results[1]))
		}
	})
}
