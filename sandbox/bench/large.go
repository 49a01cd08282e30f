package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vida/sandbox/engine/null"
)

// newLargeCommand copies as many documents as the first user has, killed half way.
func newLargeCommand() *cobra.Command {
	var l largeBench
	cmd := &cobra.Command{
		Use:   "large",
		Short: "Copy 61,000,000 documents between two null engines, killed half way",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return l.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&l.binary, "vida", "bin/vida", "the binary to measure")
	flags.Int64Var(&l.documents, "documents", 61_000_000, "how many documents")
	flags.IntVar(&l.bytes, "document-bytes", 256, "the size of each")
	flags.StringVar(&l.tuning, "tuning", "", "tuning of the copy, as in a plan: 'workers: 4'")
	return cmd
}

type largeBench struct {
	binary    string
	documents int64
	bytes     int
	tuning    string
}

func (l *largeBench) run(cmd *cobra.Command) (err error) {
	ctx := cmd.Context()
	v, done, err := prepare(l.binary)
	if err != nil {
		return err
	}
	defer done()
	options := null.Options{Documents: l.documents, IDKind: null.ObjectID, DocumentBytes: l.bytes, Database: database, Collection: collection}
	source, err := null.NewSource("127.0.0.1:0", options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	sink, err := null.NewSink("127.0.0.1:0", options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	file, state, err := v.write(source.URI(), sink.URI(), l.tuning, fmt.Sprintf(copyStep, ""))
	if err != nil {
		return err
	}
	run := func() *exec.Cmd {
		return exec.CommandContext(ctx, v.binary, "run", file, "--state", state, "--output", "json", "--progress", "none")
	}

	planning, err := v.killHalfWay(ctx, run(), sink, l.documents/2)
	if err != nil {
		return err
	}
	before, planned := sink.Stats(), source.Stats().Probes
	goOn := run()
	started := time.Now()
	first := make(chan time.Duration, 1)
	go func() { first <- firstAfter(ctx, sink, before.Checked, started) }()
	used, err := measure(goOn)
	if err != nil {
		return err
	}
	stats := sink.Stats()
	if stats.Missing != 0 || stats.Wrong != 0 {
		return fmt.Errorf("what arrived is not what was sent: %v", stats)
	}
	size, err := sizeOf(state)
	if err != nil {
		return err
	}
	return writeTable(cmd.OutOrStdout(), fmt.Sprintf("null engine to null engine, %d documents of %d bytes, killed half way", l.documents, l.bytes), []row{
		{what: "from the start to the first document at the target", value: planning.Seconds(), unit: "s", most: 5},
		{what: "probes of planning", value: float64(planned), unit: ""},
		{what: "from the second start to the first new document", value: (<-first).Seconds(), unit: "s", most: 1},
		{what: "documents sent twice after the kill", value: float64(stats.Doubled), unit: ""},
		{what: "state file and its log", value: float64(size) / 1e6, unit: "MB", most: 10},
		{what: "memory", value: memory(used), unit: "MiB", most: 256},
		{what: "second half", value: wall(used), unit: "s"},
		{what: "second half", value: float64(l.documents-before.Documents) / wall(used), unit: "docs/s"},
	})
}

// killHalfWay starts a run, kills it once so many documents have arrived, and returns how long the first took.
func (v *vida) killHalfWay(ctx context.Context, run *exec.Cmd, sink *null.Server, half int64) (time.Duration, error) {
	started := time.Now()
	if err := run.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	var first time.Duration
	for {
		select {
		case err := <-ended:
			return 0, fmt.Errorf("the run ended before half of the documents had arrived: %w", err)
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), <-ended)
		case <-time.After(5 * time.Millisecond):
		}
		checked := sink.Stats().Checked
		if first == 0 && checked > 0 {
			first = time.Since(started)
		}
		if checked < half {
			continue
		}
		if err := run.Process.Signal(syscall.SIGKILL); err != nil {
			return 0, err
		}
		if err := <-ended; err == nil {
			return 0, errors.New("the run ended before it was killed")
		}
		return first, nil
	}
}

// firstAfter waits for the sink to check more than it had.
func firstAfter(ctx context.Context, sink *null.Server, checked int64, since time.Time) time.Duration {
	for sink.Stats().Checked == checked && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(since)
}

// sizeOf sums up the files of a folder.
func sizeOf(dir string) (int64, error) {
	var size int64
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return err
	})
	return size, err
}
