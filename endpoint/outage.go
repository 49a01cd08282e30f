package endpoint

import (
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/mongo/description"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

const (
	outageSilence = 5 * time.Second // most outages are over before anybody would read of them
	outageAgain   = time.Minute
)

// outages tells whoever watches a run why it stands still: that no server answers, why, and when one does again.
type outages struct {
	connection string
	silence    time.Duration
	again      time.Duration
	why        func(description.Topology) string
	log        func(level, message string)
}

// tellOutages watches the connection's servers until stop is called.
func (r *Reader) tellOutages() (stop func(), err error) {
	if r.config.Log == nil || r.config.Hurry {
		return func() {}, nil
	}
	updates, err := r.servers.Subscribe()
	if err != nil {
		return nil, err
	}
	o := outages{
		connection: r.config.Name, silence: outageSilence, again: outageAgain, log: r.config.Log,
		why: func(servers description.Topology) string {
			return connectFailure(topology.ServerSelectionError{Wrapped: topology.ErrServerSelectionTimeout, Desc: servers}, r.config).Error()
		},
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { o.watch(updates.Updates, done) })
	return sync.OnceFunc(func() {
		close(done)
		watching.Wait()
		_ = r.servers.Unsubscribe(updates) // fails where the servers have been left already
	}), nil
}

func (o outages) watch(updates <-chan description.Topology, done <-chan struct{}) {
	timer := time.NewTimer(o.silence)
	defer timer.Stop()
	since, told := time.Now(), false // until the first server is known there is none
	away := true
	var latest description.Topology
	for {
		select {
		case <-done:
			return
		case servers, open := <-updates:
			if !open {
				return
			}
			latest = servers
			switch answers := known(servers.Servers); {
			case answers && told:
				o.log("info", fmt.Sprintf("connection %s: a server answers again, after %s", o.connection, time.Since(since).Round(time.Second)))
				away, told = false, false
			case answers:
				away = false
			case !away:
				away, since = true, time.Now()
				timer.Reset(o.silence)
			}
		case <-timer.C:
			if away {
				told = true
				o.log("warn", fmt.Sprintf("no server answers since %s, waiting for one: %s", time.Since(since).Round(time.Second), o.why(latest)))
				timer.Reset(o.again)
			}
		}
	}
}
