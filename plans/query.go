package plans

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
)

// query decodes MQL, given as a mapping or as a string of extended JSON, to BSON bytes. Keys keep their
// order, whole numbers become int32 or int64 and others doubles.
func (d *decoder) query(name string, v *value) ([]byte, bool) {
	if v.isScalar() {
		text, ok := d.scalarText(name, v)
		if !ok {
			return nil, false
		}
		document, err := parseExtendedJSON(text)
		if err != nil {
			d.reportAt(v, d.origin(v), "%s is not extended JSON%s", name, jsonPlace(text, v))
			return nil, false
		}
		return document, true
	}
	if !v.isMapping() {
		d.reportAt(v, "", "%s must be a mapping such as {status: completed}, not %s", name, v.describe())
		return nil, false
	}
	before := len(d.found)
	var b bytes.Buffer
	if !d.extendedJSON(&b, v) || len(d.found) > before {
		return nil, false
	}
	document, err := parseExtendedJSON(b.String())
	if err != nil {
		culprit := refused(v)
		d.reportAt(culprit, "extended JSON: https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/",
			"%s is not extended JSON here", name)
		return nil, false
	}
	d.checkOperators(v)
	return document, len(d.found) == before
}

// parseExtendedJSON returns one document as BSON.
func parseExtendedJSON(text string) ([]byte, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var whole json.RawMessage
	if err := decoder.Decode(&whole); err != nil {
		return nil, err
	}
	if decoder.More() || len(whole) == 0 || whole[0] != '{' {
		return nil, fmt.Errorf("not one document")
	}
	var document bson.Raw
	if err := bson.UnmarshalExtJSON(whole, false, &document); err != nil {
		return nil, err
	}
	return document, document.Validate()
}

// jsonPlace says where the JSON of a text breaks off, unless the text may hold a secret.
func jsonPlace(text string, v *value) string {
	var syntax *json.SyntaxError
	var whole any
	err := json.Unmarshal([]byte(text), &whole)
	if v.isInterpolated() || !errors.As(err, &syntax) {
		return ""
	}
	return fmt.Sprintf(": %v at character %d", err, syntax.Offset)
}

// extendedJSON writes a value as extended JSON, its keys in their order; false when some of it was reported.
func (d *decoder) extendedJSON(b *bytes.Buffer, v *value) bool {
	ok := !v.broken
	switch {
	case v.broken:
		b.WriteString("null")
	case v.isMapping():
		b.WriteByte('{')
		for i, f := range v.fields {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSONString(b, f.name)
			b.WriteByte(':')
			ok = d.extendedJSON(b, f.value) && ok
		}
		b.WriteByte('}')
	case v.isSequence():
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			ok = d.extendedJSON(b, item) && ok
		}
		b.WriteByte(']')
	default:
		return d.scalarJSON(b, v)
	}
	return ok
}

func (d *decoder) scalarJSON(b *bytes.Buffer, v *value) bool {
	tag := v.tag
	if tag == "!!float" && !strings.ContainsAny(v.text, ".eEnN") {
		tag = "!!int" // YAML takes what is too large for an integer as a float
	}
	switch tag {
	case "!!null":
		b.WriteString("null")
	case "!!bool":
		b.WriteString(strings.ToLower(v.text))
	case "!!int":
		n, err := parseInteger(v.text)
		if err != nil {
			d.reportAt(v, `write {$numberDecimal: "..."}`, "%s does not fit into 64 bits", v.show())
			return false
		}
		b.WriteString(strconv.FormatInt(n, 10))
	case "!!float":
		b.WriteString(`{"$numberDouble":"` + doubleText(v.text) + `"}`)
	case "!!timestamp":
		d.reportAt(v, fmt.Sprintf("write {$date: %q}, or quote it if a text is meant", dateText(v.text)),
			"%s is not quoted: a date or a text?", v.show())
		return false
	default:
		writeJSONString(b, v.text)
	}
	return true
}

// doubleText returns a YAML float as extended JSON has it.
func doubleText(s string) string {
	s = strings.ReplaceAll(s, "_", "")
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case ".inf":
		if strings.HasPrefix(s, "-") {
			return "-Infinity"
		}
		return "Infinity"
	case ".nan":
		return "NaN"
	}
	f, _ := strconv.ParseFloat(s, 64) // beyond a double's range it is an infinity
	return strconv.FormatFloat(f, 'G', -1, 64)
}

func dateText(s string) string {
	if len(s) == len("2006-01-02") {
		return s + "T00:00:00Z"
	}
	return s
}

func writeJSONString(b *bytes.Buffer, s string) {
	text, _ := json.Marshal(s) // a string always has a JSON form
	b.Write(text)
}

// refused returns the innermost part of a value that is not extended JSON.
func refused(v *value) *value {
	inner := v.items
	for _, f := range v.fields {
		inner = append(inner, f.value)
	}
	for _, part := range inner {
		var b bytes.Buffer
		b.WriteString(`{"v":`)
		quiet := &decoder{&expander{reporter: &reporter{text: newText("", nil)}}}
		if !part.isScalar() && quiet.extendedJSON(&b, part) {
			b.WriteByte('}')
			if _, err := parseExtendedJSON(b.String()); err != nil {
				return refused(part)
			}
		}
	}
	return v
}

// queryOperators are those of find. A name that is not among them is reported only where it looks like one
// of them misspelt: servers know more than this list.
var queryOperators = []string{
	"$all", "$and", "$bitsAllClear", "$bitsAllSet", "$bitsAnyClear", "$bitsAnySet", "$comment", "$elemMatch", "$eq",
	"$exists", "$expr", "$geoIntersects", "$geoWithin", "$gt", "$gte", "$in", "$jsonSchema", "$lt", "$lte", "$mod", "$ne",
	"$near", "$nearSphere", "$nin", "$nor", "$not", "$options", "$or", "$regex", "$size", "$text", "$type", "$where",
	"$date", "$oid", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$binary", "$uuid", "$timestamp",
	"$regularExpression", "$minKey", "$maxKey", "$undefined", "$symbol", "$code", "$scope", "$ref", "$id", "$db", "$dbPointer",
	"$box", "$center", "$centerSphere", "$geometry", "$maxDistance", "$minDistance", "$polygon", "$search", "$language",
	"$caseSensitive", "$diacriticSensitive", "$rand", "$sampleRate", "$natural",
}

func (d *decoder) checkOperators(v *value) {
	for _, item := range v.items {
		d.checkOperators(item)
	}
	for _, f := range v.fields {
		known := !strings.HasPrefix(f.name, "$")
		for _, operator := range queryOperators {
			known = known || operator == f.name
		}
		if near := nearest(f.name, queryOperators); !known && near != "" {
			d.report(nodePosition(f.key), didYouMean(near), "there is no query operator %s", f.name)
		}
		if f.name != "$expr" && f.name != "$jsonSchema" { // these have languages of their own
			d.checkOperators(f.value)
		}
	}
}
