package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vida/sandbox/engine/null"
)

// newNullCommand measures the copy between two servers that cost next to nothing.
func newNullCommand() *cobra.Command {
	var n nullBench
	cmd := &cobra.Command{
		Use:   "null",
		Short: "Copy between two null engines, against a TCP relay of the same bytes",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return n.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&n.binary, "vida", "bin/vida", "the binary to measure")
	flags.Int64Var(&n.documents, "documents", 1_000_000, "documents of 1,900 bytes")
	flags.IntVar(&n.rounds, "rounds", 5, "rounds, of which the median counts")
	flags.StringVar(&n.tuning, "tuning", "", "tuning of the copy, as in a plan: 'workers: 4'")
	flags.BoolVar(&n.filter, "filter", true, "measure a filter too")
	return cmd
}

type nullBench struct {
	binary    string
	documents int64
	rounds    int
	tuning    string
	filter    bool
}

const nullDocumentBytes = 1900

func (n *nullBench) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	v, done, err := prepare(n.binary)
	if err != nil {
		return err
	}
	defer done()
	var relays, copies, filters []usage
	var rates []float64
	for range n.rounds {
		used, err := relay(ctx, v.self, n.documents*nullDocumentBytes)
		if err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		relays = append(relays, used)
		used, rate, err := v.copyNull(ctx, n.documents, nullDocumentBytes, n.tuning, "")
		if err != nil {
			return err
		}
		copies, rates = append(copies, used), append(rates, rate)
		if !n.filter {
			continue
		}
		if used, _, err = v.copyNull(ctx, n.documents, nullDocumentBytes, n.tuning, filterOfTwo); err != nil {
			return err
		}
		filters = append(filters, used)
	}
	more, _, err := v.copyNull(ctx, 5*n.documents, nullDocumentBytes, n.tuning, "")
	if err != nil {
		return err
	}
	const large = 15 << 20
	largest, _, err := v.copyNull(ctx, 400, large, n.tuning, "")
	if err != nil {
		return err
	}
	gigabytes := float64(n.documents*nullDocumentBytes) / 1e9
	relayCPU, copyCPU := median(of(relays, cpu))/gigabytes, median(of(copies, cpu))/gigabytes
	rows := []row{
		{what: "CPU of a TCP relay", value: relayCPU, unit: "s/GB"},
		{what: "CPU of vida", value: copyCPU, unit: "s/GB"},
		{what: "CPU of vida to that of the relay", value: copyCPU / relayCPU, unit: "times", most: 7},
		{what: "CPU of vida for a document", value: copyCPU * nullDocumentBytes / 1e3, unit: "µs"},
		{what: "speed", value: median(rates), unit: "docs/s", least: 180_000},
		{what: "memory", value: median(of(copies, memory)), unit: "MiB", most: 256},
		{what: "memory, five times the documents", value: memory(more), unit: "MiB", most: 256},
		{what: "memory, documents of 15 MiB, max_memory 256MiB", value: memory(largest), unit: "MiB", most: 256},
	}
	if n.filter {
		rows = append(rows, row{what: "documents filtered by two fields in a second of CPU", value: float64(n.documents) / median(of(filters, cpu)), unit: "docs", least: 60_000})
	}
	return writeTable(cmd.OutOrStdout(), fmt.Sprintf("null engine to null engine, %d documents of %d bytes, median of %d rounds", n.documents, nullDocumentBytes, n.rounds), rows)
}

// filterOfTwo reads two fields of a document and cannot be evaluated by the source.
const filterOfTwo = `, filter: 'len(doc.vehicle.model) > 3 && string(doc.total_amount) != ""'`

// copyNull copies a virtual collection of ObjectIds once. more is fields of the step.
func (v *vida) copyNull(ctx context.Context, documents int64, size int, tuning, more string) (used usage, rate float64, err error) {
	options := null.Options{Documents: documents, IDKind: null.ObjectID, DocumentBytes: size, Database: database, Collection: collection}
	used, report, _, err := v.copyVirtual(ctx, options, tuning, more)
	if err != nil {
		return used, 0, err
	}
	return used, float64(documents) / report.Steps[0].Seconds, nil
}

// copyVirtual copies a virtual collection once, checks that every document came, whole, and returns what the source has
// done too.
func (v *vida) copyVirtual(ctx context.Context, options null.Options, tuning, more string) (used usage, report finished, served null.Stats, err error) {
	served, err = between(options, func(source, sink string) (err error) {
		used, report, err = v.run(ctx, source, sink, tuning, fmt.Sprintf(copyStep, more))
		return err
	})
	return used, report, served, err
}

// between serves a virtual collection, and a sink in which every document of it must have come in the end, whole. bring
// is given the URIs of both.
func between(options null.Options, bring func(source, sink string) error) (served null.Stats, err error) {
	source, err := null.NewSource("127.0.0.1:0", options)
	if err != nil {
		return served, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	sink, err := null.NewSink("127.0.0.1:0", options)
	if err != nil {
		return served, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	if err := bring(source.URI(), sink.URI()); err != nil {
		return served, err
	}
	if stats := sink.Stats(); stats.Missing != 0 || stats.Wrong != 0 || stats.Doubled != 0 {
		return served, fmt.Errorf("what arrived is not what was sent: %v", stats)
	}
	return source.Stats(), nil
}
