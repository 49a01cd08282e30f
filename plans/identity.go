package plans

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
)

// identity returns what the progress of a step belongs to.
func (b *builder) identity(s *Step) map[string]string {
	r := b.records[s]
	known := stepObject(s.Type)
	if known == nil {
		return nil
	}
	identity := map[string]string{}
	for _, f := range known.fields {
		got, ok := r.fields[f.name]
		if !f.identity || !ok {
			continue
		}
		switch decoded := got.decoded.(type) {
		case string:
			identity[f.name] = decoded
		case int64:
			identity[f.name] = strconv.FormatInt(decoded, 10)
		case bool:
			identity[f.name] = strconv.FormatBool(decoded)
		case float64:
			identity[f.name] = strconv.FormatFloat(decoded*100, 'g', -1, 64) + "%"
		case []byte:
			identity[f.name] = queryIdentity(decoded, got.value)
		case *value:
			identity[f.name] = textIdentity(decoded)
		case []fieldValue:
			for _, set := range decoded {
				identity[f.name+"."+set.name] = textIdentity(set.value)
			}
		case []listItem:
			identity[f.name] = listIdentity(decoded)
		}
	}
	b.addNamespaces(identity, s)
	return identity
}

// addNamespaces puts namespaces in full where the fields have bare names.
func (b *builder) addNamespaces(identity map[string]string, s *Step) {
	switch spec := s.Spec.(type) {
	case *CheckConnectionsSpec:
		names := slices.Clone(spec.Connections)
		if len(names) == 0 {
			for _, c := range b.plan.Connections {
				names = append(names, c.Name)
			}
		}
		for i, name := range names {
			names[i] = name + " (" + b.database(name) + ")"
		}
		identity["connections"] = strings.Join(names, ", ")
	case *ExtractIndexesSpec:
		identity["collections"] = b.namespaces(spec.Selection, spec.From, "")
	case *GenerateSpec:
		identity["collection"] = b.database(spec.To) + "." + spec.Collection
	case *CopySpec:
		identity["collections"] = b.namespaces(spec.Selection, spec.From, spec.To)
	case *CreateIndexesSpec:
		identity["collections"] = b.namespaces(spec.Selection, "", spec.To)
	case *VerifyCountsSpec:
		identity["collections"] = b.namespaces(spec.Selection, spec.From, spec.To)
	case *VerifyContentSpec:
		identity["collections"] = b.namespaces(spec.Selection, spec.From, spec.To)
	case *DumpSpec:
		identity["collections"] = b.namespaces(spec.Selection, spec.From, "")
	case *RestoreSpec:
		identity["collections"] = b.namespaces(spec.Selection, "", spec.To)
	case *VerifyIndexesSpec:
		identity["collections"] = b.namespaces(spec.Selection, spec.From, spec.To)
	}
}

func (b *builder) database(connection string) string {
	if c := b.plan.Connection(connection); c != nil {
		return c.Database
	}
	return ""
}

// namespaces returns a selection written out: "shop.orders -> archive.orders". A side that is not given
// is left out, but for a rename, which keeps its bare name there. The order is of no account.
func (b *builder) namespaces(selection Selection, from, to string) string {
	names := selection.Collections
	if len(names) == 0 {
		names = []CollectionName{{From: "*", To: "*"}}
	}
	var list []string
	for _, c := range names {
		source, target := c.From, b.database(to)+"."+c.To
		if from != "" {
			source = b.database(from) + "." + c.From
		}
		switch {
		case to == "":
			list = append(list, source)
		case from == "" && c.From == c.To:
			list = append(list, target)
		default:
			list = append(list, source+" -> "+target)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// textIdentity returns an expression as it is written. What the environment put into it may be a secret,
// so of that only a digest is told, and never the text.
func textIdentity(v *value) string {
	if !v.isInterpolated() {
		return v.text
	}
	return v.node.Value + digest([]byte(v.text))
}

func queryIdentity(query []byte, v *value) string {
	if written, found := asWritten(v); found {
		return written + digest(query)
	}
	text, err := bson.MarshalExtJSON(bson.Raw(query), true, false)
	if err != nil {
		return "query" + digest(query)
	}
	return string(text)
}

// asWritten returns the interpolated scalars inside of a value as the file has them; false when there are none.
func asWritten(v *value) (string, bool) {
	var parts []string
	var visit func(v *value)
	visit = func(v *value) {
		if v.isInterpolated() {
			parts = append(parts, v.node.Value)
		}
		for _, item := range v.items {
			visit(item)
		}
		for _, f := range v.fields {
			visit(f.value)
		}
	}
	visit(v)
	return "with " + strings.Join(parts, ", "), len(parts) > 0
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return fmt.Sprintf(" (sha256 %s)", hex.EncodeToString(sum[:6]))
}

func listIdentity(items []listItem) string {
	var texts []string
	for _, item := range items {
		if text, ok := item.decoded.(string); ok {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// IdentityDifference returns the first field, in the order of names, in which two identities of a step
// differ, with its value then and now; a value is empty where the field was not given.
func IdentityDifference(saved, now map[string]string) (field, was, is string, differs bool) {
	names := maps.Clone(saved)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if saved[name] != now[name] {
			return name, saved[name], now[name], true
		}
	}
	return "", "", "", false
}
