package cosmos

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

var unordered = options.InsertMany().SetOrdered(false)

// TestPartialBulk: exactly the documents reported as throttled are missing, and those alone, sent again until
// all are in, bring every document over once.
func TestPartialBulk(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		t.Run(map[bool]string{false: "unordered", true: "ordered"}[ordered], func(t *testing.T) {
			clock := newClock()
			r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1000, Partitions: 3, Now: clock.now})
			list := sizedList(t, 0, 400, 1024) // 2200 RU
			var failure mongo.BulkWriteException
			_, err := r.database.Collection("c").InsertMany(context.Background(), list, options.InsertMany().SetOrdered(ordered))
			if !errors.As(err, &failure) {
				t.Fatalf("the client is told %v", err)
			}
			hint := regexp.MustCompile(`^Error=16500, RetryAfterMs=(\d+), Details='Batch write error.'$`)
			reported := map[int]bool{}
			for _, e := range failure.WriteErrors {
				match := hint.FindStringSubmatch(e.Message)
				if e.Code != 16500 || match == nil {
					t.Fatalf("write error %d %q", e.Code, e.Message)
				}
				if wait, _ := strconv.Atoi(match[1]); wait < 4 || wait > 2238 {
					t.Errorf("RetryAfterMs %d", wait)
				}
				reported[e.Index] = true
			}
			stored := r.stored()
			if ordered {
				if len(reported) != 1 || !reported[len(stored)] {
					t.Errorf("%d documents stored, failed %v", len(stored), reported)
				}
			} else {
				for n := range list {
					if stored[n] == reported[n] {
						t.Errorf("document %d: reported as failed %v, stored %v", n, reported[n], stored[n])
					}
				}
				if len(stored) < 150 || len(stored) > 200 {
					t.Errorf("%d documents for 1000 RU", len(stored))
				}
			}
			charged := float64(len(stored))*5.5 + float64(len(reported))*0.38
			if got := r.charge(); math.Abs(got-charged) > 1e-6 {
				t.Errorf("charged %g, want %g", got, charged)
			}
			s := r.double.Statistics()
			if math.Abs(s.Charged.Total-charged) > 1e-6 || s.Throttled.Commands != 1 || int(s.Throttled.Writes) != len(reported) {
				t.Errorf("statistics %+v, %+v", s.Charged, s.Throttled)
			}
		})
	}
}

func TestResendingOnlyWhatFailed(t *testing.T) {
	clock := newClock()
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1000, Partitions: 2, Now: clock.now})
	rest := sizedList(t, 0, 1000, 1024)
	rounds := 0
	for len(rest) > 0 {
		if rounds++; rounds > 50 {
			t.Fatalf("%d documents are left after 50 seconds", len(rest))
		}
		_, err := r.database.Collection("c").InsertMany(context.Background(), rest, unordered)
		var failure mongo.BulkWriteException
		if err != nil && !errors.As(err, &failure) {
			t.Fatal(err)
		}
		var again []any
		for _, e := range failure.WriteErrors {
			if e.Code != 16500 {
				t.Fatalf("code %d: %s", e.Code, e.Message)
			}
			again = append(again, rest[e.Index])
		}
		rest = again
		clock.forward(time.Second)
	}
	if got := len(r.stored()); got != 1000 {
		t.Fatalf("%d documents", got)
	}
	// 5500 RU at 1000 RU/s, a debt and a saving of a second aside.
	if rounds < 5 || rounds > 8 {
		t.Errorf("it took %d seconds", rounds)
	}
}

