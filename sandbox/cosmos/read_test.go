package cosmos

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

func TestReadCharges(t *testing.T) {
	for _, strong := range []bool{false, true} {
		p := profile(t, "ru-4.2", func(p *Profile) { p.StrongReads = strong })
		r := newRig(t, Options{Profile: p, RequestUnits: 1e6, Partitions: 4})
		r.server.Insert(t, "d.c", sizedList(t, 0, 300, 1024)...)
		r.server.Insert(t, "d.c", sized(t, 1000, 100<<10))
		tests := []struct {
			name    string
			command bson.D
			want    float64
		}{
			{"point read of 1 KB", bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: bson.D{{Key: "_id", Value: 7}}}}, 1},
			{"point read of 100 KB", bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: bson.D{{Key: "_id", Value: 1000}}}}, 10},
			{"point read of nothing", bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: bson.D{{Key: "_id", Value: -1}}}}, 1},
			{"page of 100 KB", bson.D{{Key: "find", Value: "c"}, {Key: "batchSize", Value: 100}}, 100 + 4*2.5},
			{"range with nothing in it", bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: 5000}}}}}}, 4 * 2.5},
			{"sample, as a scan", bson.D{{Key: "aggregate", Value: "c"}, {Key: "pipeline", Value: bson.A{bson.D{{Key: "$sample", Value: bson.D{{Key: "size", Value: 1}}}}}}, {Key: "cursor", Value: bson.D{{Key: "batchSize", Value: 0}}}}, 400 + 4*2.5},
		}
		for _, test := range tests {
			r.mustRun(test.command)
			want := test.want
			if strong {
				want *= 2
			}
			if got := r.charge(); math.Abs(got-want) > 0.01 {
				t.Errorf("%s (strong reads %v): %g RU, want %g", test.name, strong, got, want)
			}
		}
		reply := r.mustRun(bson.D{{Key: "find", Value: "c"}, {Key: "batchSize", Value: 50}})
		r.mustRun(bson.D{{Key: "getMore", Value: reply.Lookup("cursor", "id").Int64()}, {Key: "collection", Value: "c"}, {Key: "batchSize", Value: 50}})
		want := 50 + 4*2.5
		if strong {
			want *= 2
		}
		if got := r.charge(); math.Abs(got-want) > 0.01 {
			t.Errorf("getMore: %g RU, want %g", got, want)
		}
		sum := 0.0
		for _, partition := range r.double.Statistics().Partitions {
			sum += partition.Charged
		}
		if s := r.double.Statistics(); math.Abs(sum-s.Charged.Total) > 0.01 {
			t.Errorf("the partitions charged %g, the account %g", sum, s.Charged.Total)
		}
	}
}

func TestStatisticsPerConnection(t *testing.T) {
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1e6, Partitions: 1})
	r.server.Insert(t, "d.c", sized(t, 1, 50<<10))
	r.mustRun(bson.D{{Key: "find", Value: "c"}})
	other := r.client(options.Client().SetMaxPoolSize(1)).Database("d")
	reply, err := other.RunCommand(context.Background(), bson.D{{Key: "getLastRequestStatistics", Value: 1}}).Raw()
	if err != nil || reply.Lookup("RequestCharge").Double() != 0 {
		t.Errorf("another connection's statistics: %v, %v", reply, err)
	}
	reply = r.mustRun(bson.D{{Key: "getLastRequestStatistics", Value: 1}})
	if reply.Lookup("CommandName").StringValue() != "find" || reply.Lookup("RequestCharge").Double() != 52.5 || reply.Lookup("RequestDurationInMilliSeconds").Type != bson.TypeInt64 {
		t.Errorf("statistics %v", reply)
	}
	if got := r.charge(); got != 52.5 {
		t.Errorf("asking for statistics changes them: %g", got)
	}
}

