package wire

import (
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func TestWithAndWithout(t *testing.T) {
	original := document(t, bson.D{{Key: "a", Value: 1}, {Key: "B", Value: "two"}, {Key: "c", Value: bson.D{{Key: "a", Value: 3}}}})
	tests := []struct {
		name string
		got  func() (bson.Raw, error)
		want bson.D
	}{
		{"without nothing", func() (bson.Raw, error) { return Without(original), nil }, bson.D{{Key: "a", Value: 1}, {Key: "B", Value: "two"}, {Key: "c", Value: bson.D{{Key: "a", Value: 3}}}}},
		{"without some, in any case", func() (bson.Raw, error) { return Without(original, "A", "b", "x"), nil }, bson.D{{Key: "c", Value: bson.D{{Key: "a", Value: 3}}}}},
		{"without all", func() (bson.Raw, error) { return Without(original, "a", "b", "c"), nil }, bson.D{}},
		{"with more, and one replaced", func() (bson.Raw, error) {
			return With(original, bson.D{{Key: "a", Value: 9}, {Key: "d", Value: true}})
		}, bson.D{{Key: "B", Value: "two"}, {Key: "c", Value: bson.D{{Key: "a", Value: 3}}}, {Key: "a", Value: 9}, {Key: "d", Value: true}}},
	}
	for _, test := range tests {
		got, err := test.got()
		if err != nil || got.Validate() != nil {
			t.Fatalf("%s: %v, %v", test.name, err, got.Validate())
		}
		if want := document(t, test.want); string(got) != string(want) {
			t.Errorf("%s: %v, want %v", test.name, got, want)
		}
	}
	if _, err := With(original, bson.D{{Key: "x", Value: make(chan int)}}); err == nil {
		t.Error("a channel is encoded")
	}
}

func TestIsTrue(t *testing.T) {
	tests := []struct {
		value any
		want  bool
	}{{true, true}, {false, false}, {1, true}, {0, false}, {1.0, true}, {int64(2), true}}
	for _, test := range tests {
		if got := isTrue(document(t, bson.D{{Key: "v", Value: test.value}}).Lookup("v"), !test.want); got != test.want {
			t.Errorf("%v (%T) is %v", test.value, test.value, got)
		}
	}
	if !isTrue(bson.RawValue{}, true) || isTrue(bson.RawValue{}, false) {
		t.Error("what is absent is not what it is said to be")
	}
}
