package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vida/sandbox/engine/null"
)

// newDumpCommand measures dump and restore in each format.
func newDumpCommand() *cobra.Command {
	var b dumpBench
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Dump a null engine to files and restore them to another, against a TCP relay of the same bytes",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return b.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&b.binary, "vida", "bin/vida", "the binary to measure")
	flags.Int64Var(&b.documents, "documents", 500_000, "documents of 1,900 bytes")
	flags.IntVar(&b.rounds, "rounds", 3, "rounds, of which the median counts")
	flags.StringVar(&b.tuning, "tuning", "", "tuning of both, as in a plan: 'workers: 4'")
	return cmd
}

type dumpBench struct {
	binary    string
	documents int64
	rounds    int
	tuning    string
}

// dumpFormats are what a dump may be, as fields of a step.
var dumpFormats = []struct{ name, fields string }{
	{"directory", "format: directory"},
	{"directory, gzip", "format: directory, gzip: true"},
	{"archive", "format: archive"},
	{"archive, gzip", "format: archive, gzip: true"},
}

// dumping is what the rounds of one format came to.
type dumping struct {
	dumps, restores         []usage
	dumpRates, restoreRates []float64
}

func (b *dumpBench) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	v, done, err := prepare(b.binary)
	if err != nil {
		return err
	}
	defer done()
	gigabytes := float64(b.documents*nullDocumentBytes) / 1e9
	var relays []usage
	formats := make([]dumping, len(dumpFormats))
	for range b.rounds {
		used, err := relay(ctx, v.self, b.documents*nullDocumentBytes)
		if err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		relays = append(relays, used)
		for n := range formats {
			if err := b.round(ctx, v, dumpFormats[n].fields, &formats[n]); err != nil {
				return fmt.Errorf("%s: %w", dumpFormats[n].name, err)
			}
		}
	}
	relayCPU := median(of(relays, cpu)) / gigabytes
	rows := []row{{what: "CPU of a TCP relay", value: relayCPU, unit: "s/GB"}}
	for n, f := range formats {
		name := dumpFormats[n].name
		rows = append(rows,
			row{what: "dump to " + name, value: median(f.dumpRates), unit: "docs/s"},
			row{what: "its CPU", value: median(of(f.dumps, cpu)) / gigabytes, unit: "s/GB"},
			row{what: "its memory", value: median(of(f.dumps, memory)), unit: "MiB", most: 256},
			row{what: "restore of " + name, value: median(f.restoreRates), unit: "docs/s"},
			row{what: "its CPU", value: median(of(f.restores, cpu)) / gigabytes, unit: "s/GB"},
			row{what: "its memory", value: median(of(f.restores, memory)), unit: "MiB", most: 256},
		)
	}
	return writeTable(cmd.OutOrStdout(), fmt.Sprintf("dump and restore, %d documents of %d bytes, median of %d rounds", b.documents, nullDocumentBytes, b.rounds), rows)
}

// round dumps and restores once.
func (b *dumpBench) round(ctx context.Context, v *vida, fields string, f *dumping) error {
	dump := filepath.Join(v.dir, "dump")
	defer func() { _ = os.RemoveAll(dump) }()
	options := null.Options{Documents: b.documents, IDKind: null.ObjectID, DocumentBytes: nullDocumentBytes, Database: database, Collection: collection}
	_, err := between(options, func(source, sink string) error {
		for _, half := range []struct {
			step  string
			used  *[]usage
			rates *[]float64
		}{
			{fmt.Sprintf("{name: dump, type: dump, from: source, output: %s, %s}", dump, fields), &f.dumps, &f.dumpRates},
			{fmt.Sprintf("{name: restore, type: restore, input: %s, to: target, indexes: false}", dump), &f.restores, &f.restoreRates},
		} {
			used, report, err := v.run(ctx, source, sink, b.tuning, half.step)
			if err != nil {
				return err
			}
			*half.used, *half.rates = append(*half.used, used), append(*half.rates, float64(b.documents)/report.Steps[0].Seconds)
		}
		return nil
	})
	return err
}
