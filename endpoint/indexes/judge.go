package indexes

import (
	"math"
	"strings"

	"gopkg.in/yaml.v3"
)

// judge reports what every server refuses: better now, at its line, than by the server after the copy.
func (p *parser) judge(index Index, key *yaml.Node, at map[string]*yaml.Node) {
	fields := fieldsOf(index.Key())
	if isID(index.Key()) {
		p.report(key, "remove it", "every collection has the index on _id by itself")
	}
	for name, node := range at {
		if o, ok := lookUp(name); ok && o.only != "" && !index.ofType(o.only) {
			p.report(node, "", "%s is for %s indexes only", name, o.only)
		}
	}
	if node := at["expireAfterSeconds"]; node != nil {
		value, _ := index.Option("expireAfterSeconds")
		switch seconds, _ := number(value); {
		case !(seconds >= 0 && seconds <= mostSeconds):
			p.report(node, "", "expireAfterSeconds must be 0 to %d, not %s", mostSeconds, Text(value))
		case len(fields) > 1:
			p.report(node, "remove the line, or index that one field alone", "documents expire by an index on one field only")
		case fields[0].name == "_id" || isWildcard(index.Key()):
			p.report(node, "remove the line", "documents do not expire by this index")
		}
	}
	if value, ok := index.Option("collation"); ok {
		if locale, isText := value.Document().Lookup("locale").StringValueOK(); !isText || locale == "" {
			p.report(at["collation"], "collation: {locale: sv}", "collation needs a locale")
		}
	}
	if value, ok := index.Option("weights"); ok {
		for _, f := range fieldsOf(value.Document()) {
			if n, isNumber := number(f.value); !isNumber || n < 1 || n > 99_999 || n != math.Trunc(n) {
				p.report(at["weights"], "", "the weight of %s must be a whole number from 1 to 99999, not %s", f.name, Text(f.value))
			}
		}
	}
	_, partial := index.Option("partialFilterExpression")
	if partial && index.truth("sparse") {
		p.report(at["sparse"], "the filter does for both: remove sparse", "sparse and partialFilterExpression exclude one another")
	}
	if index.ofType("hashed") && index.Unique() {
		p.report(at["unique"], "", "a hashed index cannot be unique")
	}
}

// suggest returns a hint for a name that is not known: the one probably meant, else all there are.
func suggest(name string, known []string) string {
	return firstOf(suggestNear(name, known), oneOf(known))
}

func suggestNear(name string, known []string) string {
	for _, k := range known {
		if simple(k) == simple(name) {
			return "did you mean " + k + "?"
		}
	}
	best, nearest := 3, ""
	for _, k := range known {
		if d := distance(simple(name), simple(k)); d < best && d*2 < len(k) {
			best, nearest = d, k
		}
	}
	if nearest == "" {
		return ""
	}
	return "did you mean " + nearest + "?"
}

func oneOf(known []string) string { return "allowed: " + strings.Join(known, ", ") }

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// simple is a name without what spellings differ in.
func simple(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// distance is how many letters must be changed, added or removed to make b of a.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
