package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vida/sandbox/engine"
	"vida/sandbox/engine/null"
)

// stackFlags are the flags that say what to start; exec and serve have them in common.
type stackFlags struct {
	engine engine.Options
	kind   string
	idKind string
	data   string

	given func(flag string) bool
}

func (f *stackFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "engine", string(engine.Embedded), fmt.Sprintf("what serves both sides: one of %v", engine.Kinds()))
	flags.StringVar(&f.engine.Source.URI, "source-uri", "", "a server that runs already, as the source")
	flags.StringVar(&f.engine.Target.URI, "target-uri", "", "a server that runs already, as the target")
	flags.IntVar(&f.engine.Source.Port, "source-port", 0, "port of the source (0: any free one)")
	flags.IntVar(&f.engine.Target.Port, "target-port", 0, "port of the target (0: any free one)")
	flags.StringVar(&f.data, "data", "", "directory to keep the data in (default: a temporary one, removed at the end)")
	flags.StringVar(&f.engine.DocumentDB, "documentdb-dir", "", "where scripts/documentdb.sh has installed (default: $VIDA_DOCUMENTDB_DIR, or /opt/vida-documentdb)")

	flags.Int64Var(&f.engine.Null.Documents, "documents", 1_000_000, "engine null: how many documents the source has")
	flags.IntVar(&f.engine.Null.DocumentBytes, "document-bytes", 1900, "engine null: the size of each")
	flags.StringVar(&f.idKind, "id-kind", string(null.ObjectID), fmt.Sprintf("engine null: the type of their _id: one of %v", null.IDKinds()))
	flags.BoolVar(&f.engine.Null.Skew, "skew", false, "engine null: put 90 % of the _ids into 1 % of their range")
	f.given = flags.Changed
}

// stack is everything that runs: the engine's servers, and what stands before them.
type stack struct {
	sourceURI string // the one to hand out
	targetURI string
	names     namespaces
	report    func() []string // what the servers have to say of what they did
	stops     []func() error  // in the order of starting
}

// start starts what the flags ask for. Where it fails, nothing is left running.
func (f *stackFlags) start(ctx context.Context) (_ *stack, err error) {
	names := lookupNamespaces(os.LookupEnv)
	options := f.engine
	options.Kind = engine.Kind(f.kind)
	options.Null.IDKind = null.IDKind(f.idKind)
	options.Source.Database, options.Source.Collection = names.sourceDatabase, names.sourceCollection
	options.Target.Database, options.Target.Collection = names.targetDatabase, names.targetCollection
	if err := f.check(options); err != nil {
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
	servers, err := engine.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, servers.Stop)
	s.report = servers.Report
	s.sourceURI, s.targetURI = servers.SourceURI, servers.TargetURI
	return s, nil
}

func (f *stackFlags) check(options engine.Options) error {
	known := false
	for _, kind := range engine.Kinds() {
		known = known || kind == options.Kind
	}
	if !known {
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
	for _, flag := range []string{"documents", "document-bytes", "id-kind", "skew"} {
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
	for _, line := range s.report() {
		_, _ = fmt.Fprintf(w, "vida-sandbox: %s\n", line)
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
