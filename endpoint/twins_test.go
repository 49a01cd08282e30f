package endpoint

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// Reading that goes on at the last _id returns each document once, wherever the batches end between those that share
// an _id, and also where others come back in between.
func TestReadingOnAtALastIDReturnsEachDocumentOnce(t *testing.T) {
	var all []bson.Raw
	for n, id := range []int{1, 2, 2, 2, 3, 4, 4, 5} {
		document, err := bson.Marshal(bson.D{{Key: "_id", Value: id}, {Key: "n", Value: n}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, document)
	}
	for size := 1; size <= len(all); size++ {
		t.Run(fmt.Sprint("batches of ", size), func(t *testing.T) {
			var got []bson.Raw
			cursor := &Cursor{}
			for len(got) < len(all) {
				// The server is asked anew each time, from the last _id on, for what is known and one batch.
				from := 0
				if cursor.last.Type != 0 {
					for id, _ := IDOf(all[from]); !SameID(id, cursor.last); id, _ = IDOf(all[from]) {
						from++
					}
				}
				cursor.skipping = len(cursor.seen) > 0
				end := min(len(all), from+len(cursor.seen)+size)
				fresh, _, err := cursor.accept(all[from:end], Array{1})
				if err != nil || len(fresh) == 0 {
					t.Fatalf("after %d: %d documents, %v", len(got), len(fresh), err)
				}
				got = append(got, fresh...)
			}
			for n := range got {
				if len(got) != len(all) || string(got[n]) != string(all[n]) {
					t.Fatalf("%v", got)
				}
			}
		})
	}
}