// TestReadsAreThrottled: find and getMore; the cursor of a getMore that was refused lives on.
func TestReadsAreThrottled(t *testing.T) {
	clock := newClock()
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1000, Partitions: 2, Now: clock.now})
	r.server.Insert(t, "d.c", sizedList(t, 0, 3000, 1024)...)
	reply := r.mustRun(bson.D{{Key: "find", Value: "c"}, {Key: "batchSize", Value: 1500}})
	more := bson.D{{Key: "getMore", Value: reply.Lookup("cursor", "id").Int64()}, {Key: "collection", Value: "c"}}
	for _, command := range []bson.D{more, {{Key: "find", Value: "c"}}, {{Key: "count", Value: "c"}}} {
		_, err := r.run(command)
		if e := refusal(err); e.Code != 16500 {
			t.Fatalf("%s: %v", command[0].Key, err)
		}
		if got := r.charge(); got != 0.38 {
			t.Errorf("a throttled %s costs %g RU", command[0].Key, got)
		}
	}
	clock.forward(2 * time.Second)
	rest, err := r.run(more)
	if err != nil {
		t.Fatal(err)
	}
	batch, _ := rest.Lookup("cursor", "nextBatch").Array().Values()
	if len(batch) != 1500 || rest.Lookup("cursor", "id").Int64() != 0 {
		t.Errorf("%d documents, cursor %v", len(batch), rest.Lookup("cursor", "id"))
	}
	if s := r.double.Statistics(); s.Throttled.ByCommand["getMore"] != 1 || s.Throttled.Commands != 3 || len(s.Refused) != 0 || math.Abs(s.Charged.Throttled-3*0.38) > 1e-9 {
		t.Errorf("statistics %+v %+v %v", s.Throttled, s.Charged, s.Refused)
	}
}

// TestPages: replies are cut at 4 MB, whatever batch size is asked for, and nothing is lost or doubled.
func TestPages(t *testing.T) {
	tests := []struct {
		name      string
		sizes     func(n int) int
		count     int
		batchSize int32
		killed    bool
	}{
		{"all at once", func(int) int { return 20_000 }, 700, 100_000, false},
		{"the server's cursor stays open", func(int) int { return 20_000 }, 1500, 600, false},
		{"small batches from large pages", func(int) int { return 20_000 }, 500, 450, false},
		{"documents near the page's size", func(n int) int { return 2<<20 - 100*n }, 9, 100, false},
		{"a document above the page's size", func(n int) int { return 5 << 20 }, 3, 100, false},
		{"uneven", func(n int) int { return 100 + n*n*37 }, 130, 100_000, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, Options{Profile: profile(t, "ru-7.0", nil), RequestUnits: 1e9, Partitions: 3})
			var want []bson.Raw
			for n := range test.count {
				want = append(want, sized(t, n, test.sizes(n)))
				r.server.Insert(t, "d.c", want[n])
			}
			// A pool: pages are found from any connection.
			collection := r.client(options.Client()).Database("d").Collection("c")
			cursor, err := collection.Find(context.Background(), bson.D{}, options.Find().SetBatchSize(test.batchSize))
			if err != nil {
				t.Fatal(err)
			}
			var got []bson.Raw
			page := 0
			for cursor.Next(context.Background()) {
				if page > 0 && page+len(cursor.Current) > 4<<20 {
					t.Errorf("a page of more than %d bytes", page)
				}
				page += len(cursor.Current)
				if cursor.RemainingBatchLength() == 0 {
					page = 0
				}
				got = append(got, bytes.Clone(cursor.Current))
			}
			if cursor.Err() != nil {
				t.Fatal(cursor.Err())
			}
			if len(got) != len(want) {
				t.Fatalf("%d documents, want %d", len(got), len(want))
			}
			for n := range want {
				if !bytes.Equal(got[n], want[n]) {
					t.Fatalf("document %d differs", n)
				}
			}
			if left := len(r.double.pages.owed); left != 0 {
				t.Errorf("leftovers of %d cursors are kept", left)
			}
		})
	}
}

