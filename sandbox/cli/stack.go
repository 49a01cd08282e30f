package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vida/sandbox/engine"
)

// stackFlags are the flags that say what to start; exec and serve have them in common.
type stackFlags struct {
	engine engine.Options
	kind   string
	data   string
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
}

// stack is everything that runs: the engine's servers, and what stands before them.
type stack struct {
	sourceURI string // the one to hand out
	targetURI string
	stops     []func() error // in the order of starting
}

// start starts what the flags ask for. Where it fails, nothing is left running.
func (f *stackFlags) start(ctx context.Context) (_ *stack, err error) {
	options := f.engine
	options.Kind = engine.Kind(f.kind)
	if err := f.check(options); err != nil {
		return nil, err
	}
	s := &stack{}
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

// stop ends everything, the last started first.
func (s *stack) stop() error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		errs = append(errs, s.stops[i]())
	}
	return errors.Join(errs...)
}
