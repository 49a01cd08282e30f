package plans

import (
	"path"
	"strings"
)

// listShape is a list, which decodes to a []listItem.
type listShape struct {
	of     shape
	item   string // what one is called in messages
	least  int
	unique bool // its items can then be compared
}

// listItem is one decoded entry of a list.
type listItem struct {
	decoded any
	value   *value
}

func (s listShape) decode(d *decoder, name string, v *value) (any, bool) {
	if !v.isSequence() {
		hint := ""
		if v.isScalar() && !v.isNull() && !v.isInterpolated() {
			hint = "write it as a list: [" + strings.Trim(v.show(), `"`) + "]"
		}
		d.reportAt(v, hint, "%s must be a list, not %s", name, v.describe())
		return nil, false
	}
	if len(v.items) < s.least {
		d.reportAt(v, "", "%s must not be empty", name)
		return nil, false
	}
	items, ok := []listItem{}, true
	seen := map[any]bool{}
	for _, one := range v.items {
		if one.broken {
			ok = false
			continue
		}
		decoded, good := s.of.decode(d, s.item, one)
		if !good {
			ok = false
			continue
		}
		if s.unique && seen[decoded] {
			d.reportAt(one, "", "%s is listed twice", one.show())
			ok = false
			continue
		}
		seen[decoded] = true
		items = append(items, listItem{decoded, one})
	}
	return items, ok
}

func (s listShape) schema() jsonObject {
	schema := jsonObject{"type": "array", "items": s.of.schema()}
	if s.least > 0 {
		schema["minItems"] = s.least
	}
	if s.unique {
		schema["uniqueItems"] = true
	}
	return schema
}

// collectionShape is an entry of collections, which decodes to a CollectionName.
type collectionShape struct{}

func (collectionShape) decode(d *decoder, name string, v *value) (any, bool) {
	if v.isScalar() {
		text, ok := d.scalarText(name, v)
		if !ok || !d.collectionName(v, text, true) {
			return nil, false
		}
		return CollectionName{From: text, To: text, Position: v.position()}, true
	}
	if !v.isMapping() {
		d.reportAt(v, "", "%s must be a name, a pattern or {from: NAME, to: NAME}, not %s", name, v.describe())
		return nil, false
	}
	r := d.object(&renameObject, v)
	if r == nil || r.failed {
		return nil, false
	}
	return CollectionName{From: get[string](r, "from"), To: get[string](r, "to"), Position: v.position()}, true
}

func (collectionShape) schema() jsonObject {
	return jsonObject{"anyOf": []any{
		jsonObject{"type": "string", "minLength": 1, "description": "a name, or a pattern such as orders-*"},
		renameObject.schema(),
	}}
}

// collectionNameShape is the name of one collection, which decodes to a string.
type collectionNameShape struct{}

func (collectionNameShape) decode(d *decoder, name string, v *value) (any, bool) {
	text, ok := d.scalarText(name, v)
	if !ok || !d.collectionName(v, text, false) {
		return nil, false
	}
	return text, true
}

func (collectionNameShape) schema() jsonObject { return textShape{}.schema() }

// patternShape is a pattern of collection names, which decodes to a string.
type patternShape struct{}

func (patternShape) decode(d *decoder, name string, v *value) (any, bool) {
	text, ok := d.scalarText(name, v)
	if !ok || !d.collectionName(v, text, true) {
		return nil, false
	}
	return text, true
}

func (patternShape) schema() jsonObject { return textShape{}.schema() }

// collectionName reports what no server would take for a collection's name, and patterns that never match.
func (d *decoder) collectionName(v *value, text string, patterns bool) bool {
	isPattern := CollectionName{From: text}.IsPattern()
	if isPattern && !patterns {
		d.reportAt(v, "a pattern can only stand alone, as an entry of collections", "one collection is wanted here, not the pattern %s", v.show())
		return false
	}
	if _, err := path.Match(text, ""); err != nil {
		d.reportAt(v, "the signs are *, ? and [a-z]", "the pattern %s is not complete", v.show())
		return false
	}
	switch {
	case strings.ContainsAny(text, "$\x00"):
		d.reportAt(v, d.origin(v), "a collection's name cannot hold $ or a zero byte: %s", v.show())
	case len(text) > 255:
		d.reportAt(v, d.origin(v), "a collection's name has at most 255 bytes, this one %d", len(text))
	case strings.HasPrefix(text, ".") || strings.HasSuffix(text, "."):
		d.reportAt(v, d.origin(v), "a collection's name neither begins nor ends with a dot: %s", v.show())
	default:
		return true
	}
	return false
}

