package bench

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"vida/sandbox/engine/null"
)

// newPartitionCommand measures how long all workers have something to do.
func newPartitionCommand() *cobra.Command {
	var p partitionBench
	cmd := &cobra.Command{
		Use:   "partition",
		Short: "Copy every type of _id between two null engines, and tell when the first worker ran dry",
		Long: `partition copies a virtual collection of each type of _id, even and skewed (90 % of the documents in 1 % of the key
space), from a server without $sample and splitVector. Idling is told in documents that were copied meanwhile, which a
busy machine does not change.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&p.binary, "vida", "bin/vida", "the binary to measure")
	flags.Int64Var(&p.documents, "documents", 400_000, "documents of 256 bytes")
	flags.StringVar(&p.tuning, "tuning", "workers: 4, batch_documents: 500, unit_documents: 50000", "tuning of the copy, as in a plan")
	return cmd
}

type partitionBench struct {
	binary    string
	documents int64
	tuning    string
}

func (p *partitionBench) run(cmd *cobra.Command) error {
	v, done, err := prepare(p.binary)
	if err != nil {
		return err
	}
	defer done()
	v.flags = []string{"--log-level", "debug"}
	var rows []row
	for _, kind := range null.IDKinds() {
		for _, skew := range []bool{false, true} {
			more, err := p.copy(cmd.Context(), v, null.Options{Documents: p.documents, IDKind: kind, Skew: skew, DocumentBytes: 256, Database: database, Collection: collection})
			if err != nil {
				return err
			}
			rows = append(rows, more...)
		}
	}
	return writeTable(cmd.OutOrStdout(), fmt.Sprintf("null engine to null engine, %d documents, %s", p.documents, p.tuning), rows)
}

// idleMessage is what vida says of its workers in the end.
var idleMessage = regexp.MustCompile(`the first waited for a unit after ([\d.]+) % of \d+ documents, all had one until [\d.]+ %, idle for ([\d.]+) % of the work`)

func (p *partitionBench) copy(ctx context.Context, v *vida, options null.Options) (rows []row, err error) {
	used, _, served, err := v.copyVirtual(ctx, options, p.tuning, "")
	if err != nil {
		return nil, err
	}
	match := idleMessage.FindSubmatch(used.output)
	if match == nil {
		return nil, errors.New("the run does not tell how long its workers had something to do")
	}
	var told [2]float64
	for n := range told {
		if told[n], err = strconv.ParseFloat(string(match[n+1]), 64); err != nil {
			return nil, err
		}
	}
	who := string(options.IDKind)
	if options.Skew {
		who += ", skewed"
	}
	return []row{
		{what: who + ": before the first worker ran dry", value: told[0], unit: "% of the documents", least: 95},
		{what: who + ": idle", value: told[1], unit: "% of the work", most: 5},
		{what: who + ": probes", value: float64(served.Probes), unit: fmt.Sprintf("for %d index entries", served.Entries)},
	}, nil
}
