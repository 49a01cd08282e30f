package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"vida/runner"
)

const goodPlan = `version: 1
name: rehearsal
connections:
  source: {uri: "mongodb://127.0.0.1:1", database: orders}
  target: {uri: "mongodb://127.0.0.1:2", database: copies}
steps:
  - name: copy
    type: copy
    from: source
    to: target
    collections: [serviceorders]
  - name: verify
    type: verify-counts
    from: source
    to: target
    collections: [serviceorders]
`

// unsetPlan needs a variable that no test sets.
var unsetPlan = strings.Replace(goodPlan, "mongodb://127.0.0.1:1", "${NOBODY_SETS_THIS}", 1)

// buffer is a bytes.Buffer that a printer's goroutine may share with the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// session is one command line in a directory of its own.
type session struct {
	*app
	directory      string
	stdout, stderr *buffer
	signals        chan os.Signal
	terminals      map[any]bool // streams that a person looks at
}

func newSession(t *testing.T, args ...string) *session {
	t.Helper()
	directory := t.TempDir()
	t.Chdir(directory)
	for name, text := range map[string]string{"plan.yaml": goodPlan, "unset.yaml": unsetPlan} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &session{directory: directory, stdout: &buffer{}, stderr: &buffer{}, signals: make(chan os.Signal, 3),
		terminals: map[any]bool{}}
	s.app = &app{
		args: append([]string{"vida"}, args...), stdin: strings.NewReader(""), stdout: s.stdout, stderr: s.stderr,
		signals: s.signals,
		screen: func(stream any) screen {
			return screen{terminal: s.terminals[stream], size: func() (int, int) { return 80, 24 }}
		},
		run: func(context.Context, runner.Options) (runner.Report, error) {
			return runner.Report{}, errors.New("this test runs nothing")
		},
	}
	return s
}

// ends makes the run end so, without running anything.
func (s *session) ends(status string, err error) *session {
	s.run = func(_ context.Context, o runner.Options) (runner.Report, error) {
		report := runner.Report{Plan: o.Plan.Name, Run: "1", Status: status}
		for _, step := range o.Plan.Steps {
			report.Steps = append(report.Steps, runner.StepReport{Name: step.Name, Type: step.Type, Status: status})
		}
		if err == nil {
			o.Listener.Handle(runner.Event{Type: runner.EventRunFinished, Report: &report})
		}
		return report, err
	}
	return s
}

// expect runs the command line and checks the exit code and what the streams hold.
func (s *session) expect(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	got := s.main()
	if got != code {
		t.Errorf("%q: exit code %d, want %d", s.args, got, code)
	}
	if !holds(s.stdout.String(), stdout) {
		t.Errorf("%q: stdout is\n%s\nwant\n%s", s.args, s.stdout, stdout)
	}
	if !holds(s.stderr.String(), stderr) {
		t.Errorf("%q: stderr is\n%s\nwant\n%s", s.args, s.stderr, stderr)
	}
	if t.Failed() && code != got {
		t.Logf("stdout %q, stderr %q", s.stdout, s.stderr)
	}
}

// holds tells whether text contains part; an empty part wants an empty text.
func holds(text, part string) bool {
	if part == "" {
		return text == ""
	}
	return strings.Contains(text, part)
}