// TestThrottledAsCommand: the message says that nothing was changed, and that is not so.
func TestThrottledAsCommand(t *testing.T) {
	clock := newClock()
	p := profile(t, "ru-4.2", func(p *Profile) { p.ThrottledWrites = WritesCommand; p.RetryAfter = RetryAfterNever })
	r := newRig(t, Options{Profile: p, RequestUnits: 500, Partitions: 1, Now: clock.now})
	_, err := r.database.Collection("c").InsertMany(context.Background(), sizedList(t, 0, 300, 1024), unordered)
	if e := refusal(err); e.Code != 16500 || e.Name != "RequestRateTooLarge" || strings.Contains(e.Message, "RetryAfterMs") || !strings.Contains(e.Message, "no changes were made") {
		t.Fatalf("the client is told %v", err)
	}
	if got := len(r.stored()); got < 85 || got > 95 {
		t.Errorf("%d documents are in", got)
	}
}

func TestRetryAfterSometimes(t *testing.T) {
	p := profile(t, "ru-3.6", nil)
	r := newRig(t, Options{Profile: p, RequestUnits: 100, Partitions: 1, Now: newClock().now})
	_, err := r.database.Collection("c").InsertMany(context.Background(), sizedList(t, 0, 200, 1024), unordered)
	var failure mongo.BulkWriteException
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	with, without := 0, 0
	for _, e := range failure.WriteErrors {
		if e.Message == "Error=16500, Details='Insert error.'" {
			without++
		} else if strings.HasPrefix(e.Message, "Error=16500, RetryAfterMs=") {
			with++
		}
	}
	if with+without != len(failure.WriteErrors) || with < 50 || without < 50 {
		t.Errorf("%d with RetryAfterMs, %d without, of %d", with, without, len(failure.WriteErrors))
	}
}

func TestServerSideRetry(t *testing.T) {
	t.Run("waits", func(t *testing.T) {
		p := profile(t, "ru-4.2", func(p *Profile) { p.ServerSideRetry = true })
		r := newRig(t, Options{Profile: p, RequestUnits: 2000, Partitions: 1})
		started := time.Now()
		if _, err := r.database.Collection("c").InsertMany(context.Background(), sizedList(t, 0, 500, 1024), unordered); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); took < 300*time.Millisecond || len(r.stored()) != 500 {
			t.Errorf("%d documents in %v", len(r.stored()), took)
		}
		if s := r.double.Statistics(); s.Throttled.Commands != 0 || math.Abs(s.Charged.Total-2750) > 1e-6 {
			t.Errorf("statistics %+v %+v", s.Charged, s.Throttled)
		}
	})
	t.Run("gives up, with some written", func(t *testing.T) {
		p := profile(t, "ru-4.2", func(p *Profile) {
			p.ServerSideRetry, p.ServerSideRetryFor = true, Duration(100*time.Millisecond)
		})
		r := newRig(t, Options{Profile: p, RequestUnits: 500, Partitions: 1, Now: newClock().now}) // a clock that stands
		_, err := r.database.Collection("c").InsertMany(context.Background(), sizedList(t, 0, 500, 1024), unordered)
		if e := refusal(err); e.Code != 50 || e.Name != "ExceededTimeLimit" || e.Message != "Request timed out. Retries due to rate limiting: True." {
			t.Fatalf("the client is told %v", err)
		}
		if got := len(r.stored()); got != 91 {
			t.Errorf("%d documents are in", got)
		}
		started := time.Now()
		for _, command := range []bson.D{
			{{Key: "find", Value: "c"}},
			{{Key: "findAndModify", Value: "c"}, {Key: "query", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "remove", Value: true}},
			{{Key: "delete", Value: "c"}, {Key: "deletes", Value: bson.A{bson.D{{Key: "q", Value: bson.D{}}, {Key: "limit", Value: 0}}}}},
		} {
			if _, err := r.run(command); refusal(err).Code != 50 {
				t.Errorf("%s is told %v", command[0].Key, err)
			}
		}
		if took := time.Since(started); took < 300*time.Millisecond {
			t.Errorf("the server gave up after %v", took)
		}
		if s := r.double.Statistics(); s.Throttled.Timeouts != 4 || len(s.Refused) != 0 {
			t.Errorf("statistics %+v %v", s.Throttled, s.Refused)
		}
	})
}

