package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"vida/sandbox/control"
	"vida/sandbox/cosmos"
	"vida/sandbox/engine"
	"vida/sandbox/engine/null"
	"vida/sandbox/wire"
	"vida/sandbox/wire/faults"
)

// stackFlags are the flags that say what to start; exec and serve have them in common.
type stackFlags struct {
	engine engine.Options
	kind   string
	idKind string
	data   string
	orders bool // the source's collection is there, with indexes
	double doubleFlags
	faults [2]faultFlags // of the source and the target

	altered [2][]string // of the source and the target

	given func(flag string) bool
}

func (f *stackFlags) register(cmd *cobra.Command) {
	flags := pflag.NewFlagSet("servers", pflag.ContinueOnError)
	flags.StringVar(&f.kind, "engine", string(engine.Embedded), fmt.Sprintf("what serves both sides: one of %v", engine.Kinds()))
	flags.StringVar(&f.engine.Source.URI, "source-uri", "", "a server that runs already, as the source")
	flags.StringVar(&f.engine.Target.URI, "target-uri", "", "a server that runs already, as the target")
	flags.IntVar(&f.engine.Source.Port, "source-port", 0, "port of the source (0: any free one)")
	flags.IntVar(&f.engine.Target.Port, "target-port", 0, "port of the target (0: any free one)")
	flags.StringVar(&f.data, "data", "", "directory to keep the data in (default: a temporary one, removed at the end)")
	flags.StringVar(&f.engine.DocumentDB, "documentdb-dir", "", "where scripts/documentdb.sh has installed (default: $VIDA_DOCUMENTDB_DIR, or /opt/vida-documentdb)")

	flags.BoolVar(&f.orders, "orders", false, "create the source's collection, empty, with the indexes of an application of service orders")

	virtual := pflag.NewFlagSet("null", pflag.ContinueOnError)
	virtual.Int64Var(&f.engine.Null.Documents, "documents", 1_000_000, "how many documents the source has")
	virtual.IntVar(&f.engine.Null.DocumentBytes, "document-bytes", 1900, "the size of each")
	virtual.StringVar(&f.idKind, "id-kind", string(null.ObjectID), fmt.Sprintf("the type of their _id: one of %v", null.IDKinds()))
	virtual.BoolVar(&f.engine.Null.Skew, "skew", false, "put 90 % of the _ids into 1 % of their range")
	virtual.BoolVar(&f.engine.Target.Whole, "target-whole", false, "the target has all of them already")
	virtual.StringArrayVar(&f.altered[0], "source-altered", nil, fmt.Sprintf("KIND=N or KIND=all: document N of the source is unlike what it should be; one of %v", null.AlterationKinds()))
	virtual.StringArrayVar(&f.altered[1], "target-altered", nil, "the same for the target")

	account := pflag.NewFlagSet("cosmos", pflag.ContinueOnError)
	f.double.register(account)

	misbehaving := pflag.NewFlagSet("faults", pflag.ContinueOnError)
	f.faults[0].side, f.faults[1].side = "source", "target"
	for side := range f.faults {
		f.faults[side].register(misbehaving)
	}

	f.given = cmd.Flags().Changed
	groupFlags(cmd,
		flagGroup{"Servers", flags},
		flagGroup{"Cosmos DB account before the source", account},
		flagGroup{"Faults", misbehaving},
		flagGroup{"Engine null", virtual})
}

// stack is everything that runs: the engine's servers, and what stands before them.
type stack struct {
	sourceURI string // the one to hand out
	targetURI string
	names     namespaces
	more      []variable        // what else a command is told
	reports   []func() []string // what the servers have to say of what they did
	stops     []func() error    // in the order of starting
}

// start starts what the flags ask for. Where it fails, nothing is left running.
func (f *stackFlags) start(ctx context.Context) (_ *stack, err error) {
	names := lookupNamespaces(os.LookupEnv)
	options := f.engine
	options.Kind = engine.Kind(f.kind)
	options.Null.IDKind = null.IDKind(f.idKind)
	for n, side := range []*engine.Side{&options.Source, &options.Target} {
		for _, text := range f.altered[n] {
			altered, err := null.ParseAlteration(text)
			if err != nil {
				return nil, &usageError{err}
			}
			side.Altered = append(side.Altered, altered)
		}
	}
	options.Source.Database, options.Source.Collection = names.sourceDatabase, names.sourceCollection
	options.Target.Database, options.Target.Collection = names.targetDatabase, names.targetCollection
	if err := f.check(options); err != nil {
		return nil, err
	}
	front, err := f.front(options)
	if err != nil {
		return nil, err
	}
	s := &stack{names: names}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	options.Keep = f.data != ""
	if options.Data, err = s.dataDirectory(f.data); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	// The ports asked for are those that clients see.
	sourcePort, targetPort := options.Source.Port, options.Target.Port
	if front.account != nil || front.faults[0] != nil {
		options.Source.Port = 0
	}
	if front.faults[1] != nil {
		options.Target.Port = 0
	}
	servers, err := engine.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, servers.Stop)
	s.reports = append(s.reports, servers.Report)
	s.sourceURI, s.targetURI = servers.SourceURI, servers.TargetURI
	if f.orders {
		if err := prepare(ctx, servers.SourceURI, names); err != nil {
			return nil, fmt.Errorf("--orders: %w", err)
		}
	}
	// The context ends the start only: what runs is stopped in order.
	running := context.WithoutCancel(ctx)
	if err := s.frontSource(running, front, sourcePort); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if front.faults[1] != nil {
		if s.targetURI, err = s.addFaults(running, s.targetURI, targetPort, f.faults[1], front.faults[1]); err != nil {
			return nil, fmt.Errorf("target: %w", err)
		}
	}
	return s, nil
}

