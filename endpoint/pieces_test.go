package endpoint

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// An array that lost its last document is the array of the others, and valid.
func TestArrayWithoutItsLastDocument(t *testing.T) {
	for _, count := range []int{1, 2, 10, 11, 100, 101, 1001} {
		build := func(n int) []byte {
			list := bson.A{}
			for i := range n {
				list = append(list, bson.D{{Key: "_id", Value: i}, {Key: "v", Value: []byte{3, 3, 0, 3}}})
			}
			_, data, err := bson.MarshalValue(list)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		whole := Array(build(count))
		values, err := bsoncore.Array(whole).Values()
		if err != nil {
			t.Fatal(err)
		}
		got := whole.without(bson.Raw(values[count-1].Data))
		if !bytes.Equal(got, build(count-1)) {
			t.Errorf("%d documents: %v", count, bsoncore.Array(got))
		}
	}
}

// A piece ends between two _ids that differ, or says that it may not have.
func TestPeek(t *testing.T) {
	documents := func(ids ...int) (list []bson.Raw, array Array) {
		values := bson.A{}
		for _, id := range ids {
			values = append(values, bson.D{{Key: "_id", Value: id}})
		}
		_, data, err := bson.MarshalValue(values)
		if err != nil {
			t.Fatal(err)
		}
		elements, err := bsoncore.Array(data).Values()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range elements {
			list = append(list, bson.Raw(e.Data))
		}
		return list, data
	}
	for _, c := range []struct {
		ids   []int
		kept  int
		clear bool
	}{{[]int{1, 2, 3}, 2, true}, {[]int{1, 2, 2}, 3, false}, {[]int{1}, 1, false}} {
		cursor := &Cursor{}
		list, array := documents(c.ids...)
		kept, rest := cursor.peek(list, array)
		values, err := bsoncore.Array(rest).Values()
		if len(kept) != c.kept || cursor.clear != c.clear || err != nil || len(values) != c.kept {
			t.Errorf("%v: kept %d, clear %v, %d in the array, %v", c.ids, len(kept), cursor.clear, len(values), err)
		}
	}
}
