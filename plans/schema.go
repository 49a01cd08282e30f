package plans

import (
	"encoding/json"
	"slices"

	"gopkg.in/yaml.v3"
)

// jsonObject is a part of a JSON Schema.
type jsonObject map[string]any

// interpolatedSchema stands for any value that holds a ${NAME}.
var interpolatedSchema = jsonObject{"$ref": "#/definitions/interpolated"}

// orInterpolated returns a schema that takes any of the given ones, or a ${NAME} instead.
func orInterpolated(schemas ...jsonObject) jsonObject {
	anyOf := []any{}
	for _, s := range schemas {
		anyOf = append(anyOf, s)
	}
	return jsonObject{"anyOf": append(anyOf, interpolatedSchema)}
}

// Schema returns the JSON Schema of plans, draft 7, which the YAML support of editors understands. It is
// made of the table that decodes plans.
func Schema() []byte {
	root := planObject.schema()
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "vida plan"
	definitions := jsonObject{
		"interpolated": jsonObject{
			"type": "string", "pattern": `\$\{[A-Za-z_][A-Za-z0-9_]*(:[-?].*)?\}`,
			"description": "${NAME}, ${NAME:-default} or ${NAME:?message}",
		},
		"step": stepSchema(),
	}
	for _, t := range stepTypes {
		definitions[t.name] = stepObject(t.name).schema()
	}
	root["definitions"] = definitions
	encoded, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil // the table holds nothing that JSON cannot; a test says so
	}
	return append(encoded, '\n')
}

// stepSchema judges a step by its type.
func stepSchema() jsonObject {
	var types []any
	var branches []any
	for _, t := range stepTypes {
		types = append(types, jsonObject{"const": t.name, "description": t.doc})
		branches = append(branches, jsonObject{
			"if":   jsonObject{"required": []string{"type"}, "properties": jsonObject{"type": jsonObject{"const": t.name}}},
			"then": jsonObject{"$ref": "#/definitions/" + t.name},
		})
	}
	return jsonObject{
		"type": "object", "required": []string{"name", "type"},
		"properties": jsonObject{"type": jsonObject{"anyOf": types}},
		"allOf":      branches,
	}
}

func (o *object) schema() jsonObject {
	properties := jsonObject{}
	var required []string
	for i := range o.fields {
		f := &o.fields[i]
		if f.required {
			required = append(required, f.name)
		}
		properties[f.name] = f.schema()
	}
	schema := jsonObject{"type": "object", "properties": properties, "additionalProperties": false}
	if o.overlay {
		schema["type"] = []string{"object", "null"}
	}
	if o.extras {
		schema["patternProperties"] = jsonObject{"^x-": true}
	}
	if len(required) > 0 {
		slices.Sort(required)
		schema["required"] = required
	}
	return schema
}

func (f *field) schema() jsonObject {
	schema := f.shape.schema()
	schema["description"] = f.doc
	if f.fallback != "" {
		var fallback any
		if yaml.Unmarshal([]byte(f.fallback), &fallback) == nil {
			schema["default"] = fallback
		}
	}
	if f.name == "version" {
		return jsonObject{"const": knownVersion, "description": f.doc}
	}
	return schema
}
