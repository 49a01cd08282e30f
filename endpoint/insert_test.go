package endpoint

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// target is a server that keeps the _ids it is given and answers inserts by a script.
type target struct {
	mu      sync.Mutex
	kept    map[int32]bool
	inserts [][]int32 // the _ids of each insert, as they came
	answer  func(number int, ids []int32, keep func(index int) bool) bson.D
}

// startTarget serves until the test ends. answer is given the number of the insert from 0, its _ids, and what
// stores a document and tells whether it was new.
func startTarget(t *testing.T, answer func(number int, ids []int32, keep func(index int) bool) bson.D) (*target, *Writer) {
	t.Helper()
	s := &target{kept: map[int32]bool{}, answer: answer}
	w, err := OpenWriter(context.Background(), Config{
		Name: "target", URI: "mongodb://" + listen(t, answeringMessages(s.command)) + "/?directConnection=true", Database: "d", Kind: KindMongoDB, PoolSize: 4,
		Retry: Retry{For: 20 * time.Second, Initial: time.Millisecond, Max: 5 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(context.Background()) })
	return s, w
}

func (s *target) command(name string, body []byte) bson.D {
	switch {
	case name == "hello" || strings.EqualFold(name, "isMaster"):
		return hello(17)
	case name != "insert":
		return bson.D{{Key: "ok", Value: 1}}
	}
	var ids []int32
	for rest := body[5+binary.LittleEndian.Uint32(body[5:]):]; len(rest) > 0; { // the document sequence
		rest = rest[1+4+len("documents")+1:]
		for len(rest) > 0 {
			length := binary.LittleEndian.Uint32(rest)
			ids = append(ids, bson.Raw(rest[:length]).Lookup("_id").Int32())
			rest = rest[length:]
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inserts = append(s.inserts, ids)
	return s.answer(len(s.inserts)-1, ids, func(index int) bool {
		added := !s.kept[ids[index]]
		s.kept[ids[index]] = true
		return added
	})
}

const (
	duplicateMessage = "E11000 duplicate key error collection: d.c index: _id_"
	rateMessage      = "Error=16500, RetryAfterMs=4, Details='Batch write error.'"
	bareRateMessage  = "Error=16500, Details='Insert error.'"
	wholeRateMessage = "Error=16500, RetryAfterMs=4, Details='Response status code does not indicate success: TooManyRequests (429); Substatus: 3200; Reason: (Request rate is large. More Request Units may be needed, so no changes were made.)'"
)

func writeError(index int, code int32, message string) bson.D {
	return bson.D{{Key: "index", Value: int32(index)}, {Key: "code", Value: code}, {Key: "errmsg", Value: message}}
}

// takes answers an insert all of which is let through: duplicates are told.
func takes(ids []int32, keep func(int) bool) bson.D {
	var errs bson.A
	for n := range ids {
		if !keep(n) {
			errs = append(errs, writeError(n, CodeDuplicateKey, duplicateMessage))
		}
	}
	return answered(len(ids), errs)
}

func answered(sent int, errs bson.A) bson.D {
	reply := bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: int32(sent - len(errs))}}
	if len(errs) > 0 {
		reply = append(reply, bson.E{Key: "writeErrors", Value: errs})
	}
	return reply
}

func refused(code int32, message string) bson.D {
	return bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: code}, {Key: "errmsg", Value: message}}
}

func insertAll(t *testing.T, w *Writer, count int) Inserted {
	t.Helper()
	done, err := tryAll(t, w, count, nil)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// tryAll is insertAll that may fail.
func tryAll(t *testing.T, w *Writer, count int, stopping <-chan struct{}) (Inserted, error) {
	t.Helper()
	documents := make([]bson.Raw, count)
	for n := range documents {
		documents[n] = mustMarshal(t, bson.D{{Key: "_id", Value: int32(n)}})
	}
	inserter := w.NewInserter("c", stopping)
	defer inserter.Close()
	return inserter.Insert(context.Background(), documents, nil)
}

func (s *target) has(t *testing.T, count int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) != count {
		t.Errorf("%d documents arrived, want %d", len(s.kept), count)
	}
}

// Of a bulk that was applied by half, what failed is sent again and nothing else.
func TestOnlyFailedIndexesAreSentAgain(t *testing.T) {
	for _, message := range []string{rateMessage, bareRateMessage} {
		s, w := startTarget(t, func(number int, ids []int32, keep func(int) bool) bson.D {
			var errs bson.A
			for n := range ids {
				if number < 3 && n%3 != 0 { // any mix of indexes
					errs = append(errs, writeError(n, CodeRequestRateTooLarge, message))
					continue
				}
				keep(n)
			}
			return answered(len(ids), errs)
		})
		done := insertAll(t, w, 100)
		s.has(t, 100)
		if len(done.Errors) != 0 || done.Usage.Throttled != 3 || done.Usage.Retries != 3 {
			t.Errorf("%+v", done)
		}
		sent := 0
		for number, ids := range s.inserts {
			if sent += len(ids); number > 0 && len(ids) >= len(s.inserts[number-1]) {
				t.Errorf("insert %d has %d documents after one of %d", number, len(ids), len(s.inserts[number-1]))
			}
		}
		if want := 100 + 66 + 44 + 29; sent != want {
			t.Errorf("%d documents were sent in all, want %d", sent, want)
		}
	}
}

