package endpoint

import (
	"bytes"
	"encoding/json"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
)

// rawValue is the form of a value that extended JSON does not bring back: text that is not UTF-8, a field twice.
type rawValue struct {
	Raw *struct {
		Type  byte   `json:"type"`
		Bytes []byte `json:"bytes"`
	} `json:"$vidaRaw"`
}

// MarshalJSON writes canonical extended JSON, or the value's bytes where that would not bring it back.
func (v Value) MarshalJSON() ([]byte, error) {
	if text, err := v.extendedJSON(); err == nil && (fixedForm(v.Type) || v.survives(text)) {
		return text, nil
	}
	var raw rawValue
	raw.Raw = &struct {
		Type  byte   `json:"type"`
		Bytes []byte `json:"bytes"`
	}{byte(v.Type), v.Value}
	return json.Marshal(raw)
}

func (v Value) extendedJSON() ([]byte, error) {
	document, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v.RawValue}}, true, false)
	if err != nil {
		return nil, err
	}
	document = bytes.TrimSpace(document)
	return document[len(`{"v":`) : len(document)-1], nil
}

// fixedForm tells whether extended JSON has a form for every value of a type.
func fixedForm(t bsontype.Type) bool {
	switch t {
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128, bson.TypeObjectID, bson.TypeBoolean,
		bson.TypeDateTime, bson.TypeTimestamp, bson.TypeBinary, bson.TypeNull, bson.TypeMinKey, bson.TypeMaxKey:
		return true
	}
	return false
}

func (v Value) survives(text []byte) bool {
	var back Value
	return back.UnmarshalJSON(text) == nil && SameValue(v.RawValue, back.RawValue)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	var raw rawValue
	if bytes.Contains(data, []byte(`"$vidaRaw"`)) && json.Unmarshal(data, &raw) == nil && raw.Raw != nil {
		v.RawValue = bson.RawValue{Type: bsontype.Type(raw.Raw.Type), Value: raw.Raw.Bytes}
		return nil
	}
	var document bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+string(data)+`}`), true, &document); err != nil {
		return err
	}
	v.RawValue = document.Lookup("v")
	return nil
}