// front is what is to stand before the servers.
type front struct {
	account *cosmos.Options
	faults  [2]*faults.Injector
	flags   *stackFlags
}

func (f *stackFlags) front(options engine.Options) (front, error) {
	w := front{flags: f}
	account, err := f.double.wanted(options)
	if err != nil {
		return w, err
	}
	if account {
		resolved, err := f.double.resolve(options)
		if err != nil {
			return w, err
		}
		w.account = &resolved
	}
	for side := range f.faults {
		if w.faults[side], err = f.faults[side].injector(); err != nil {
			return w, err
		}
	}
	if uri := options.Source.URI; uri != "" && (account || w.faults[0] != nil) {
		if _, err := splitAddress(uri); err != nil {
			return w, usagef("--source-uri: %w", err)
		}
	}
	if uri := options.Target.URI; uri != "" && w.faults[1] != nil {
		if _, err := splitAddress(uri); err != nil {
			return w, usagef("--target-uri: %w", err)
		}
	}
	return w, nil
}

// frontSource puts before the source what belongs there. Faults and an account are one proxy: what a client
// meets first are the faults.
func (s *stack) frontSource(ctx context.Context, w front, port int) (err error) {
	flags, injector := w.flags.faults[0], w.faults[0]
	switch {
	case w.account == nil && injector == nil:
		return nil
	case w.account == nil:
		s.sourceURI, err = s.addFaults(ctx, s.sourceURI, port, flags, injector)
		return err
	}
	s.more = append(s.more, variable{"VIDA_SANDBOX_SOURCE_ENGINE_URI", s.sourceURI})
	options := *w.account
	options.Listen = loopback(port)
	if injector != nil {
		options.Interceptors = []wire.Interceptor{injector}
	}
	double, uri, err := startDouble(ctx, s.sourceURI, options)
	if err != nil {
		return err
	}
	s.sourceURI = uri
	s.stops = append(s.stops, double.Close)
	s.reports = append(s.reports, func() []string {
		if line := account(double.Statistics()); line != "" {
			return []string{line}
		}
		return nil
	})
	s.more = append(s.more, variable{"VIDA_SANDBOX_COSMOS_URL", double.StatsURL()})
	if injector == nil {
		return nil
	}
	endpoint, err := control.Listen(ctx, flags.address, faults.Handler(injector, double.Proxy()))
	if err != nil {
		return err
	}
	s.stops = append(s.stops, endpoint.Close)
	s.more = append(s.more, variable{flags.variable(), endpoint.URL()})
	return nil
}

// addFaults puts a misbehaving proxy before a server and returns the URI that leads to it.
func (s *stack) addFaults(ctx context.Context, uri string, port int, flags faultFlags, injector *faults.Injector) (string, error) {
	proxy, err := startFaulty(ctx, uri, loopback(port), flags.address, injector)
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, proxy.close)
	s.more = append(s.more, variable{flags.variable(), proxy.endpoint.URL()}, variable{flags.engineVariable(), uri})
	return proxy.uri, nil
}

// variables are what a command is told.
func (s *stack) variables() []variable {
	return append(environment(s.sourceURI, s.targetURI, s.names), s.more...)
}

func (f *stackFlags) check(options engine.Options) error {
	if !slices.Contains(engine.Kinds(), options.Kind) {
		return usagef("--engine %s: there are %v", options.Kind, engine.Kinds())
	}
	for name, side := range map[string]engine.Side{"source": options.Source, "target": options.Target} {
		if side.Port < 0 || side.Port > 65535 {
			return usagef("--%s-port %d: a port is between 0 and 65535", name, side.Port)
		}
		if side.URI != "" && side.Port != 0 {
			return usagef("--%s-uri and --%s-port exclude each other: no server is started for that side", name, name)
		}
	}
	if options.Source.Port != 0 && options.Source.Port == options.Target.Port {
		return usagef("--source-port and --target-port are the same")
	}
	if f.orders && (options.Kind == engine.Null || options.Source.URI != "") {
		return usagef("--orders is for a source that the sandbox starts, with an engine that keeps documents")
	}
	return f.checkNull(options)
}

// checkNull keeps a flag of the null engine from being passed over in silence by another.
func (f *stackFlags) checkNull(options engine.Options) error {
	if options.Kind == engine.Null {
		named := options.Null
		named.Database, named.Collection = options.Source.Database, options.Source.Collection
		if err := named.Validate(); err != nil {
			return &usageError{err}
		}
		return nil
	}
	for _, flag := range []string{"documents", "document-bytes", "id-kind", "skew", "target-whole", "source-altered", "target-altered"} {
		if f.given(flag) {
			return usagef("--%s is for --engine %s only", flag, engine.Null)
		}
	}
	return nil
}

// dataDirectory returns the directory asked for, made if need be, or a temporary one that stop removes.
func (s *stack) dataDirectory(asked string) (string, error) {
	if asked != "" {
		dir, err := filepath.Abs(asked)
		if err != nil {
			return "", err
		}
		return dir, os.MkdirAll(dir, 0o700)
	}
	dir, err := os.MkdirTemp("", "vida-sandbox-")
	if err != nil {
		return "", err
	}
	s.stops = append(s.stops, func() error { return os.RemoveAll(dir) })
	return dir, nil
}

// say writes what the servers have to say of what they did.
func (s *stack) say(w io.Writer) {
	for _, report := range s.reports {
		for _, line := range report() {
			_, _ = fmt.Fprintf(w, "vida-sandbox: %s\n", line)
		}
	}
}

// stop ends everything, the last started first.
func (s *stack) stop() error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		errs = append(errs, s.stops[i]())
	}
	return errors.Join(errs...)
}
