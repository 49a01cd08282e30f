package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vida/runner"
	"vida/ui"
)

func (a *app) newStatus() *cobra.Command {
	var set assignments
	var output string
	var rejects bool
	cmd := &cobra.Command{
		Use:   "status [PLAN]",
		Short: "Show how far a plan is, from the saved state",
		Long: `status shows how far a plan is, while it runs and afterwards. It only reads, and works
from another terminal. Without PLAN it shows every plan that has a state.`,
		Example: `  vida status plans/full-migration.yaml
  vida status plans/full-migration.yaml --rejects    # documents that did not arrive
  vida status -o json`,
		Args:              argumentsOf(0, 1, "at most one PLAN file"),
		ValidArgsFunction: planFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				if rejects {
					return usage("--rejects needs a PLAN")
				}
				return a.statusOfAll(output)
			}
			o, err := a.stateOptions(args[0], set)
			if err != nil {
				return err
			}
			if rejects {
				return a.rejects(o, output)
			}
			return a.status(o, output, a.runCommand(args[0]))
		},
	}
	setFlag(cmd, &set)
	outputFlag(cmd, &output)
	cmd.Flags().BoolVar(&rejects, "rejects", false, "list the documents that were rejected or found to differ, and why")
	return cmd
}

func (a *app) status(o runner.Options, output, again string) error {
	report, err := runner.Status(o)
	if err != nil {
		return err
	}
	if output == outputJSON {
		return ui.ReportJSON(a.stdout, time.Now(), report)
	}
	file := o.Plan.File
	if file == "" {
		file = o.Plan.Name
	}
	return ui.Status(a.stdout, report, a.commands(file, again))
}

func (a *app) statusOfAll(output string) error {
	names, err := a.allStates()
	if err != nil {
		return err
	}
	if len(names) == 0 && output == outputText {
		_, err := fmt.Fprintf(a.stdout, "no plan has a state in %s\n", a.stateDir)
		return err
	}
	var failures []error
	shown := 0
	for _, name := range names {
		if shown > 0 && output == outputText {
			if _, err := fmt.Fprintln(a.stdout); err != nil {
				return err
			}
		}
		plan, err := a.planOfState(name)
		if err == nil {
			err = a.status(runner.Options{Plan: plan, StateDir: a.stateDir, Version: version()}, output, "")
		}
		if errors.Is(err, syscall.EPIPE) {
			return err
		}
		if err != nil { // of one state, which is no reason to hide the others
			failures = append(failures, err)
			continue
		}
		shown++
	}
	return errors.Join(failures...)
}

func (a *app) rejects(o runner.Options, output string) error {
	out := bufio.NewWriter(a.stdout)
	source := func(outcomes []string, visit func(ui.Reject) error) error {
		return runner.Rejects(o, outcomes, func(r runner.Reject) error {
			return visit(ui.Reject{
				Step: r.Step, Outcome: r.Outcome, Namespace: r.Namespace, ID: json.RawMessage(r.ID), Code: r.Code, Message: r.Message,
			})
		})
	}
	unlisted, err := runner.CountUnlisted(o)
	if err != nil {
		return err
	}
	write := func() error { return ui.Rejects(out, source, unlisted) }
	if output == outputJSON {
		write = func() error { return ui.RejectsJSON(out, o.Plan.Name, source, unlisted) }
	}
	if err := write(); err != nil {
		return err
	}
	return out.Flush()
}