func TestWriteCharges(t *testing.T) {
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 100_000, Partitions: 1})
	c := r.database.Collection("c")
	ctx := context.Background()
	tests := []struct {
		name string
		do   func() error
		want float64
	}{
		{"insert of 1 KB", func() error { _, err := c.InsertOne(ctx, sized(t, 1, 1024)); return err }, 5.5},
		{"insert of 100 KB", func() error { _, err := c.InsertOne(ctx, sized(t, 2, 100<<10)); return err }, 550},
		{"bulk of 10", func() error { _, err := c.InsertMany(ctx, sizedList(t, 10, 10, 2048)); return err }, 110},
		{"replacement of 1 KB", func() error {
			_, err := c.ReplaceOne(ctx, bson.D{{Key: "_id", Value: 1}}, sized(t, 1, 1024), options.Replace().SetUpsert(true))
			return err
		}, 11},
		{"delete", func() error { _, err := c.DeleteOne(ctx, bson.D{{Key: "_id", Value: 1}}); return err }, 5.5},
		{"ping", func() error { return r.database.RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err() }, 0},
		{"metadata", func() error { return r.database.RunCommand(ctx, bson.D{{Key: "listIndexes", Value: "c"}}).Err() }, 1},
	}
	total := 0.0
	for _, test := range tests {
		if err := test.do(); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := r.charge(); math.Abs(got-test.want) > 1e-6 {
			t.Errorf("%s: %g RU, want %g", test.name, got, test.want)
		}
		total += test.want
	}
	if s := r.double.Statistics(); math.Abs(s.Charged.Total-total) > 1e-6 || s.Charged.Metadata != 1 || math.Abs(s.Partitions[0].Charged-(total-1)) > 1e-6 {
		t.Errorf("in all %+v and %+v, want %g", s.Charged, s.Partitions, total)
	}
}

func TestWriteLimits(t *testing.T) {
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1e6, Partitions: 1})
	c := r.database.Collection("c")
	_, err := c.InsertMany(context.Background(), []any{sized(t, 1, 1024), sized(t, 2, 2<<20+1), sized(t, 3, 2<<20), sized(t, 4, 100)}, unordered)
	var failure mongo.BulkWriteException
	if !errors.As(err, &failure) || len(failure.WriteErrors) != 1 || failure.WriteErrors[0].Index != 1 || failure.WriteErrors[0].Code != 16 {
		t.Errorf("a document over 2 MB: %v", err)
	}
	if stored := r.stored(); len(stored) != 3 || stored[2] {
		t.Errorf("stored %v", stored)
	}
	var documents []any
	for n := range 1001 {
		documents = append(documents, bson.D{{Key: "_id", Value: 100 + n}})
	}
	if _, err := r.run(bson.D{{Key: "insert", Value: "c"}, {Key: "documents", Value: documents}}); refusal(err).Code != 4 {
		t.Errorf("a batch of 1001: %v", err)
	}
	// The driver knows the limit from hello, and splits.
	if _, err := c.InsertMany(context.Background(), documents, unordered); err != nil {
		t.Errorf("1001 documents by the driver: %v", err)
	}
}

func TestRetryableWritesAreRefused(t *testing.T) {
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil)})
	_, err := r.client(options.Client()).Database("d").Collection("c").InsertOne(context.Background(), bson.D{{Key: "_id", Value: 1}})
	if e := refusal(err); e.Code != 2 || !strings.HasPrefix(e.Message, "Retryable writes are not supported. Please disable retryable writes by specifying \"retrywrites=false\"") {
		t.Fatalf("the client is told %v", err)
	}
	if s := r.double.Statistics(); s.Refused["insert"][2] != 1 {
		t.Errorf("refused %v", s.Refused)
	}
	v := newRig(t, Options{Profile: profile(t, "vcore", nil)})
	if _, err := v.client(options.Client()).Database("d").Collection("c").InsertOne(context.Background(), bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Errorf("vcore: %v", err)
	}
}
