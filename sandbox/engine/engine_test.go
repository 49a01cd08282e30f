package engine

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

func TestStartTakesServersThatRunAlready(t *testing.T) {
	servers := start(t, Options{Kind: Embedded, Source: Side{URI: "mongodb://a/"}, Target: Side{URI: "mongodb://b/"}})
	if servers.SourceURI != "mongodb://a/" || servers.TargetURI != "mongodb://b/" {
		t.Errorf("got %+v", servers)
	}
	if err := servers.Stop(); err != nil {
		t.Error(err)
	}
}

func TestStartFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := taken.Addr().(*net.TCPAddr).Port

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		options Options
		want    string
	}{
		"unknown engine":       {t.Context(), Options{Kind: "oracle"}, `unknown engine "oracle"`},
		"port taken":           {t.Context(), Options{Kind: Embedded, Target: Side{Port: port}}, "target: "},
		"documentdb not there": {t.Context(), Options{Kind: DocumentDB, DocumentDB: "/nonexistent"}, "scripts/documentdb.sh --dir /nonexistent install"},
		"ended":                {ended, Options{Kind: Embedded}, context.Canceled.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.Data = t.TempDir()
			servers, err := Start(c.ctx, c.options)
			if err == nil {
				t.Fatalf("started %+v", servers)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %q; want one with %q", err, c.want)
			}
		})
	}
}

func TestStopGoesOnAfterAFailure(t *testing.T) {
	first, second := errors.New("first"), errors.New("second")
	servers := &Servers{stops: []func() error{func() error { return first }, func() error { return second }}}
	if err := servers.Stop(); !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("stop gave %v; want both errors", err)
	}
}