// expressionShape is the text of an expression. It decodes to the *value, for the places inside of it.
type expressionShape struct{}

func (expressionShape) decode(d *decoder, name string, v *value) (any, bool) {
	if v.isScalar() && !v.isNull() {
		if strings.TrimSpace(v.text) == "" {
			d.reportAt(v, d.origin(v), "%s is empty", name)
			return nil, false
		}
		return v, true // `when: true` is a fine expression
	}
	d.reportAt(v, `quote it if it begins with { or [`, "%s must be an expression, not %s", name, v.describe())
	return nil, false
}

func (expressionShape) schema() jsonObject {
	return jsonObject{"type": []string{"string", "boolean", "number"}}
}

// assignmentsShape is a mapping from field path to expression, which decodes to a []fieldValue.
type assignmentsShape struct{}

func (assignmentsShape) decode(d *decoder, name string, v *value) (any, bool) {
	if !v.isMapping() {
		d.reportAt(v, "", "%s must be a mapping from a field's path to an expression, not %s", name, v.describe())
		return nil, false
	}
	ok := true
	for _, f := range v.fields {
		if f.value.broken {
			ok = false
			continue
		}
		_, good := expressionShape{}.decode(d, name+"."+f.name, f.value)
		ok = ok && good
	}
	return v.fields, ok
}

func (assignmentsShape) schema() jsonObject {
	return jsonObject{"type": "object", "additionalProperties": expressionShape{}.schema()}
}

// queryShape is MQL as a mapping, or as a string of extended JSON. It decodes to BSON bytes.
type queryShape struct{}

func (queryShape) decode(d *decoder, name string, v *value) (any, bool) {
	document, ok := d.query(name, v)
	if !ok {
		return nil, false
	}
	return document, true
}

func (queryShape) schema() jsonObject { return jsonObject{"type": []string{"object", "string"}} }

// objectShape is a mapping with known fields, which decodes to a *record. Nothing at all stands for an
// empty one: all of its fields may be commented out.
type objectShape struct{ object *object }

func (s objectShape) decode(d *decoder, _ string, v *value) (any, bool) {
	r := d.object(s.object, v)
	if r == nil {
		return nil, false
	}
	return r, true
}

func (s objectShape) schema() jsonObject { return s.object.schema() }

// connectionsShape is a mapping from name to connection, which decodes to a []namedRecord.
type connectionsShape struct{}

type namedRecord struct {
	name   string
	key    Position
	record *record
}

func (connectionsShape) decode(d *decoder, name string, v *value) (any, bool) {
	if !v.isMapping() {
		d.reportAt(v, "", "%s must be a mapping from a name to {uri: ..., database: ...}, not %s", name, v.describe())
		return nil, false
	}
	connections := []namedRecord{}
	for _, f := range v.fields {
		if !namePattern.MatchString(f.name) {
			d.report(nodePosition(f.key), "", "the name of a connection must be %s, not %q", nameRule, f.name)
		}
		var r *record
		if !f.value.broken {
			r = d.object(&connectionObject, f.value)
		}
		connections = append(connections, namedRecord{f.name, nodePosition(f.key), r})
	}
	return connections, true
}

func (connectionsShape) schema() jsonObject {
	return jsonObject{
		"type":                 "object",
		"propertyNames":        jsonObject{"pattern": namePattern.String()},
		"additionalProperties": connectionObject.schema(),
	}
}

// stepsShape is the list of steps, which decodes to a []*record; a nil one was reported.
type stepsShape struct{}

func (stepsShape) decode(d *decoder, name string, v *value) (any, bool) {
	if !v.isSequence() {
		d.reportAt(v, "a step begins with `- name: ...`", "%s must be a list, not %s", name, v.describe())
		return nil, false
	}
	if len(v.items) == 0 {
		d.reportAt(v, "", "a plan must have at least one step")
		return nil, false
	}
	records := []*record{}
	for _, item := range v.items {
		if !item.broken {
			records = append(records, d.step(item))
		}
	}
	return records, true
}

func (stepsShape) schema() jsonObject {
	return jsonObject{"type": "array", "minItems": 1, "items": jsonObject{"$ref": "#/definitions/step"}}
}