// Duplicates are an answer and throttling is none, in one and the same reply. Indexes are those of the batch, also
// of what was sent again.
func TestThrottlingAndDuplicatesInOneReply(t *testing.T) {
	s, w := startTarget(t, func(number int, ids []int32, keep func(int) bool) bson.D {
		var errs bson.A
		for n, id := range ids {
			switch {
			case number == 0 && id%2 == 1:
				errs = append(errs, writeError(n, CodeRequestRateTooLarge, bareRateMessage))
			case id%10 < 2:
				errs = append(errs, writeError(n, CodeDuplicateKey, duplicateMessage))
			default:
				keep(n)
			}
		}
		return answered(len(ids), errs)
	})
	done := insertAll(t, w, 40)
	s.has(t, 32)
	var duplicates []int
	for _, e := range done.Errors {
		if e.Code != CodeDuplicateKey {
			t.Errorf("%+v", e)
		}
		duplicates = append(duplicates, e.Index)
	}
	if want := []int{0, 1, 10, 11, 20, 21, 30, 31}; !slices.Equal(duplicates, want) {
		t.Errorf("duplicates at %v, want %v", duplicates, want)
	}
	if second := s.inserts[1]; len(s.inserts) != 2 || slices.ContainsFunc(second, func(id int32) bool { return id%2 == 0 }) {
		t.Errorf("sent again: %v", s.inserts[1:])
	}
}

// A command that was refused as a whole may have been applied in part: what is there already comes back as a
// duplicate, which is settled by comparing, and nothing is missing.
func TestAWholeRefusalMayHaveBeenAppliedInPart(t *testing.T) {
	for name, refusal := range map[string]bson.D{
		"throttled":            refused(CodeRequestRateTooLarge, wholeRateMessage),
		"throttled, no hint":   refused(CodeRequestRateTooLarge, bareRateMessage),
		"the server gave up":   refused(CodeExceededTimeLimit, "Request timed out. Retries due to rate limiting: True."),
		"without any code":     append(refused(0, "not master"), bson.E{Key: "codeName", Value: ""}),
		"it is shutting down":  refused(91, "shutting down"),
		"a network time limit": refused(89, "network timeout"),
	} {
		t.Run(name, func(t *testing.T) {
			s, w := startTarget(t, func(number int, ids []int32, keep func(int) bool) bson.D {
				if number == 0 {
					for n := range 7 {
						keep(3 * n)
					}
					return refusal
				}
				return takes(ids, keep)
			})
			done := insertAll(t, w, 30)
			s.has(t, 30)
			if len(s.inserts) != 2 || len(s.inserts[1]) != 30 {
				t.Errorf("%d inserts", len(s.inserts))
			}
			if len(done.Errors) != 7 {
				t.Errorf("%d duplicates, want 7: %+v", len(done.Errors), done.Errors)
			}
			for n, e := range done.Errors {
				if e.Index != 3*n || e.Code != CodeDuplicateKey {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// A reply that lists thousands of entries is read as any other.
func TestThousandsOfWriteErrors(t *testing.T) {
	const count = 1000
	s, w := startTarget(t, func(number int, ids []int32, keep func(int) bool) bson.D {
		if number > 0 {
			return takes(ids, keep)
		}
		errs := make(bson.A, 0, count)
		for n := range ids[1:] {
			errs = append(errs, writeError(n+1, CodeRequestRateTooLarge, fmt.Sprintf("Error=16500, RetryAfterMs=%d, Details='%0500d'", n%7, n)))
		}
		keep(0)
		return answered(len(ids), errs)
	})
	if done := insertAll(t, w, count); len(done.Errors) != 0 {
		t.Errorf("%+v", done)
	}
	s.has(t, count)
	if len(s.inserts) != 2 || len(s.inserts[1]) != count-1 {
		t.Errorf("%d inserts", len(s.inserts))
	}
}

// Getting anything through renews the patience; getting nothing through ends it.
func TestPatienceEndsWithoutAnyProgress(t *testing.T) {
	_, w := startTarget(t, func(int, []int32, func(int) bool) bson.D { return refused(CodeRequestRateTooLarge, bareRateMessage) })
	w.config.Retry.For = 50 * time.Millisecond
	inserter := w.NewInserter("c", nil)
	defer inserter.Close()
	if _, err := inserter.Insert(context.Background(), []bson.Raw{mustMarshal(t, bson.D{{Key: "_id", Value: int32(1)}})}, nil); Code(err) != CodeRequestRateTooLarge {
		t.Errorf("%v", err)
	}
}
