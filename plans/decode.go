package plans

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// decoder walks the values of a plan along the field table and reports every mistake.
type decoder struct {
	*expander
}

// record is a decoded mapping.
type record struct {
	value  *value
	fields map[string]decodedField
	failed bool            // something in it was reported
	bad    map[string]bool // fields that are given, and wrong
}

type decodedField struct {
	decoded any
	value   *value // nil: not given, this is the fallback
}

// get returns a field in its Go form, or the zero value.
func get[T any](r *record, name string) T {
	decoded, _ := r.fields[name].decoded.(T)
	return decoded
}

// at returns where a field's value stands, else the record itself.
func (r *record) at(name string) *value {
	if v := r.fields[name].value; v != nil {
		return v
	}
	return r.value
}

// given tells whether the file has the field, right or wrong.
func (r *record) given(name string) bool { return r.fields[name].value != nil || r.bad[name] }

// object decodes a mapping by its fields. It returns nil after reporting what is no mapping.
func (d *decoder) object(o *object, v *value) *record {
	r := &record{value: v, fields: map[string]decodedField{}, bad: map[string]bool{}}
	before := len(d.found)
	if !v.isMapping() && (!o.overlay || !v.isNull()) {
		d.reportAt(v, oneOf(fieldNames(o)), "%s must be a mapping, not %s", o.name, v.describe())
		return nil
	}
	for _, f := range v.fields {
		known := o.field(f.name)
		if known == nil {
			if !o.extras || !strings.HasPrefix(f.name, "x-") {
				d.report(nodePosition(f.key), suggestField(o, f.name), "%s has no field %q", o.name, f.name)
			}
			continue
		}
		d.field(r, known, f, o.prefix)
	}
	d.complete(o, r)
	r.failed = len(d.found) > before || len(r.bad) > 0
	return r
}

func (d *decoder) field(r *record, known *field, f fieldValue, prefix string) {
	_, nested := known.shape.(objectShape)
	empty := f.value.isScalar() && f.value.text == "" || f.value.isNull()
	switch {
	case f.value.broken:
		r.bad[f.name] = true
	case empty && f.value.isInterpolated() && !known.required:
		// An optional field whose ${NAME:-} comes to nothing is as good as absent.
	case empty && f.value.isInterpolated():
		r.bad[f.name] = true
		d.reportAt(f.value, d.origin(f.value), "%s is empty: %s comes to nothing", f.name, f.value.show())
	case empty && !nested:
		r.bad[f.name] = true
		d.reportAt(f.value, "give it a value or remove the line", "%s is empty", f.name)
	default:
		decoded, ok := known.shape.decode(d, prefix+f.name, f.value)
		if !ok {
			r.bad[f.name] = true
		}
		if ok || decoded != nil { // of a list, what is good in it is looked at further
			r.fields[f.name] = decodedField{decoded, f.value}
		}
	}
}

// complete reports missing fields and fills in fallbacks.
func (d *decoder) complete(o *object, r *record) {
	for i := range o.fields {
		f := &o.fields[i]
		switch {
		case r.given(f.name):
		case f.required:
			r.bad[f.name] = true
			d.reportAt(r.value, f.doc, "%s needs the field %q", o.name, f.name)
		case f.fallback != "" && !o.overlay:
			r.fields[f.name] = decodedField{decoded: d.fallback(f)}
		}
	}
}

// fallback returns what holds when a field is not given.
func (d *decoder) fallback(f *field) any {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: f.fallback}
	decoded, _ := f.shape.decode(d, f.name, &value{node: node, text: f.fallback, tag: node.ShortTag()})
	return decoded
}

// step decodes a step. What its fields are follows from its type.
func (d *decoder) step(v *value) *record {
	common := &object{name: "a step", fields: commonFields}
	if !v.isMapping() {
		d.reportAt(v, "a step begins with `- name: ...`", "a step must be a mapping, not %s", v.describe())
		return nil
	}
	var known *object
	if t := v.field("type"); t != nil && t.isScalar() && !t.broken {
		if known = stepObject(t.text); known == nil && (t.tag == "!!str" || t.isInterpolated()) {
			d.reportAt(t, suggest(t.text, stepTypeNames()), "there is no step type %s", t.show())
		}
	}
	if known != nil {
		return d.object(known, v)
	}
	// Of a step whose type is not known, only the fields of every step can be judged.
	judged := &value{node: v.node}
	for _, f := range v.fields {
		if common.field(f.name) != nil {
			judged.fields = append(judged.fields, f)
		}
	}
	r := d.object(common, judged)
	r.failed, r.bad["type"] = true, true
	return r
}

// scalarText returns the text of a scalar that is meant to be one.
func (d *decoder) scalarText(name string, v *value) (string, bool) {
	switch {
	case !v.isScalar() || v.isNull() && !v.isInterpolated():
		d.reportAt(v, "", "%s must be a text, not %s", name, v.describe())
	case v.text == "":
		d.reportAt(v, d.origin(v), "%s is empty", name)
	case !v.isInterpolated() && v.tag != "!!str" && v.tag != "!!timestamp":
		d.reportAt(v, fmt.Sprintf("quote it: %q", v.text), "%s must be a text, not the %s %s", name, kindOf(v.tag), v.text)
	case strings.ContainsRune(v.text, 0):
		d.reportAt(v, "", "%s holds a zero byte", name)
	default:
		return v.text, true
	}
	return "", false
}

func kindOf(tag string) string {
	switch tag {
	case "!!bool":
		return "truth value"
	case "!!int", "!!float":
		return "number"
	}
	return strings.TrimPrefix(tag, "!!")
}

// suggestField returns a hint for a field that an object does not have.
func suggestField(o *object, name string) string {
	for _, f := range o.fields {
		if slices.Contains(f.also, name) {
			return didYouMean(f.name)
		}
	}
	if near := nearest(name, fieldNames(o)); near != "" {
		return didYouMean(near)
	}
	if o.field("tuning") != nil {
		for _, f := range tuningObject.fields {
			if f.name == name || slices.Contains(f.also, name) {
				return "put it under tuning, as " + f.name
			}
		}
	}
	return oneOf(fieldNames(o))
}

func fieldNames(o *object) []string {
	var names []string
	for _, f := range o.fields {
		names = append(names, f.name)
	}
	return names
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
