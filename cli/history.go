package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vida/plans"
	"vida/runner"
	"vida/ui"
)

func (a *app) newHistory() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "history [PLAN]",
		Short: "List the runs of a plan",
		Long: `history lists the runs of a plan, the newest first. Without PLAN it lists those of every
plan that has a state.`,
		Example: `  vida history plans/full-migration.yaml
  vida history plans/full-migration.yaml -o json     # a line a run`,
		Args:              argumentsOf(0, 1, "at most one PLAN file"),
		ValidArgsFunction: planFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.history(args, output)
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func (a *app) history(args []string, output string) error {
	var states []runner.Options
	if len(args) == 1 {
		o, err := a.stateOptions(args[0], nil)
		if err != nil {
			return err
		}
		states = append(states, o)
	} else {
		names, err := a.allStates()
		if err != nil {
			return err
		}
		for _, name := range names {
			states = append(states, runner.Options{Plan: &plans.Plan{Name: name}, StateDir: a.stateDir})
		}
	}
	var runs []runner.Report
	var failures []error // of one state, which is no reason to hide the others
	for _, o := range states {
		found, err := runner.History(o)
		failures = append(failures, err)
		runs = append(runs, found...)
	}
	failure := errors.Join(failures...)
	if len(runs) == 0 && failure != nil {
		return failure
	}
	return errors.Join(failure, a.showHistory(runs, output))
}

func (a *app) showHistory(runs []runner.Report, output string) error {
	if output == outputJSON {
		for _, run := range runs {
			if err := ui.ReportJSON(a.stdout, time.Now(), run); err != nil {
				return err
			}
		}
		return nil
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no run yet")
		return err
	}
	return ui.History(a.stdout, runs)
}
