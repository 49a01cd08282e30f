package cosmos

import (
	"bytes"
	"sync"

	"go.mongodb.org/mongo-driver/bson"
)

// feed is the order in which a collection's documents were last written: of the documents that were there when it
// was first asked for, that of their _id.
type feed struct {
	mu      sync.Mutex
	entries []feedEntry
	latest  map[string]int // the last entry of an _id
}

type feedEntry struct {
	id   bson.RawValue
	hash uint64
}

func newFeed() *feed { return &feed{latest: map[string]int{}} }

func keyOf(id bson.RawValue) string { return string(append([]byte{byte(id.Type)}, id.Value...)) }

// writeLocked appends a write of a document.
func (f *feed) writeLocked(id bson.RawValue) {
	id = bson.RawValue{Type: id.Type, Value: bytes.Clone(id.Value)}
	f.latest[keyOf(id)] = len(f.entries)
	f.entries = append(f.entries, feedEntry{id, hashOf(id)})
}

func (f *feed) wrote(ids []bson.RawValue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		f.writeLocked(id)
	}
}

// found appends what was not known to be there.
func (f *feed) foundLocked(ids []bson.RawValue) {
	for _, id := range ids {
		if _, known := f.latest[keyOf(id)]; !known {
			f.writeLocked(id)
		}
	}
}

// next lists up to count documents of a range that were written after a position, and for each the position
// after it.
func (f *feed) next(from position, count int) (ids []bson.RawValue, after []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := from.After; n < len(f.entries) && len(ids) < count; n++ {
		entry := f.entries[n]
		if entry.hash < from.Range.Min || entry.hash > from.Range.Max || f.latest[keyOf(entry.id)] != n {
			continue
		}
		ids, after = append(ids, entry.id), append(after, n+1)
	}
	return ids, after
}

func (f *feed) end() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.entries)
}

// feeds are those that were asked for, by namespace.
type feeds struct {
	mu    sync.Mutex
	known map[string]*feed
}

func (f *feeds) get(namespace string) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known[namespace]
}

func (f *feeds) make(namespace string) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[namespace] == nil {
		if f.known == nil {
			f.known = map[string]*feed{}
		}
		f.known[namespace] = newFeed()
	}
	return f.known[namespace]
}

// forget drops every feed: what was written under a name is not what comes to be written under it.
func (f *feeds) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = nil
}
