package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"vida/runner"
)

func (a *app) newReset() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset PLAN [STEP...]",
		Short: "Forget the progress of a plan, or of some of its steps",
		Long: `reset drops saved progress, so that the next run begins the steps anew. It touches no
server: documents that were copied stay where they are. It refuses while a run is under way.`,
		Example: `  vida reset plans/copy.yaml            # everything
  vida reset plans/copy.yaml copy verify --yes`,
		Args: argumentsOf(1, -1, "a PLAN file, and steps of it"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return planFiles(cmd, args, begun)
			}
			return stepNames(args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.reset(cmd.Context(), args[0], args[1:], yes)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *app) reset(ctx context.Context, planOrName string, steps []string, yes bool) error {
	o, err := a.stateOptions(planOrName, nil)
	if err != nil {
		return err
	}
	if !a.hasState(o.Plan.Name) {
		_, err := fmt.Fprintf(a.stdout, "%s has no saved progress in %s\n", o.Plan.Name, a.stateDir)
		return err
	}
	if err := knownSteps(o, steps); err != nil {
		return err
	}
	what := "all progress of " + o.Plan.Name
	if len(steps) > 0 {
		what = fmt.Sprintf("the progress of %s in %s", strings.Join(steps, ", "), o.Plan.Name)
	}
	if !yes {
		if err := a.confirm(ctx, "Drop "+what+"? [y/N] "); err != nil {
			return err
		}
	}
	if err := runner.Reset(o, steps); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "dropped %s\n", what)
	return err
}

// knownSteps refuses a step that the plan does not have. A state may have outlived its plan file; then the
// runner alone can tell.
func knownSteps(o runner.Options, steps []string) error {
	if len(o.Plan.Steps) == 0 {
		return nil
	}
	var names []string
	for _, s := range o.Plan.Steps {
		names = append(names, s.Name)
	}
	for _, name := range steps {
		if o.Plan.Step(name) != nil {
			continue
		}
		message := fmt.Sprintf("%s has no step %q", o.Plan.Name, name)
		if near := nearest(name, names); near != "" {
			return usage(message + ", did you mean " + near + "?")
		}
		return usage(message + "; it has " + strings.Join(names, ", "))
	}
	return nil
}

// confirm asks the person at the terminal. It returns an error unless the answer is yes.
func (a *app) confirm(ctx context.Context, question string) error {
	if !a.screen(a.stdin).terminal {
		return usage("there is no terminal to ask on, so it takes --yes")
	}
	if _, err := fmt.Fprint(a.stderr, question); err != nil {
		return err
	}
	ctx, release := endAtOnce(ctx)
	defer release()
	type reply struct {
		text string
		err  error
	}
	answered := make(chan reply, 1)
	go func() { // a read cannot be cancelled: on an interrupt it ends with the process
		text, err := bufio.NewReader(a.stdin).ReadString('\n')
		answered <- reply{text, err}
	}()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(a.stderr)
		return ctx.Err()
	case r := <-answered:
		if r.err != nil && !errors.Is(r.err, io.EOF) {
			return fmt.Errorf("reading the answer: %w", r.err)
		}
		switch strings.ToLower(strings.TrimSpace(r.text)) {
		case "y", "yes":
			return nil
		}
		return errors.New("nothing was dropped")
	}
}
