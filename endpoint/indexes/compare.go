package indexes

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
)

// Differences says, a phrase for each, in what `have` does something else than `want`: "unique: true, wanted
// without". None means that a server does the same with both. Names are not compared, nor what servers choose by
// themselves where it is not given.
func Differences(want, have Index) []string {
	var list []string
	if !SameKey(want, have) {
		list = append(list, fmt.Sprintf("key: %s, wanted %s", KeyText(have.Key()), KeyText(want.Key())))
	}
	text := isText(want) && isText(have)
	for _, o := range whitelist {
		wanted, given := want.Option(o.name)
		there, listed := have.Option(o.name)
		if text && o.name == "weights" && len(list) == 0 {
			wanted, there = valueOf(documentOf(weights(want))), valueOf(documentOf(weights(have)))
			given, listed = true, true
		}
		if o.name == "weights" && text && len(list) > 0 || !given && !listed || o.assigned && given != listed || sameOption(o, wanted, there) {
			continue
		}
		list = append(list, fmt.Sprintf("%s, wanted %s", written(o.name, there, listed), written(o.name, wanted, given)))
	}
	return list
}

func written(name string, value bson.RawValue, given bool) string {
	if !given {
		return "without " + name
	}
	return name + ": " + Text(value)
}

// SameKey tells whether two indexes are on the same fields, in the same order and of the same types.
func SameKey(a, b Index) bool {
	return isText(a) == isText(b) && sameDocument(comparedKey(a), comparedKey(b))
}

func isText(i Index) bool { return i.ofType("text") }

// comparedKey returns a key in one form. A text index has no order among its words, and servers list it as
// {_fts: text, _ftsx: 1} with the fields among the weights; what stands before and after the words keeps its place.
func comparedKey(i Index) []field {
	fields := fieldsOf(i.Key())
	if !isText(i) {
		return fields
	}
	var key []field
	at := -1
	for _, f := range fields {
		switch word, _ := f.value.StringValueOK(); {
		case f.name == "_ftsx":
		case word != "text":
			key = append(key, f)
		case at < 0:
			at = len(key)
		}
	}
	var words []field
	for _, w := range weights(i) {
		words = append(words, field{w.name, valueOf("text")})
	}
	return slices.Insert(key, max(at, 0), words...)
}

// weights are those of a text index by the names of its fields, with 1 for those that are not given.
func weights(i Index) []field {
	given, _ := i.definition.Lookup("weights").DocumentOK()
	list := fieldsOf(given)
	for _, f := range fieldsOf(i.Key()) {
		has := slices.ContainsFunc(list, func(w field) bool { return w.name == f.name })
		if word, _ := f.value.StringValueOK(); word == "text" && f.name != "_fts" && !has {
			list = append(list, field{f.name, valueOf(int32(1))})
		}
	}
	return sorted(list)
}

// sameOption compares the values of an option; one that is not given has Type 0.
func sameOption(o option, a, b bson.RawValue) bool {
	switch o.name {
	case "collation":
		return sameDocument(fullCollation(a), fullCollation(b))
	case "wildcardProjection":
		return sameDocument(projection(a), projection(b))
	case "partialFilterExpression":
		return sameFilter(a, b)
	}
	if o.fallback != nil {
		a, b = orElse(a, o.fallback), orElse(b, o.fallback)
	}
	if o.kind == flagKind {
		return truth(a) == truth(b)
	}
	return sameValue(a, b)
}

func orElse(value bson.RawValue, fallback any) bson.RawValue {
	if value.Type == 0 {
		return valueOf(fallback)
	}
	return value
}

// fullCollation returns a collation with what servers fill in. The simple one is as good as none.
func fullCollation(value bson.RawValue) []field {
	document, _ := value.DocumentOK()
	if locale, _ := document.Lookup("locale").StringValueOK(); locale == "simple" || len(document) == 0 {
		return nil
	}
	full := []field{
		{"caseLevel", valueOf(false)}, {"caseFirst", valueOf("off")}, {"strength", valueOf(int32(3))},
		{"numericOrdering", valueOf(false)}, {"alternate", valueOf("non-ignorable")}, {"maxVariable", valueOf("punct")},
		{"normalization", valueOf(false)}, {"backwards", valueOf(false)},
	}
	for _, f := range fieldsOf(document) {
		n := slices.IndexFunc(full, func(other field) bool { return other.name == f.name })
		switch {
		case f.name == "version": // of the server's library
		case n >= 0:
			full[n].value = f.value
		default:
			full = append(full, f)
		}
	}
	return sorted(full)
}

