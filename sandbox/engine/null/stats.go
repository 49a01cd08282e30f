package null

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Stats are what a server has done since it started or was last told to begin again.
type Stats struct {
	Queries   int64 `bson:"queries"`   // find commands, but for probes
	Probes    int64 `bson:"probes"`    // find commands for _ids alone, or for one document
	Entries   int64 `bson:"entries"`   // _ids that were sent alone
	GetMores  int64 `bson:"getMores"`  // getMore commands
	Served    int64 `bson:"served"`    // documents sent
	Inserts   int64 `bson:"inserts"`   // insert commands
	Checked   int64 `bson:"checked"`   // documents that arrived
	Wrong     int64 `bson:"wrong"`     // of these, those that are no document of the collection
	Doubled   int64 `bson:"doubled"`   // of these, those that were there already
	BytesIn   int64 `bson:"bytesIn"`   // of the documents that arrived
	BytesOut  int64 `bson:"bytesOut"`  // of the documents sent
	Documents int64 `bson:"documents"` // of the collection that the options name: there now
	Missing   int64 `bson:"missing"`   // of it: not there now

	Compressed int64 `bson:"compressed"` // messages that came compressed

	WrongExamples []string `bson:"wrongExamples,omitempty"`
}

// String is one line for people.
func (s Stats) String() string {
	text := fmt.Sprintf("%d documents served by %d queries, %d getMores and %d probes for %d _ids; %d arrived in %d inserts: %d wrong, %d doubled; %d there now",
		s.Served, s.Queries, s.GetMores, s.Probes, s.Entries, s.Checked, s.Inserts, s.Wrong, s.Doubled, s.Documents)
	for _, example := range s.WrongExamples {
		text += "\n  wrong: " + example
	}
	return text
}

const maxExamples = 10

// counters gather the statistics. They are safe for concurrent use.
type counters struct {
	queries, probes, entries, getMores, served, inserts, checked, wrong, doubled, bytesIn, bytesOut, compressed atomic.Int64

	mu       sync.Mutex
	examples []string
}

func (c *counters) all() []*atomic.Int64 {
	return []*atomic.Int64{&c.queries, &c.probes, &c.entries, &c.getMores, &c.served, &c.inserts, &c.checked, &c.wrong, &c.doubled, &c.bytesIn, &c.bytesOut, &c.compressed}
}

func (c *counters) sentWrong(what string) {
	c.wrong.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.examples) < maxExamples {
		c.examples = append(c.examples, what)
	}
}

func (c *counters) reset() {
	for _, n := range c.all() {
		n.Store(0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.examples = nil
}

func (c *counters) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Queries: c.queries.Load(), Probes: c.probes.Load(), Entries: c.entries.Load(), GetMores: c.getMores.Load(), Served: c.served.Load(),
		Inserts: c.inserts.Load(), Checked: c.checked.Load(), Wrong: c.wrong.Load(), Doubled: c.doubled.Load(),
		Compressed: c.compressed.Load(), BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(), WrongExamples: append([]string(nil), c.examples...),
	}
}
