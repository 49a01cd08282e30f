package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"vida/sandbox/control"
	"vida/sandbox/wire"
	"vida/sandbox/wire/faults"
)

// faultFlags say how one side misbehaves.
type faultFlags struct {
	side    string // source or target
	file    string
	address string
}

func (f *faultFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, f.side+"-faults", "", "rules by which the "+f.side+" misbehaves: a YAML `file`, see vida-sandbox proxy --help")
	flags.StringVar(&f.address, f.side+"-faults-address", "", "host:port of their HTTP endpoint (default: a free port of 127.0.0.1)")
}

// injector reads the rules; nil where there are none.
func (f *faultFlags) injector() (*faults.Injector, error) {
	if f.file == "" {
		if f.address != "" {
			return nil, usagef("--%s-faults-address needs --%s-faults", f.side, f.side)
		}
		return nil, nil
	}
	injector, err := readRules(f.file)
	if err != nil {
		return nil, usagef("--%s-faults: %w", f.side, err)
	}
	return injector, nil
}

func readRules(file string) (*faults.Injector, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	injector, err := faults.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return injector, nil
}

// faulty is a proxy that misbehaves, and its endpoint.
type faulty struct {
	proxy    *wire.Proxy
	endpoint *control.Endpoint
	uri      string
}

// startFaulty puts a proxy with faults before the server of upstream.
func startFaulty(ctx context.Context, upstream, listen, address string, injector *faults.Injector) (*faulty, error) {
	server, err := splitAddress(upstream)
	if err != nil {
		return nil, err
	}
	f := &faulty{}
	f.proxy, err = wire.Start(ctx, wire.Options{Listen: listen, Upstream: upstream, Interceptors: []wire.Interceptor{injector}})
	if err != nil {
		return nil, err
	}
	f.uri = server.behind(f.proxy.Addr()).String()
	if f.endpoint, err = control.Listen(ctx, address, faults.Handler(injector, f.proxy)); err != nil {
		return nil, errors.Join(err, f.proxy.Close())
	}
	return f, nil
}

func (f *faulty) close() error { return errors.Join(f.endpoint.Close(), f.proxy.Close()) }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// variable names the one by which a command is told of the endpoint.
func (f *faultFlags) variable() string {
	return "VIDA_SANDBOX_" + strings.ToUpper(f.side) + "_FAULTS_URL"
}

// engineVariable names the one by which a command is told of the server behind.
func (f *faultFlags) engineVariable() string {
	return "VIDA_SANDBOX_" + strings.ToUpper(f.side) + "_ENGINE_URI"
}
