package null

import (
	"math/rand/v2"
	"sync"
	"time"
)

// cursor is what of a query is still to be sent. One command at a time has it.
type cursor struct {
	id         int64
	namespace  string
	collection *collection
	rest       selection
	descending bool
	idOnly     bool
	limit      int64 // of the documents still to be sent; 0 for none

	used time.Time
}

// documentBytes is the size of each document that is sent.
func (c *cursor) documentBytes() int {
	if c.idOnly {
		return c.collection.layout.idEnd + 1
	}
	return c.collection.layout.bytes
}

// next appends up to n documents to dst.
func (c *cursor) next(dst []int64, n int) []int64 {
	if c.limit > 0 {
		n = int(min(int64(n), c.limit))
	}
	start := len(dst)
	for len(c.rest) > 0 && len(dst)-start < n {
		at := 0
		if c.descending {
			at = len(c.rest) - 1
		}
		dst, c.rest[at] = c.collection.take(dst, c.rest[at], c.descending, n-(len(dst)-start))
		switch {
		case !c.rest[at].empty():
		case c.descending:
			c.rest = c.rest[:at]
		default:
			c.rest = c.rest[1:]
		}
	}
	if c.limit > 0 {
		c.limit -= int64(len(dst) - start)
		if c.limit == 0 {
			c.rest = nil
		}
	}
	return dst
}

// done reports whether nothing is left. Documents that are not there may hide behind false, as on any server.
func (c *cursor) done() bool { return len(c.rest) == 0 }

// cursors are the open ones of a server. One that a client forgot is dropped after a while.
type cursors struct {
	mu   sync.Mutex
	open map[int64]*cursor
}

const (
	cursorPatience   = 10 * time.Minute // as on MongoDB
	cursorsUnwatched = 1000             // no client forgets so many that it matters
)

// keep opens the cursor, or leaves it open, for a later command.
func (c *cursors) keep(kept *cursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept.used = time.Now()
	for kept.id == 0 || c.open[kept.id] != nil {
		kept.id = rand.Int64()
	}
	if len(c.open) >= cursorsUnwatched {
		for id, other := range c.open {
			if kept.used.Sub(other.used) > cursorPatience {
				delete(c.open, id)
			}
		}
	}
	c.open[kept.id] = kept
}

// take closes a cursor and returns it; nil where it is not open.
func (c *cursors) take(id int64) *cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.open[id]
	delete(c.open, id)
	return taken
}
