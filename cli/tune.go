package cli

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vida/plans"
	"vida/runner"
)

// How long tune waits for the run to take up what it is asked.
const tunePatience = 5 * time.Second

func (a *app) newTune() *cobra.Command {
	return &cobra.Command{
		Use:   "tune PLAN NAME=VALUE...",
		Short: "Change the tuning of a run under way",
		Long: `tune changes the tuning of a run under way, from another terminal: workers,
batch_documents and batch_bytes, with the values that a plan takes. The run says in a
log line when it has taken them up, and vida status shows them. They hold for all
steps until the run ends; the plan is not changed.`,
		Example: `  vida tune plans/copy.yaml workers=8
  vida tune plans/copy.yaml workers=auto batch_documents=4000 batch_bytes=8MiB`,
		Args:              argumentsOf(2, -1, "a PLAN file and settings, as in workers=8"),
		ValidArgsFunction: completeTuning,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.tune(cmd.Context(), args[0], args[1:])
		},
	}
}

func (a *app) tune(ctx context.Context, planOrName string, settings []string) error {
	o, err := a.stateOptions(planOrName, nil)
	if err != nil {
		return err
	}
	wanted := runner.Adjustment{}
	for _, setting := range settings {
		name, value, found := strings.Cut(setting, "=")
		if !found {
			return usage(fmt.Sprintf("%q is no setting, as in workers=8", setting))
		}
		wanted[name] = value
	}
	asked, err := runner.Adjust(o, wanted)
	if err != nil {
		return err
	}
	ctx, release := endAtOnce(ctx)
	defer release()
	for deadline := time.Now().Add(tunePatience); time.Now().Before(deadline); {
		effect, err := runner.Adjusted(o)
		if err != nil {
			return err
		}
		if maps.Equal(effect, asked) {
			_, err := fmt.Fprintf(a.stdout, "in effect: %s\n", effect)
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	_, err = fmt.Fprintf(a.stdout, "asked for: %s\nThe run has not taken it up yet: it will with its next step that works in units; its log and vida status say when.\n", asked)
	return err
}

// completeTuning offers plan files, and then the settings that are not given yet.
func completeTuning(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return planFiles(cmd, args, begun)
	}
	var offers []string
	for _, name := range plans.Adjustable() {
		given := false
		for _, arg := range args[1:] {
			given = given || strings.HasPrefix(arg, name+"=")
		}
		if !given {
			offers = append(offers, name+"=")
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
