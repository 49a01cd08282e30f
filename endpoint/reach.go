package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/mongo/description"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// How long a server may refuse, or its name be unknown, before somebody in a hurry is told.
const hurryPatience = 3 * time.Second

// reach waits for the first server to be known. The driver would wait for the whole server-selection time-out
// whatever comes; what no waiting mends ends it here at once, and in a hurry what waiting seldom mends ends it
// early.
func (r *Reader) reach(ctx context.Context, atMost time.Duration) error {
	updates, err := r.servers.Subscribe()
	if err != nil {
		return err
	}
	defer func() { _ = r.servers.Unsubscribe(updates) }()
	deadline := time.NewTimer(atMost)
	defer deadline.Stop()
	started := time.Now()
	var latest description.Topology
	for {
		select {
		case latest = <-updates.Updates:
		case <-deadline.C:
			return topology.ServerSelectionError{Wrapped: topology.ErrServerSelectionTimeout, Desc: latest}
		case <-ctx.Done():
			return ctx.Err()
		}
		certain, likely := hopeless(latest.Servers)
		switch {
		case known(latest.Servers):
			return nil
		case certain, likely && r.config.Hurry && time.Since(started) > hurryPatience:
			return topology.ServerSelectionError{Wrapped: errHopeless, Desc: latest}
		}
		r.servers.RequestImmediateCheck()
	}
}

var errHopeless = errors.New("no server can be used")

func known(servers []description.Server) bool {
	for _, s := range servers {
		if s.Kind != description.Unknown {
			return true
		}
	}
	return false
}

// hopeless tells whether every server has failed in a way that waiting does not mend, or seldom does.
func hopeless(servers []description.Server) (certain, likely bool) {
	certain, likely = len(servers) > 0, len(servers) > 0
	for _, s := range servers {
		var plain tls.RecordHeaderError
		var unknown *net.DNSError
		refused := errors.Is(s.LastError, syscall.ECONNREFUSED) || errors.As(s.LastError, &unknown) && unknown.IsNotFound ||
			errors.Is(s.LastError, io.EOF) || errors.Is(s.LastError, syscall.ECONNRESET) || brokenOff(s.LastError)
		mistaken := s.LastError != nil && permanentHandshake(s.LastError) || errors.As(s.LastError, &plain)
		certain = certain && mistaken
		likely = likely && (mistaken || refused)
	}
	return certain, likely
}
