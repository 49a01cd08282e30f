package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"vida/sandbox/plot"
)

func newPlotCommand(stdio Stdio) *cobra.Command {
	var step, title string
	cmd := &cobra.Command{
		Use:   "plot RECORDING",
		Short: "Draw how a run of vida used its request units, as SVG",
		Long: `plot reads what "vida run PLAN --output json" has written and draws, as SVG to stdout, the
request units used and allowed each second, and the commands that were throttled.`,
		Example: "  vida run plans/copy.yaml --output json > run.ndjson\n  vida-sandbox plot run.ndjson > run.svg",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			recording, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer func() { _ = recording.Close() }()
			points, err := plot.Read(recording, step)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return plot.SVG(stdio.Out, title, points)
		},
	}
	cmd.Flags().StringVar(&step, "step", "", "the step to draw (default: the one that used most request units)")
	cmd.Flags().StringVar(&title, "title", "", "written above the drawing")
	return cmd
}
