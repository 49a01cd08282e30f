package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"

	"vida/sandbox/engine/idindex"
	"vida/sandbox/wire"
)

// embeddedStopPatience bounds the wait for the connections of clients that stay: FerretDB itself gives
// them three seconds.
const embeddedStopPatience = 15 * time.Second

// embeddedIndexBytes bounds the documents of a collection that are held in memory to be found by _id.
const embeddedIndexBytes = 256 << 20

// embeddedPragmas make SQLite as fast as a rehearsal wants it: what a power cut loses is of no interest.
const embeddedPragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)"

func (s *Servers) startEmbedded(options Options) error {
	start := func(name, address string) (string, func() error, error) {
		return embed(filepath.Join(options.Data, name), address)
	}
	if err := s.startSide("source", options.Source, &s.SourceURI, start); err != nil {
		return err
	}
	return s.startSide("target", options.Target, &s.TargetURI, start)
}

// embed runs one FerretDB in this process with its files in dir, and an index before it: FerretDB 1 scans, and
// decodes from JSON, every document for each range of _id and each count.
func embed(dir, address string) (uri string, stop func() error, err error) {
	server, stopServer, err := startFerretDB(dir)
	if err != nil {
		return "", nil, err
	}
	front, err := wire.Start(context.Background(), wire.Options{
		Listen: address, Upstream: server, Interceptors: []wire.Interceptor{idindex.New(embeddedIndexBytes)},
	})
	if err != nil {
		return "", nil, errors.Join(err, stopServer())
	}
	return front.URI(), func() error { return errors.Join(front.Close(), stopServer()) }, nil
}

// startFerretDB runs one on a free port. Its constructor sets process-wide state, so that two must not be
// constructed at the same time.
func startFerretDB(dir string) (uri string, stop func() error, err error) {
	// The directory becomes a part of an SQLite URI, into which FerretDB does not escape it.
	if strings.ContainsAny(dir, "?#%") {
		return "", nil, fmt.Errorf("data directory %q: a path with ?, # or %% cannot be used; choose another", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", nil, err
	}
	files := url.URL{Scheme: "file", Path: filepath.ToSlash(dir) + "/", RawQuery: embeddedPragmas}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    quietLogger(log),
		Handler:   "sqlite",
		SQLiteURL: files.String(),
	})
	if err != nil {
		return "", nil, errors.Join(err, log.Close())
	}

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	stop = func() error {
		cancel()
		select {
		case err := <-done:
			return errors.Join(err, log.Close())
		case <-time.After(embeddedStopPatience):
			return errors.New("the embedded server did not stop")
		}
	}
	return server.MongoDBURI(), stop, nil
}

// quietLogger keeps errors only: FerretDB warns of each connection that a client closes.
func quietLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelError}))
}