// projection returns a wildcardProjection in one form: nested fields by their paths, flags for numbers, and
// without an _id that is left out anyway.
func projection(value bson.RawValue) []field {
	var list []field
	var visit func(prefix string, document bson.Raw)
	visit = func(prefix string, document bson.Raw) {
		for _, f := range fieldsOf(document) {
			name := prefix + f.name
			if nested, ok := f.value.DocumentOK(); ok {
				visit(name+".", nested)
				continue
			}
			if included := truth(f.value); name != "_id" || included {
				list = append(list, field{name, valueOf(included)})
			}
		}
	}
	document, _ := value.DocumentOK()
	visit("", document)
	return sorted(list)
}

func sorted(fields []field) []field {
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return fields
}

func sameDocument(a, b []field) bool {
	return slices.EqualFunc(a, b, func(x, y field) bool { return x.name == y.name && sameValue(x.value, y.value) })
}

// sameFilter compares filters: conditions on different fields may stand in any order.
func sameFilter(a, b bson.RawValue) bool {
	left, isDocument := a.DocumentOK()
	right, both := b.DocumentOK()
	if !isDocument || !both {
		return sameValue(a, b)
	}
	x, y := sorted(fieldsOf(left)), sorted(fieldsOf(right))
	return slices.EqualFunc(x, y, func(f, g field) bool {
		if strings.HasPrefix(f.name, "$") { // the value of an operator is taken as it is
			return f.name == g.name && sameValue(f.value, g.value)
		}
		return f.name == g.name && sameFilter(f.value, g.value)
	})
}

// sameValue compares values as servers do: numbers by what they are worth, documents by fields in their order.
func sameValue(a, b bson.RawValue) bool {
	x, isNumber := number(a)
	if y, both := number(b); isNumber && both {
		return x == y || x != x && y != y
	}
	if a.Type != b.Type {
		return false
	}
	if a.Type == bson.TypeEmbeddedDocument || a.Type == bson.TypeArray {
		return sameDocument(fieldsOf(bson.Raw(a.Value)), fieldsOf(bson.Raw(b.Value)))
	}
	return bytes.Equal(a.Value, b.Value)
}

// Difference is an index on which two collections do not agree.
type Difference struct {
	Want *Index   // nil: unexpected
	Have *Index   // nil: missing
	In   []string // what differs, where there are both
}

// Compare tells what `have` lacks, has otherwise, and has beyond `want`, and which it has under other names (by
// the wanted name). The index on _id is no matter of it.
func Compare(want, have []Index) (differences []Difference, renamed map[string]string) {
	renamed = map[string]string{}
	left := slices.DeleteFunc(slices.Clone(have), func(i Index) bool { return isID(i.Key()) })
	take := func(n int) *Index {
		taken := left[n]
		left = slices.Delete(left, n, n+1)
		return &taken
	}
	var open []Index
	for _, w := range want {
		if n := slices.IndexFunc(left, func(h Index) bool { return h.Name() == w.Name() && len(Differences(w, h)) == 0 }); n >= 0 {
			take(n)
			continue
		}
		open = append(open, w)
	}
	var still []Index
	for _, w := range open {
		if n := slices.IndexFunc(left, func(h Index) bool { return len(Differences(w, h)) == 0 }); n >= 0 {
			renamed[w.Name()] = take(n).Name()
			continue
		}
		still = append(still, w)
	}
	for _, w := range still {
		n := slices.IndexFunc(left, func(h Index) bool { return h.Name() == w.Name() })
		if n < 0 {
			n = slices.IndexFunc(left, func(h Index) bool { return SameKey(h, w) })
		}
		if n < 0 {
			differences = append(differences, Difference{Want: &w})
			continue
		}
		h := take(n)
		differences = append(differences, Difference{Want: &w, Have: h, In: Differences(w, *h)})
	}
	for _, h := range left {
		differences = append(differences, Difference{Have: &h})
	}
	return differences, renamed
}
