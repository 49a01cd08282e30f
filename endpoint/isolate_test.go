package endpoint

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

const codeUnknown = 4242 // nothing says whether it is about a document

// refusesWhole is a target that refuses a message as a whole for one of its documents: verdict names the refusal of a
// document by its _id, or is nil.
func refusesWhole(verdict func(id int32) bson.D) func(int, []int32, func(int) bool) bson.D {
	return func(_ int, ids []int32, keep func(int) bool) bson.D {
		for _, id := range ids {
			if answer := verdict(id); answer != nil {
				return answer
			}
		}
		return takes(ids, keep)
	}
}

func indexesOf(list []WriteError) (indexes []int) {
	for _, e := range list {
		indexes = append(indexes, e.Index)
	}
	return indexes
}

// Each document to blame for the refusal of a whole message is found, wherever it is; the others arrive, once.
func TestTheDocumentsToBlameAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		code    int32
		blamed  []int
		message string
	}{
		"one in the middle":                     {2, []int{17}, "bad value"},
		"the first":                             {2, []int{0}, "bad value"},
		"the last":                              {10334, []int{29}, "too large"},
		"the first three, for an unknown cause": {codeUnknown, []int{0, 1, 2}, "who knows"},
		"many, for an unknown cause":            {codeUnknown, []int{1, 2, 3, 4, 20, 21, 22, 28, 29}, "who knows"},
		"all but the last":                      {121, upTo(29), "failed validation"},
		"all of them":                           {121, upTo(30), "failed validation"},
	} {
		t.Run(name, func(t *testing.T) {
			s, w := startTarget(t, refusesWhole(func(id int32) bson.D {
				if slices.Contains(c.blamed, int(id)) {
					return refused(c.code, c.message)
				}
				return nil
			}))
			done, err := tryAll(t, w, 30, nil)
			if err != nil {
				t.Fatal(err)
			}
			s.has(t, 30-len(c.blamed))
			if !slices.Equal(indexesOf(done.Errors), c.blamed) {
				t.Errorf("blamed %v, want %v", indexesOf(done.Errors), c.blamed)
			}
			for _, e := range done.Errors {
				if e.Code != c.code || e.Message != c.message {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// A refusal of everything for a reason that need not be the documents' is returned, and soon; nobody is blamed for it.
func TestARefusalThatIsNotAboutDocumentsIsReturned(t *testing.T) {
	for name, c := range map[string]struct {
		documents   int
		whole, each int32
		inserts     int // at most
	}{
		"not authorized":                          {1000, CodeUnauthorized, CodeUnauthorized, 1 + mostBlamed},
		"an unknown cause":                        {30, codeUnknown, codeUnknown, 1 + mostBlamed},
		"of two documents":                        {2, CodeUnauthorized, CodeUnauthorized, 3},
		"of one document":                         {1, CodeUnauthorized, 0, 1},
		"the whole for a document, each for none": {2, 2, CodeUnauthorized, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s, w := startTarget(t, func(number int, _ []int32, _ func(int) bool) bson.D {
				if number == 0 {
					return refused(c.whole, "refused as a whole")
				}
				return refused(c.each, "refused alone")
			})
			if _, err := tryAll(t, w, c.documents, nil); err == nil || Code(err) != max(c.each, c.whole) {
				t.Errorf("%v", err)
			}
			s.has(t, 0)
			if len(s.inserts) > c.inserts {
				t.Errorf("%d inserts, want at most %d", len(s.inserts), c.inserts)
			}
		})
	}
}

// The whole may be refused for what looks like the target's, and each document for its own.
func TestEachDocumentMayBeRefusedForItsOwn(t *testing.T) {
	_, w := startTarget(t, func(number int, ids []int32, _ func(int) bool) bson.D {
		if len(ids) > 1 {
			return refused(codeUnknown, "the batch cannot be written")
		}
		return refused(10334, fmt.Sprintf("document %d is too large", ids[0]))
	})
	done, err := tryAll(t, w, 40, nil)
	if err != nil || !slices.Equal(indexesOf(done.Errors), upTo(40)) {
		t.Errorf("%v: %+v", err, done.Errors)
	}
}

// What can pass may come while the documents to blame are looked for. The search goes on where it was, and what was
// taken is not sent again.
func TestTheSearchForDocumentsToBlameIsInterrupted(t *testing.T) {
	for name, passing := range map[string]bson.D{
		"throttled":     refused(CodeRequestRateTooLarge, rateMessage),
		"not primary":   refused(10107, "not primary"),
		"the server is": refused(91, "shutting down"),
	} {
		t.Run(name, func(t *testing.T) {
			asked := map[int32]int{}
			s, w := startTarget(t, func(_ int, ids []int32, keep func(int) bool) bson.D {
				bad := slices.ContainsFunc(ids, func(id int32) bool { return id%10 == 5 })
				if len(ids) == 1 && ids[0]%4 == 3 {
					if asked[ids[0]]++; asked[ids[0]] == 1 {
						return passing
					}
				}
				if bad {
					return refused(2, "bad value")
				}
				return takes(ids, keep)
			})
			done, err := tryAll(t, w, 30, nil)
			if err != nil {
				t.Fatal(err)
			}
			s.has(t, 27)
			if want := []int{5, 15, 25}; !slices.Equal(indexesOf(done.Errors), want) {
				t.Errorf("blamed %+v, want %v", done.Errors, want)
			}
			if done.Usage.Retries < 3 {
				t.Errorf("%+v: nothing was tried again, the test proves nothing", done.Usage)
			}
		})
	}
}

// Documents sent alone are answered as any are: duplicates, throttled ones, ones refused by name.
func TestDocumentsSentAloneAreAnsweredByIndex(t *testing.T) {
	throttled := map[int32]bool{}
	s, w := startTarget(t, func(_ int, ids []int32, keep func(int) bool) bson.D {
		switch {
		case len(ids) > 1 && slices.Contains(ids, 9):
			return refused(codeUnknown, "for one of its documents")
		case ids[0] == 9 && len(ids) == 1:
			return refused(codeUnknown, "this one")
		}
		var errs bson.A
		for n, id := range ids {
			switch {
			case id == 2:
				errs = append(errs, writeError(n, CodeDuplicateKey, duplicateMessage))
			case id == 4:
				errs = append(errs, writeError(n, 121, "failed validation"))
			case id%5 == 1 && !throttled[id]:
				throttled[id] = true
				errs = append(errs, writeError(n, CodeRequestRateTooLarge, bareRateMessage))
			default:
				keep(n)
			}
		}
		return answered(len(ids), errs)
	})
	done, err := tryAll(t, w, 12, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.has(t, 9)
	if want := []int{2, 4, 9}; !slices.Equal(indexesOf(done.Errors), want) {
		t.Errorf("%+v, want %v", done.Errors, want)
	}
	if done.Usage.Throttled != 3 {
		t.Errorf("%+v", done.Usage)
	}
}

// A stop ends the search as it ends any wait: what became of the batch is not known, and nobody is blamed.
func TestAStopEndsTheSearchForDocumentsToBlame(t *testing.T) {
	stop := make(chan struct{})
	_, w := startTarget(t, func(number int, ids []int32, keep func(int) bool) bson.D {
		switch {
		case len(ids) > 1:
			return refused(2, "bad value")
		case number < 8:
			return takes(ids, keep)
		case number == 8:
			close(stop)
		}
		return refused(91, "shutting down")
	})
	if _, err := tryAll(t, w, 30, stop); !errors.Is(err, ErrStopping) {
		t.Errorf("%v", err)
	}
}
