package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"vida/runner"
)

func TestExitCodesOfRuns(t *testing.T) {
	for _, c := range []struct {
		status string
		err    error
		code   int
		stdout string
		stderr string
	}{
		{runner.StatusSucceeded, nil, 0, "rehearsal succeeded", "rehearsal succeeded"},
		{runner.StatusFailed, nil, 1, "goes on from there:\n  vida run plan.yaml\n", "rehearsal failed"},
		{runner.StatusDifferences, nil, 3, "rehearsal finished with differences", "differences"},
		{runner.StatusInterrupted, nil, 130, "To go on from there:\n  vida run plan.yaml\n", "interrupted"},
		{"", errors.New("the state is damaged\n"), 1, "", "vida: the state is damaged\n"},
		{"", fmt.Errorf("opening: %w", context.Canceled), 130, "", "canceled"},
		{"", fmt.Errorf("run: %w", &runner.LockedError{Process: 4711}), 5, "", "process 4711 (see vida status plan.yaml)\n"},
		{"", fmt.Errorf("run: %w", &runner.IdentityError{Step: "copy"}), 4, "", "vida: run: "},
		{"", fmt.Errorf("run: %w", &runner.UsageError{Message: "no step x"}), 2, "", "vida: run: no step x"},
	} {
		t.Run(fmt.Sprint(c.status, c.err), func(t *testing.T) {
			newSession(t, "run", "plan.yaml").ends(c.status, c.err).expect(t, c.code, c.stdout, c.stderr)
		})
	}
}

func TestRunOptions(t *testing.T) {
	s := newSession(t, "run", "plan.yaml", "--only", "copy", "--retry-rejects", "--state", "here")
	var got runner.Options
	s.run = func(_ context.Context, o runner.Options) (runner.Report, error) {
		got = o
		return runner.Report{Status: runner.StatusSucceeded}, nil
	}
	s.main()
	if got.Plan == nil || got.Plan.Name != "rehearsal" || got.StateDir != "here" || got.Only != "copy" ||
		got.Restart != "" || got.From != "" || !got.RetryRejects || got.Listener == nil || got.Stop == nil {
		t.Errorf("%+v", got)
	}
}

func TestInvalidPlanDoesNotStart(t *testing.T) {
	s := newSession(t, "run", "unset.yaml", "-o", "json")
	s.run = func(context.Context, runner.Options) (runner.Report, error) {
		t.Error("it started")
		return runner.Report{}, nil
	}
	s.expect(t, 2, "", "unset.yaml:4:")
	if !strings.HasSuffix(s.stderr.String(), "vida: unset.yaml has 1 mistake; nothing was started\n") {
		t.Errorf("stderr is %s", s.stderr)
	}
}

// waitFor waits until a stream holds text.
func waitFor(t *testing.T, b *buffer, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(b.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%q did not come: %s", text, b)
			return
		}
	}
}

