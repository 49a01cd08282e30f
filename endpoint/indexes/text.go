package indexes

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
)

// Text is a value as an index file has it: YAML in one line, of which [Parse] makes the very same value again.
func Text(value bson.RawValue) string {
	var b strings.Builder
	writeValue(&b, value, 0)
	return b.String()
}

// KeyText is a document, such as a key, in the form of an index file.
func KeyText(key bson.Raw) string {
	if len(key) == 0 {
		return ""
	}
	return Text(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: key})
}

const (
	deepest    = 40  // documents in documents that are written as such
	longestKey = 500 // bytes of a field name; YAML has a limit of its own
)

// writeValue writes plainly what YAML has a word for, as extended JSON what that has one for, and the rest as BSON.
func writeValue(b *strings.Builder, value bson.RawValue, depth int) {
	switch value.Type {
	case bson.TypeInt32:
		b.WriteString(strconv.FormatInt(int64(value.Int32()), 10))
		return
	case bson.TypeInt64:
		if n := value.Int64(); n < math.MinInt32 || n > math.MaxInt32 {
			b.WriteString(strconv.FormatInt(n, 10))
			return
		}
	case bson.TypeDouble:
		if f := value.Double(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			b.WriteString(doubleText(f))
			return
		}
	case bson.TypeBoolean:
		if value.Value[0] <= 1 { // a byte, of which some writers use more than two values
			b.WriteString(strconv.FormatBool(value.Boolean()))
			return
		}
	case bson.TypeNull:
		b.WriteString("null")
		return
	case bson.TypeString:
		if text, ok := value.StringValueOK(); ok && utf8.ValidString(text) && value.Equal(valueOf(text)) {
			b.WriteString(quote(text))
			return
		}
	case bson.TypeEmbeddedDocument:
		if fields := fieldsOf(value.Document()); depth < deepest && writable(value.Document(), fields) {
			writeFields(b, fields, depth)
			return
		}
	case bson.TypeArray:
		if items := fieldsOf(bson.Raw(value.Value)); depth < deepest && writableArray(bson.Raw(value.Value), items) {
			b.WriteByte('[')
			for n, item := range items {
				if n > 0 {
					b.WriteString(", ")
				}
				writeValue(b, item.value, depth+1)
			}
			b.WriteByte(']')
			return
		}
	}
	writeWrapped(b, value)
}

func writeFields(b *strings.Builder, fields []field, depth int) {
	b.WriteByte('{')
	for n, f := range fields {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(f.name) + ": ")
		writeValue(b, f.value, depth+1)
	}
	b.WriteByte('}')
}

// writeWrapped writes extended JSON where that reads back exactly, else BSON.
func writeWrapped(b *strings.Builder, value bson.RawValue) {
	document, err := bson.Marshal(bson.D{{Key: "v", Value: value}})
	if err == nil && value.Type != bson.TypeEmbeddedDocument && value.Type != bson.TypeArray {
		if text, ok := extendedJSON(document); ok {
			b.WriteString(text)
			return
		}
	}
	b.WriteString(`{$bson: "` + base64.StdEncoding.EncodeToString(document) + `"}`)
}

// extendedJSON is the only value of a document; ok is false where it would not read back exactly.
func extendedJSON(document bson.Raw) (text string, ok bool) {
	written, err := bson.MarshalExtJSON(document, true, false)
	if err != nil {
		return "", false
	}
	var back bson.Raw
	if bson.UnmarshalExtJSON(written, true, &back) != nil || string(back) != string(document) {
		return "", false
	}
	value := bytes.TrimSuffix(bytes.TrimPrefix(written, []byte(`{"v":`)), []byte("}"))
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var b strings.Builder
	if err := writeJSON(&b, decoder); err != nil {
		return "", false
	}
	return b.String(), true
}

// writeJSON writes the next JSON value as YAML.
func writeJSON(b *strings.Builder, decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	delimiter, composed := token.(json.Delim)
	if text, ok := token.(string); ok {
		b.WriteString(quote(text))
		return nil
	}
	if !composed {
		fmt.Fprint(b, token)
		return nil
	}
	b.WriteString(delimiter.String())
	for n := 0; decoder.More(); n++ {
		if n > 0 {
			b.WriteString(", ")
		}
		if err := writeJSON(b, decoder); err != nil {
			return err
		}
		if delimiter != '{' {
			continue
		}
		b.WriteString(": ")
		if err := writeJSON(b, decoder); err != nil {
			return err
		}
	}
	token, err = decoder.Token()
	fmt.Fprint(b, token)
	return err
}

// doubleText always shows that it is a double.
func doubleText(f float64) string {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// writable tells whether a document can be written as a mapping and be read back as the same.
func writable(document bson.Raw, fields []field) bool {
	if isWrapper(fields) || !bytes.Equal(document, documentOf(fields)) {
		return false
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.name] || len(f.name) > longestKey || !utf8.ValidString(f.name) {
			return false
		}
		seen[f.name] = true
	}
	return true
}

// writableArray tells the same of an array, whose items must have their numbers for names.
func writableArray(array bson.Raw, items []field) bool {
	if !bytes.Equal(array, documentOf(items)) { // the bytes of an array are those of a document
		return false
	}
	for n, item := range items {
		if item.name != strconv.Itoa(n) {
			return false
		}
	}
	return true
}

// wrappers are the fields by which extended JSON, and $bson, write a value as a document.
var wrappers = []string{
	"$bson", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$oid", "$date", "$binary", "$uuid", "$timestamp",
	"$regularExpression", "$minKey", "$maxKey", "$undefined", "$symbol", "$code", "$scope", "$dbPointer",
}

func isWrapper(fields []field) bool {
	return len(fields) > 0 && slices.Contains(wrappers, fields[0].name)
}

// plain matches texts that need no quotes in YAML, whatever stands around them.
var plain = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$./-]*(\*\*)?$`)

// words mean something else than a text to some reader of YAML.
var words = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// quote writes a text as a YAML scalar.
func quote(text string) string {
	if plain.MatchString(text) && !slices.Contains(words, strings.ToLower(text)) || slices.Contains(keyTypes, text) {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			b.WriteString(`\U` + hex(r, 8))
		default:
			b.WriteString(`\u` + hex(r, 4))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func hex(r rune, digits int) string {
	text := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", digits-len(text)) + text
}
