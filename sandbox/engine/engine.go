// Package engine starts the servers of the sandbox: a source and a target that speak the MongoDB wire
// protocol on loopback.
package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"vida/sandbox/engine/null"
)

// Kind names an engine.
type Kind string

const (
	// Embedded is FerretDB 1 in this process, on SQLite files.
	Embedded Kind = "embedded"
	// DocumentDB is PostgreSQL with the documentdb extension behind FerretDB 2, as scripts/documentdb.sh installs it.
	DocumentDB Kind = "documentdb"
	// Null serves a virtual collection and checks what arrives, at nearly no cost.
	Null Kind = "null"
)

// Kinds returns every engine, the default first.
func Kinds() []Kind { return []Kind{Embedded, DocumentDB, Null} }

// Side is what is asked of one of the two servers.
type Side struct {
	URI  string // a server that runs already; the engine then starts none for this side
	Port int    // the port to listen on; 0 for any free one

	Database   string // the names that a plan reads or writes; only the null engine must know them
	Collection string

	Whole   bool              // the null engine's target has the virtual collection already
	Altered []null.Alteration // of the null engine's documents on this side
}

// Options say what to start.
type Options struct {
	Kind   Kind
	Source Side
	Target Side

	Data string // an existing directory for everything the engine writes
	Keep bool   // whether the data is to be found again by the next start with the same Data

	DocumentDB string // the installation of DocumentDB; "" for the script's default

	Null null.Options // all but the names
}

// Servers are a source and a target that answer.
type Servers struct {
	SourceURI string
	TargetURI string

	stops   []func() error // in the order of starting
	reports []func() string
}

// Report is what the servers have to say of what they did, a line each; nil where they keep no account.
func (s *Servers) Report() []string {
	var lines []string
	for _, report := range s.reports {
		lines = append(lines, report())
	}
	return lines
}

// Stop ends every server that was started and waits for it. It may be called once.
func (s *Servers) Stop() error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		errs = append(errs, s.stops[i]())
	}
	return errors.Join(errs...)
}

// Start starts the engine and returns when both sides take connections. Where ctx ends first, or one
// side fails, what was started is stopped. After that ctx is of no more use: Stop ends the servers.
func Start(ctx context.Context, options Options) (*Servers, error) {
	servers := &Servers{SourceURI: options.Source.URI, TargetURI: options.Target.URI}
	if servers.SourceURI != "" && servers.TargetURI != "" {
		return servers, nil
	}
	var err error
	switch options.Kind {
	case Embedded:
		err = servers.startEmbedded(options)
	case DocumentDB:
		err = servers.startDocumentDB(ctx, options)
	case Null:
		err = servers.startNull(options)
	default:
		return nil, fmt.Errorf("unknown engine %q; there are %v", options.Kind, Kinds())
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("engine %s: %w", options.Kind, err), servers.Stop())
	}
	return servers, nil
}

// startSide runs start for a side unless it has a server already, and keeps how to stop what it started.
func (s *Servers) startSide(name string, side Side, uri *string, start func(name string, address string) (string, func() error, error)) error {
	if side.URI != "" {
		return nil
	}
	started, stop, err := start(name, net.JoinHostPort("127.0.0.1", strconv.Itoa(side.Port)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*uri = started
	s.stops = append(s.stops, stop)
	return nil
}