// The first interrupt asks the run to stop, the second cancels it, the third leaves without it.
func TestInterrupts(t *testing.T) {
	s := newSession(t, "run", "plan.yaml", "--restart", "copy")
	s.run = func(ctx context.Context, o runner.Options) (runner.Report, error) {
		s.signals <- os.Interrupt
		<-o.Stop
		waitFor(t, s.stderr, "press Ctrl-C again")
		if ctx.Err() != nil {
			t.Error("the first interrupt cancelled the run")
		}
		return runner.Report{Plan: "rehearsal", Status: runner.StatusInterrupted}, nil
	}
	s.expect(t, 130, "To go on from there:\n  vida run plan.yaml\n", "press Ctrl-C again to stop at once")

	s = newSession(t, "run", "plan.yaml", "-o", "json")
	s.run = func(ctx context.Context, o runner.Options) (runner.Report, error) {
		s.signals <- syscall.SIGTERM
		<-o.Stop
		waitFor(t, s.stderr, "press Ctrl-C again")
		s.signals <- syscall.SIGTERM
		<-ctx.Done()
		waitFor(t, s.stderr, "stopping at once")
		return runner.Report{Plan: "rehearsal", Status: runner.StatusInterrupted}, nil
	}
	s.expect(t, 130, `"type":"log"`, "interrupted; to go on: vida run plan.yaml -o json\n")

	s = newSession(t, "run", "plan.yaml")
	hang := make(chan struct{})
	defer close(hang)
	s.run = func(ctx context.Context, o runner.Options) (runner.Report, error) {
		for range 3 {
			s.signals <- os.Interrupt
		}
		<-hang // a run that cannot be stopped
		return runner.Report{}, nil
	}
	if code := s.main(); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

func TestJSONRunWritesNothingElseToStdout(t *testing.T) {
	s := newSession(t, "run", "plan.yaml", "-o", "json").ends(runner.StatusSucceeded, nil)
	s.expect(t, 0, `"type":"run_finished"`, "")
	lines := bufio.NewScanner(strings.NewReader(s.stdout.String()))
	for lines.Scan() {
		var object struct{ Type, Time string }
		if err := json.Unmarshal(lines.Bytes(), &object); err != nil || object.Type == "" || object.Time == "" {
			t.Errorf("%s: %v", lines.Text(), err)
		}
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, output := range []string{"text", "json"} {
		s := newSession(t, "run", "plan.yaml", "--progress", "none", "-o", output).ends(runner.StatusSucceeded, nil)
		s.app.stdout = closedPipe{}
		s.expect(t, 1, "", "vida: the run succeeded, but its output could not be written: no space left on device\n")
	}
}

func TestChoiceOfProgress(t *testing.T) {
	const bars, plain, none = "✓", "rehearsal succeeded", ""
	for _, c := range []struct {
		args           string
		stdout, stderr bool // who is looked at by a person
		environ        []string
		want           string
	}{
		{"", true, true, nil, bars},
		{"", false, true, nil, bars},
		{"", true, false, nil, plain},
		{"", true, true, []string{"TERM=dumb"}, plain},
		{"--progress tty", false, false, nil, bars},
		{"--progress plain", true, true, nil, plain},
		{"--progress none", true, true, nil, none},
		{"-o json", false, false, nil, none},
		{"-o json", true, true, nil, none},
		{"-o json", false, true, nil, bars},
		{"-o json --progress plain", false, false, nil, plain},
	} {
		s := newSession(t, append([]string{"run", "plan.yaml"}, strings.Fields(c.args)...)...)
		s.environ = c.environ
		s.terminals[s.app.stdout], s.terminals[s.app.stderr] = c.stdout, c.stderr
		s.run = func(_ context.Context, o runner.Options) (runner.Report, error) {
			o.Listener.Handle(runner.Event{Type: runner.EventStepFinished, Step: &runner.StepReport{Name: "copy", Status: runner.StatusSucceeded}})
			report := runner.Report{Plan: "rehearsal", Status: runner.StatusSucceeded}
			o.Listener.Handle(runner.Event{Type: runner.EventRunFinished, Report: &report})
			return report, nil
		}
		s.main()
		if !holds(s.stderr.String(), c.want) {
			t.Errorf("%s stdout %v stderr %v %v: stderr is %q, want %q in it", c.args, c.stdout, c.stderr, c.environ, s.stderr, c.want)
		}
		colored := strings.Contains(s.stderr.String(), "\x1b[32m")
		if c.want == bars && !colored {
			t.Errorf("%s: no colours: %q", c.args, s.stderr)
		}
	}
	s := newSession(t, "run", "plan.yaml", "--progress", "tty").ends(runner.StatusSucceeded, nil)
	s.environ = []string{"NO_COLOR=1"}
	s.main()
	if strings.Contains(s.stderr.String(), "\x1b[3") {
		t.Errorf("NO_COLOR is not honoured: %q", s.stderr)
	}
}

func TestValidate(t *testing.T) {
	newSession(t, "validate", "plan.yaml").expect(t, 0, "plan.yaml: valid, 2 steps\n", "")
	s := newSession(t, "validate", "plan.yaml", "unset.yaml", "plan.yaml")
	s.expect(t, 2, "unset.yaml:4:", "")
	if text := s.stdout.String(); strings.Count(text, "plan.yaml: valid") != 2 || !strings.Contains(text, "unset.yaml: 1 mistake\n") {
		t.Errorf("stdout is %s", text)
	}
	s = newSession(t, "validate", "unset.yaml", "-o", "json")
	s.expect(t, 2, `"line": 4`, "")
	var list []struct {
		File    string
		Line    int
		Column  int
		Message string
	}
	if err := json.Unmarshal([]byte(s.stdout.String()), &list); err != nil || len(list) != 1 || list[0].Message == "" {
		t.Errorf("%v: %s", err, s.stdout)
	}
	newSession(t, "validate", "plan.yaml", "-o", "json").expect(t, 0, "[]\n", "")
}

func TestResetAsks(t *testing.T) {
	for _, c := range []struct {
		answer, stdout, stderr string
		terminal               bool
		args                   string
		code                   int
	}{
		{"", "", "it takes --yes", false, "plan.yaml", 2},
		{"n\n", "", "nothing was dropped", true, "plan.yaml", 1},
		{"", "", "nothing was dropped", true, "plan.yaml", 1},
		{"", "", "vida reset: rehearsal has no step \"copyy\", did you mean copy? (see", false, "plan.yaml copyy --yes", 2},
		{"", "", "vida reset: rehearsal has no step \"index\"; it has copy, verify (see", false, "plan.yaml index --yes", 2},
	} {
		s := newSession(t, append([]string{"reset"}, strings.Fields(c.args)...)...)
		if err := os.MkdirAll(filepath.Join(s.directory, ".vida"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.directory, ".vida", "rehearsal.db"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s.stdin = strings.NewReader(c.answer)
		s.terminals[s.stdin] = c.terminal
		s.expect(t, c.code, c.stdout, c.stderr)
	}
	newSession(t, "reset", "plan.yaml").expect(t, 0, "rehearsal has no saved progress in .vida\n", "")
	newSession(t, "reset", "unset.yaml", "--yes").expect(t, 0, "rehearsal has no saved progress in .vida\n", "")
}

func TestResetIsInterruptedWhileItAsks(t *testing.T) {
	s := newSession(t, "reset", "plan.yaml")
	if err := os.MkdirAll(filepath.Join(s.directory, ".vida"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.directory, ".vida", "rehearsal.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close(); _ = reader.Close() }()
	s.stdin = reader
	s.terminals[reader] = true
	s.signals <- os.Interrupt
	s.expect(t, 130, "", "Drop all progress of rehearsal? [y/N] ")
}
