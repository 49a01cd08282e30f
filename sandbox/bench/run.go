// Package bench measures vida against what it is to be compared with: a plain TCP relay of the same bytes, and a
// loop of the driver's Find and InsertMany. Both are this program, started anew as a process of its own, so that
// the CPU time and the memory of each are the kernel's account of one process. Rounds alternate, and what is
// compared is the median: whatever else the machine does meets both sides.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

// Run runs the program with arguments (without its name) and returns its exit code: 1 where something failed, 3
// where a figure is outside of its bound.
func Run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case errors.Is(err, errOutside):
		return 3
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "vida-bench: %v\n", err)
		return 1
	}
	return 0
}

// errOutside means that a figure is outside of its bound, which the table has said.
var errOutside = errors.New("a figure is outside of its bound")

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "vida-bench",
		Short:         "Measure vida against a TCP relay and against a loop of the driver",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newNullCommand(), newServersCommand(), newVerifyCommand(), newPartitionCommand(), newLargeCommand(), newDumpCommand(), newRelayCommand(), newLoopCommand())
	return root
}
