package null

import (
	"slices"
	"testing"
	"time"
)

func TestCursorsForgetTheForgotten(t *testing.T) {
	open := cursors{open: map[int64]*cursor{}}
	for range cursorsUnwatched {
		open.keep(&cursor{})
	}
	old := &cursor{}
	open.keep(old)
	old.used = time.Now().Add(-2 * cursorPatience)
	fresh := &cursor{}
	open.keep(fresh)
	if open.take(old.id) != nil {
		t.Error("a cursor unused for long is still open")
	}
	if open.take(fresh.id) != fresh || open.take(fresh.id) != nil {
		t.Error("a cursor is taken once")
	}
}

func TestCursorStopsAtItsLimit(t *testing.T) {
	whole := newCollection(newLayout(testOptions(Int, 1000, false)), true)
	for _, descending := range []bool{false, true} {
		c := &cursor{collection: whole, rest: selection{{10, 12}, {500, 504}, {900, 1000}}, descending: descending, limit: 7}
		var got []int64
		for !c.done() {
			got = c.next(got, 3)
		}
		want := []int64{10, 11, 500, 501, 502, 503, 900}
		if descending {
			want = []int64{999, 998, 997, 996, 995, 994, 993}
		}
		if !slices.Equal(got, want) {
			t.Errorf("descending %v: got %v; want %v", descending, got, want)
		}
	}
}
