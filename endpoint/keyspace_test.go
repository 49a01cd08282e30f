package endpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

func TestMiddleLiesBetween(t *testing.T) {
	cases := []struct {
		low, high any
		want      any // nil: no middle
	}{
		{int32(0), int32(100), int64(50)},
		{int64(math.MinInt64), int64(math.MaxInt64), nil},
		{int32(7), int32(8), int64(8)},
		{int32(7), int32(7), nil},
		{1.0, 2.0, 1.5},
		{math.Inf(-1), math.Inf(1), 0.0},
		{int32(1), 2.0, 1.5},
		{primitive.DateTime(-1000), primitive.DateTime(1000), primitive.DateTime(0)},
		{"a", "c", "b"},
		{"order-000", "order-200", nil},
		{"", "é", nil},
		{false, true, nil},
		{bson.D{}, bson.D{{Key: "a", Value: 1}}, nil},
		{"a", int32(1), nil},
		{primitive.Binary{Subtype: 4, Data: []byte{0, 0}}, primitive.Binary{Subtype: 4, Data: []byte{2, 0}}, primitive.Binary{Subtype: 4, Data: []byte{1, 0}}},
		{primitive.Binary{Subtype: 4, Data: []byte{0}}, primitive.Binary{Subtype: 4, Data: []byte{2, 0}}, nil},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%v to %v", c.low, c.high), func(t *testing.T) {
			low, high := valueOf(c.low), valueOf(c.high)
			got, ok := middle(low, high)
			if c.want != nil && (!ok || !SameValue(got, valueOf(c.want))) {
				t.Errorf("got %v %v, want %v", got, ok, c.want)
			}
			if ok && fractionOf(got, low, high) < 0 {
				t.Errorf("%v lies at %v", got, fractionOf(got, low, high))
			}
		})
	}
}

// The middle of strings is valid UTF-8, above the lower and not above the upper one, whatever these are.
func FuzzMiddleOfStrings(f *testing.F) {
	f.Add("order-000001", "order-999999")
	f.Add("", "\U0010ffff")
	f.Add("å", "ö")
	f.Add("a", "a\x00")
	f.Add("ab", "abc")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			t.Skip()
		}
		if a > b {
			a, b = b, a
		}
		got, ok := middle(valueOf(a), valueOf(b))
		if !ok {
			return
		}
		m := got.StringValue()
		if !utf8.ValidString(m) || m <= a || m > b {
			t.Errorf("middle of %q and %q is %q", a, b, m)
		}
	})
}

// Halving again and again must reach every neighbour: a key space that gets stuck leaves a range uncut.
func TestHalvingConverges(t *testing.T) {
	ids := make([][12]byte, 2)
	for n := range ids[0] {
		ids[0][n], ids[1][n] = byte(rand.IntN(100)), byte(100+rand.IntN(100))
	}
	low, high := valueOf(primitive.ObjectID(ids[0])), valueOf(primitive.ObjectID(ids[1]))
	for steps := 0; ; steps++ {
		m, ok := middle(low, high)
		if !ok {
			t.Fatalf("no middle between %v and %v", low, high)
		}
		if SameValue(m, high) {
			if steps > 97 {
				t.Errorf("%d steps", steps)
			}
			return
		}
		if bytes.Compare(m.Value, low.Value) <= 0 || bytes.Compare(m.Value, high.Value) >= 0 {
			t.Fatalf("%v is not between %v and %v", m, low, high)
		}
		high = m
	}
}

func TestRangesSurviveJSON(t *testing.T) {
	for _, id := range everyID(t) {
		v := mustMarshal(t, bson.D{{Key: "v", Value: id}}).Lookup("v")
		in := Range{Bracket: bracketOf(v), From: Value{v}, Below: Value{v}}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out Range
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if out.Bracket != in.Bracket || !SameValue(out.From.RawValue, in.From.RawValue) || !SameValue(out.Below.RawValue, in.Below.RawValue) {
			t.Errorf("%s came back as %+v", text, out)
		}
	}
}
