package wire

import (
	"context"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// upstream answers a write: it refuses the documents whose n is in refuses, and upserts the others.
func upstream(t *testing.T, received *[]int, refuses ...int) Next {
	return func(_ context.Context, command *Command) (*Reply, error) {
		operations, err := command.Operations()
		if err != nil {
			t.Fatal(err)
		}
		var failures, upserted bson.A
		for index, operation := range operations {
			n := int(operation.Lookup("n").AsInt64())
			*received = append(*received, n)
			if slices.Contains(refuses, n) {
				failures = append(failures, bson.D{{Key: "index", Value: index}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "dup"}, {Key: "keyValue", Value: bson.D{{Key: "_id", Value: n}}}})
				if command.Ordered() {
					break
				}
				continue
			}
			upserted = append(upserted, bson.D{{Key: "index", Value: index}, {Key: "_id", Value: n}})
		}
		answer := bson.D{{Key: "n", Value: len(upserted)}, {Key: "upserted", Value: upserted}, {Key: "ok", Value: 1.0}}
		if failures != nil {
			answer = append(answer, bson.E{Key: "writeErrors", Value: failures})
		}
		return MarshalReply(answer)
	}
}

func TestPartialWrite(t *testing.T) {
	failure := WriteError{Code: 16500, Message: "slow down"}
	tests := []struct {
		name     string
		ordered  bool
		refused  []int
		upstream []int // refused there
		received []int
		n        int64
		errors   map[int64]int64 // code by index
		upserted []int64
	}{
		{"nothing refused", false, nil, []int{2}, []int{0, 1, 2, 3, 4}, 4, map[int64]int64{2: 11000}, []int64{0, 1, 3, 4}},
		{"some refused", false, []int{0, 3}, nil, []int{1, 2, 4}, 3, map[int64]int64{0: 16500, 3: 16500}, []int64{1, 2, 4}},
		{"both refuse", false, []int{1, 3}, []int{2, 4}, []int{0, 2, 4}, 1, map[int64]int64{1: 16500, 2: 11000, 3: 16500, 4: 11000}, []int64{0}},
		{"all refused", false, []int{0, 1, 2, 3, 4}, nil, nil, 0, map[int64]int64{0: 16500, 1: 16500, 2: 16500, 3: 16500, 4: 16500}, nil},
		{"ordered ends at the first", true, []int{2, 4}, nil, []int{0, 1}, 2, map[int64]int64{2: 16500}, []int64{0, 1}},
		{"ordered, upstream first", true, []int{3}, []int{1}, []int{0, 1}, 1, map[int64]int64{1: 11000}, []int64{0}},
		{"ordered, the very first", true, []int{0}, nil, nil, 0, map[int64]int64{0: 16500}, nil},
		{"beyond the end", false, []int{9}, nil, []int{0, 1, 2, 3, 4}, 5, map[int64]int64{}, []int64{0, 1, 2, 3, 4}},
	}
	for _, test := range tests {
		for _, name := range []string{"insert", "update"} {
			for _, inline := range []bool{false, true} {
				t.Run(test.name+"/"+name, func(t *testing.T) {
					command := &Command{Name: name, Body: document(t, bson.D{{Key: name, Value: "c"}, {Key: "ordered", Value: test.ordered}})}
					var operations []bson.Raw
					for n := range 5 {
						operations = append(operations, document(t, bson.D{{Key: "n", Value: n}}))
					}
					if inline {
						body, err := With(command.Body, bson.D{{Key: command.operationsField(), Value: operations}})
						if err != nil {
							t.Fatal(err)
						}
						command = command.WithBody(body)
					} else {
						command = command.WithOperations(operations)
					}
					refused := map[int]WriteError{}
					for _, index := range test.refused {
						refused[index] = failure
					}
					var received []int
					reply, err := PartialWrite(context.Background(), command, refused, upstream(t, &received, test.upstream...))
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(received, test.received) {
						t.Errorf("upstream received %v, want %v", received, test.received)
					}
					var got struct {
						N           int64
						OK          float64
						WriteErrors []struct{ Index, Code int64 } `bson:"writeErrors"`
						Upserted    []struct {
							Index int64
							ID    int64 `bson:"_id"`
						}
					}
					if err := bson.Unmarshal(reply.Document(), &got); err != nil {
						t.Fatal(err)
					}
					if got.N != test.n || got.OK != 1 || len(got.WriteErrors) != len(test.errors) {
						t.Errorf("reply %v", reply.Document())
					}
					for at, e := range got.WriteErrors {
						if test.errors[e.Index] != e.Code || at > 0 && got.WriteErrors[at-1].Index >= e.Index {
							t.Errorf("write errors %v, want %v in order", got.WriteErrors, test.errors)
						}
					}
					var upserted []int64
					for _, u := range got.Upserted {
						if u.Index != u.ID {
							t.Errorf("upsert of %d is reported for index %d", u.ID, u.Index)
						}
						upserted = append(upserted, u.Index)
					}
					if !slices.Equal(upserted, test.upserted) {
						t.Errorf("upserted %v, want %v", upserted, test.upserted)
					}
				})
			}
		}
	}
}

func TestPartialWriteForwardsARefusal(t *testing.T) {
	command := insertCommand(t)
	reply, err := PartialWrite(context.Background(), command, map[int]WriteError{0: {Code: 1}}, func(context.Context, *Command) (*Reply, error) {
		return ErrorReply(13, "Unauthorized", "no"), nil
	})
	if err != nil || reply.OK() || reply.Document().Lookup("code").AsInt64() != 13 {
		t.Fatalf("reply %v, %v", reply, err)
	}
}

func TestPartialWriteRefusesAReplyOfOtherIndexes(t *testing.T) {
	_, err := PartialWrite(context.Background(), insertCommand(t), map[int]WriteError{0: {Code: 1}}, func(context.Context, *Command) (*Reply, error) {
		return MarshalReply(bson.D{{Key: "ok", Value: 1}, {Key: "writeErrors", Value: bson.A{bson.D{{Key: "index", Value: 1}}}}})
	})
	if err == nil {
		t.Fatal("an index that was never sent is accepted")
	}
}
