package endpoint

import (
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/mongo/description"
)

// An outage is told with its reason, again while it lasts, and so is its end; a server that is there is no news.
func TestOutagesAreTold(t *testing.T) {
	said := make(chan string, 100)
	o := outages{connection: "target", silence: 20 * time.Millisecond, again: 20 * time.Millisecond,
		why: func(d description.Topology) string { return "because of " + d.Servers[0].Addr.String() },
		log: func(level, message string) { said <- level + ": " + message }}
	updates, done, ended := make(chan description.Topology), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		o.watch(updates, done)
	}()
	down := description.Topology{Servers: []description.Server{{Addr: "a.invalid:1"}}}
	up := description.Topology{Servers: []description.Server{{Addr: "a.invalid:1", Kind: description.Standalone}}}
	updates <- down
	for range 2 {
		if got := <-said; !strings.HasPrefix(got, "warn: no server answers since 0s, waiting for one: because of a.invalid:1") {
			t.Errorf("%q", got)
		}
	}
	updates <- up
	for got := range said { // it may have been told once more just before
		if strings.HasPrefix(got, "info: connection target: a server answers again") {
			break
		}
	}
	updates <- up
	updates <- down
	if got := <-said; !strings.HasPrefix(got, "warn: ") {
		t.Errorf("%q", got)
	}
	close(done)
	<-ended
}
