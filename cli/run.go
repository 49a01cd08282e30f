package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"vida/runner"
	"vida/ui"
)

type runFlags struct {
	dryRun       bool
	set          assignments
	only         string
	from         string
	restart      string
	retryRejects bool
	output       string
	progress     string
	logLevel     string
	profile      profile
}

func (a *app) newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PLAN",
		Short: "Run a plan, or go on with it",
		Long: `run does the steps of a plan in their order. After an interruption, a failure or a
power cut, the same command goes on from where it stopped; steps that are done are not
done again.

The first Ctrl-C lets the batches in flight land, saves and ends; the second ends at once.

Exit codes: 0 done, 1 a step failed, 2 wrong usage or an invalid plan, 3 done, but
documents differ or were rejected, 4 the plan says something else than the saved state,
5 another run is under way, 130 interrupted (the same command goes on).`,
		Example: `  vida run plans/full-migration.yaml --dry-run       # what would it do?
  vida run plans/full-migration.yaml                 # run it, or go on with it
  vida run plans/copy.yaml --set MIGRATION_WORKERS=4 # with another setting
  vida run plans/copy.yaml --restart copy            # begin that step anew
  vida run plans/copy.yaml -o json > events.ndjson   # for a program`,
		Args:              argumentsOf(1, 1, "one PLAN file"),
		ValidArgsFunction: planFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.only != "" && f.from != "" {
				return usage("--only and --from exclude one another")
			}
			if f.retryRejects && f.restart != "" {
				return usage("--retry-rejects and --restart exclude one another: a step that starts over has no rejects")
			}
			if f.dryRun {
				return a.dryRun(cmd.Context(), args[0], f)
			}
			return a.runPlan(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what each step would do, and write nothing anywhere")
	setFlag(cmd, &f.set)
	flags.StringVar(&f.only, "only", "", "run this `STEP` alone")
	flags.StringVar(&f.from, "from", "", "run this `STEP` and those after it")
	flags.StringVar(&f.restart, "restart", "", "drop the progress of this `STEP` and of those after it first")
	flags.BoolVar(&f.retryRejects, "retry-rejects", false, "try again the documents rejected by earlier runs, and nothing else")
	f.profile.register(flags)
	outputFlag(cmd, &f.output)
	flags.Var(newChoice(&f.progress, progressAuto, progressAuto, progressTTY, progressPlain, progressNone),
		"progress", "how to show progress, on stderr")
	flags.Var(newChoice(&f.logLevel, ui.LevelInfo, ui.Levels()...), "log-level", "the least log lines to show")
	complete(cmd, "progress", progressAuto, progressTTY, progressPlain, progressNone)
	complete(cmd, "log-level", ui.Levels()...)
	for _, name := range []string{"only", "from", "restart"} {
		completeSteps(cmd, name)
	}
	return cmd
}

func (a *app) runPlan(ctx context.Context, file string, f runFlags) error {
	plan, err := a.load(file, f.set)
	if err != nil {
		return err
	}
	defer a.limitMemory(plan)()
	stopProfile, err := f.profile.start()
	if err != nil {
		return err
	}
	printer := a.printer(f.progress, f.output, f.logLevel)
	ended := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() { tellInterrupts(ctx, printer, ended) })
	report, err := a.run(ctx, runner.Options{
		Plan: plan, StateDir: a.stateDir, Only: f.only, From: f.from, Restart: f.restart,
		RetryRejects: f.retryRejects, Listener: printer, Version: version(), Stop: interruptsOf(ctx).first,
	})
	close(ended)
	teller.Wait()
	closed := errors.Join(printer.Close(), stopProfile())
	if err != nil {
		return err
	}
	if f.output == outputText {
		if err := ui.Summary(a.stdout, report, a.commands(file, a.again())); err != nil {
			closed = err
		}
	} else if report.Status == runner.StatusInterrupted {
		_, _ = fmt.Fprintf(a.stderr, "interrupted; to go on: %s\n", a.again())
	}
	if report.Status != runner.StatusSucceeded {
		return &endedAs{report.Status}
	}
	if closed != nil {
		return fmt.Errorf("the run succeeded, but its output could not be written: %w", closed)
	}
	return nil
}

// tellInterrupts answers each interrupt while a run is under way.
func tellInterrupts(ctx context.Context, printer ui.Printer, ended <-chan struct{}) {
	say := func(message string) {
		printer.Handle(runner.Event{Type: runner.EventLog, Time: time.Now(), Message: message})
	}
	select {
	case <-interruptsOf(ctx).first:
		say("stopping: letting the batches in flight land and saving; press Ctrl-C again to stop at once")
	case <-ended:
		return
	}
	select {
	case <-ctx.Done():
		say("stopping at once; what is saved is sound")
	case <-ended:
	}
}

func (a *app) dryRun(ctx context.Context, file string, f runFlags) error {
	plan, err := a.load(file, f.set)
	if err != nil {
		return err
	}
	ctx, release := endAtOnce(ctx)
	defer release()
	report, err := runner.DryRun(ctx, runner.Options{
		Plan: plan, StateDir: a.stateDir, Only: f.only, From: f.from, Restart: f.restart,
		RetryRejects: f.retryRejects, Version: version(), Stop: interruptsOf(ctx).first,
	})
	if err != nil {
		return err
	}
	write := ui.DryRun
	if f.output == outputJSON {
		write = ui.DryRunJSON
	}
	if err := write(a.stdout, report); err != nil {
		return err
	}
	for _, step := range report.Steps {
		if step.Error != "" {
			return &endedAs{runner.StatusFailed}
		}
	}
	return nil
}

// version is the version that the Go toolchain stamped into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown)"
	}
	return info.Main.Version
}