func TestPagesAreForgotten(t *testing.T) {
	r := newRig(t, Options{Profile: profile(t, "ru-7.0", nil), RequestUnits: 1e9, Partitions: 1})
	r.server.Insert(t, "d.c", sizedList(t, 0, 10, 1<<20)...)
	find := bson.D{{Key: "find", Value: "c"}}
	id := r.mustRun(find).Lookup("cursor", "id").Int64()
	if id < firstOwnID {
		t.Fatalf("cursor %d", id)
	}
	for _, command := range []bson.D{
		{{Key: "getMore", Value: id}, {Key: "collection", Value: "other"}},
		{{Key: "getMore", Value: id + 1}, {Key: "collection", Value: "c"}},
	} {
		if _, err := r.run(command); refusal(err).Code != 43 {
			t.Errorf("somebody else's cursor: %v", err)
		}
	}
	reply := r.mustRun(bson.D{{Key: "killCursors", Value: "c"}, {Key: "cursors", Value: bson.A{id, int64(5)}}})
	if killed, _ := reply.Lookup("cursorsKilled").Array().Values(); len(killed) != 1 || len(r.double.pages.owed) != 0 {
		t.Errorf("killed %v", reply)
	}
	if _, err := r.run(bson.D{{Key: "getMore", Value: id}, {Key: "collection", Value: "c"}}); refusal(err).Code != 43 {
		t.Errorf("a killed cursor: %v", err)
	}
	// The server's own cursor ends at the server, what is left of its page included.
	id = r.mustRun(append(find, bson.E{Key: "batchSize", Value: 8})).Lookup("cursor", "id").Int64()
	r.mustRun(bson.D{{Key: "killCursors", Value: "c"}, {Key: "cursors", Value: bson.A{id}}})
	if seen := r.server.Seen(); seen[len(seen)-1] != "killCursors" || len(r.double.pages.owed) != 0 {
		t.Errorf("the server saw %v", seen)
	}
	single := r.mustRun(append(find, bson.E{Key: "singleBatch", Value: true}))
	if single.Lookup("cursor", "id").Int64() != 0 || len(r.double.pages.owed) != 0 {
		t.Errorf("a single batch leaves cursor %v", single.Lookup("cursor", "id"))
	}
}

func TestCursorsAreLost(t *testing.T) {
	p := profile(t, "ru-4.2", func(p *Profile) { p.LoseCursors = 1 })
	r := newRig(t, Options{Profile: p, RequestUnits: 1e9, Partitions: 1})
	r.server.Insert(t, "d.c", sizedList(t, 0, 10, 1<<20)...)
	for _, batch := range []int{2, 100} {
		id := r.mustRun(bson.D{{Key: "find", Value: "c"}, {Key: "batchSize", Value: batch}}).Lookup("cursor", "id").Int64()
		for range 2 {
			if _, err := r.run(bson.D{{Key: "getMore", Value: id}, {Key: "collection", Value: "c"}}); refusal(err).Code != 43 {
				t.Errorf("batches of %d: %v", batch, err)
			}
		}
	}
}

func TestConnectionsAreDropped(t *testing.T) {
	p := profile(t, "ru-4.2", func(p *Profile) { p.DropConnections = 0.5 })
	r := newRig(t, Options{Profile: p, RequestUnits: 1e9, Partitions: 1, Seed: 3})
	written, failed := 0, 0
	for n := range 14 { // the driver waits for half a second after each reset
		_, err := r.database.Collection("c").InsertOne(context.Background(), bson.D{{Key: "_id", Value: n}})
		switch {
		case err == nil:
			written++
		case mongo.IsNetworkError(err):
			failed++
		default:
			t.Fatal(err)
		}
	}
	if failed < 3 || failed > 11 {
		t.Errorf("%d of 14 failed", failed)
	}
	if stored := len(r.stored()); stored <= written || stored >= 14 {
		t.Errorf("%d stored, %d acknowledged: resets come before and after the write", stored, written)
	}
	if s := r.double.Statistics(); int(s.Dropped) != failed {
		t.Errorf("%d dropped, want %d", s.Dropped, failed)
	}
}
