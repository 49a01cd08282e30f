package bench

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"vida/sandbox/engine/null"
)

// newVerifyCommand measures verify-content against the copy.
func newVerifyCommand() *cobra.Command {
	b := verifyBench{serversBench: serversBench{sourceURI: os.Getenv("VIDA_TEST_SOURCE_URI"), targetURI: os.Getenv("VIDA_TEST_TARGET_URI")}}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify the content of a copy, against the copy on the same endpoints",
		Long: `verify copies service orders from the server at VIDA_TEST_SOURCE_URI to that at VIDA_TEST_TARGET_URI and verifies
their content, in turns. Where these are not set, it copies from one null engine to another, and verifies two null
engines that have the same documents.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&b.binary, "vida", "bin/vida", "the binary to measure")
	flags.Int64Var(&b.orders, "orders", 200_000, "documents to copy and to verify")
	flags.IntVar(&b.rounds, "rounds", 5, "rounds, of which the median counts")
	flags.StringVar(&b.tuning, "tuning", "", "tuning of both, as in a plan: 'workers: 4'")
	return cmd
}

type verifyBench struct {
	serversBench
	tuning string
}

const verifyStep = "{name: verify, type: verify-content, from: source, to: target, collections: [" + collection + "]}"

func (b *verifyBench) run(cmd *cobra.Command) error {
	if b.sourceURI != "" && b.targetURI != "" {
		return b.generated(cmd, func() error {
			return b.compare(cmd, "server to server", func(ctx context.Context) (float64, error) {
				if err := b.target.Drop(ctx); err != nil {
					return 0, err
				}
				_, report, err := b.vida.run(ctx, b.sourceURI, b.targetURI, b.tuning, fmt.Sprintf(copyStep, ""))
				if err != nil {
					return 0, err
				}
				return float64(b.orders) / report.Steps[0].Seconds, b.complete(ctx)
			}, b.sourceURI, b.targetURI)
		})
	}
	v, done, err := prepare(b.binary)
	if err != nil {
		return err
	}
	defer done()
	b.vida = v
	options := null.Options{Documents: b.orders, IDKind: null.ObjectID, DocumentBytes: nullDocumentBytes, Database: database, Collection: collection}
	var uris []string
	for range 2 {
		source, err := null.NewSource("127.0.0.1:0", options)
		if err != nil {
			return err
		}
		defer func() { _ = source.Close() }()
		uris = append(uris, source.URI())
	}
	return b.compare(cmd, "null engine to null engine", func(ctx context.Context) (float64, error) {
		_, rate, err := v.copyNull(ctx, b.orders, nullDocumentBytes, b.tuning, "")
		return rate, err
	}, uris[0], uris[1])
}

// compare copies and verifies in turns. copy returns documents a second.
func (b *verifyBench) compare(cmd *cobra.Command, where string, copy func(context.Context) (float64, error), sourceURI, targetURI string) error {
	ctx := cmd.Context()
	var copies, verifies, ratios []float64
	for range b.rounds {
		copied, err := copy(ctx)
		if err != nil {
			return err
		}
		_, report, err := b.vida.run(ctx, sourceURI, targetURI, b.tuning, verifyStep)
		if err != nil {
			return err
		}
		if read := report.Steps[0].Read; read != b.orders {
			return fmt.Errorf("%d of %d documents were verified", read, b.orders)
		}
		verified := float64(b.orders) / report.Steps[0].Seconds
		copies, verifies, ratios = append(copies, copied), append(verifies, verified), append(ratios, verified/copied)
	}
	return writeTable(cmd.OutOrStdout(), fmt.Sprintf("verify-content against copy, %s, %d documents, median of %d rounds", where, b.orders, b.rounds), []row{
		{what: "copy", value: median(copies), unit: "docs/s"},
		{what: "verify-content", value: median(verifies), unit: "docs/s"},
		{what: "verify-content to the copy", value: median(ratios), unit: "times", least: 1},
	})
}
