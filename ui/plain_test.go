package ui

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"vida/runner"
)

func newTestPlain(out *bytes.Buffer) *plain {
	p := NewPlain(out).(*plain)
	p.location = time.UTC
	return p
}

func TestPlainRun(t *testing.T) {
	var out bytes.Buffer
	p := newTestPlain(&out)
	started := report(runner.StatusRunning, copying(0), copying(0))
	p.Handle(runner.Event{Type: runner.EventRunStarted, Time: at(0), Report: &started})
	skipped := &runner.StepReport{Name: "generate", Type: "generate", Status: runner.StatusSkipped,
		Notes: []string{`int(env.TOTAL_DOCUMENTS ?? "0") > 0 is false`}}
	p.Handle(event(runner.EventStepFinished, 0, skipped))
	p.Handle(event(runner.EventStepStarted, 0, copying(0)))
	for i := int64(1); i <= 29; i++ {
		s := copying(i * 200)
		s.RequestUnitsPerSec, s.ProvisionedPerSec = 7900.4, 8000
		if i == 20 {
			s.ThrottledPerSec, s.Counts.Retries, s.Counts.Missing = 12, 1, 2
		}
		p.Handle(event(runner.EventProgress, float64(i)/10, s))
	}
	p.Handle(runner.Event{Type: runner.EventLog, Time: at(3), Level: "warn", StepName: "copy", Message: "lost the\nconnection"})
	p.Handle(event(runner.EventStepFinished, 10, ended(copying(20000), runner.StatusSucceeded, 10)))
	done := report(runner.StatusSucceeded)
	p.Handle(runner.Event{Type: runner.EventRunFinished, Time: at(12.5), Report: &done})
	want := `2026-11-24T08:10:00Z run 7 of full-migration started, 2 steps
2026-11-24T08:10:00Z generate skipped: int(env.TOTAL_DOCUMENTS ?? "0") > 0 is false
2026-11-24T08:10:00Z copy started (copy)
2026-11-24T08:10:01Z copy 10%: 2,000 of 20,000 documents, 2,000 docs/s (mean 2,000), 7,900 of 8,000 RU/s, 2.0 MB/s, 0 of 4 units, 2 workers
2026-11-24T08:10:02Z copy 20%: 4,000 of 20,000 documents, 2,000 docs/s (mean 2,000), throttled 12/s, 2 missing, 7,900 of 8,000 RU/s, 2.0 MB/s, 1 retry, 0 of 4 units, 2 workers, ETA 8.0s
2026-11-24T08:10:03Z warn: copy: lost the connection
2026-11-24T08:10:10Z copy 20,000 documents in 10s, 2,000 docs/s
2026-11-24T08:10:12Z run 7 of full-migration succeeded after 13s
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestPlainThinsOut(t *testing.T) {
	var out bytes.Buffer
	p := newTestPlain(&out)
	p.Handle(event(runner.EventStepStarted, 0, copying(0)))
	for i := 1; i <= 3000; i++ { // five minutes
		p.Handle(event(runner.EventProgress, float64(i)/10, copying(int64(i))))
	}
	// One to start, sixty in the first minute, eight in the four that follow.
	if lines := strings.Count(out.String(), "\n"); lines != 1+60+8 {
		t.Errorf("%d lines, want 69", lines)
	}
}

func TestFinishedLines(t *testing.T) {
	for _, c := range []struct {
		want string
		step *runner.StepReport
		mean float64
	}{
		{"copy 20,000 documents in 1.2s, 16,667 docs/s", ended(copying(20000), runner.StatusSucceeded, 1.2), 16667},
		{"copy 1 document in 0.1s", ended(copying(1), runner.StatusSucceeded, 0.1), 0},
		{"check done in 0.4s", ended(&runner.StepReport{Name: "check", Type: "check-connections"}, runner.StatusSucceeded, 0.4), 0},
		{"copy skipped", &runner.StepReport{Name: "copy", Type: "copy", Status: runner.StatusSkipped}, 0},
		{"copy failed after 3.0s: no ?[2Jreply", func() *runner.StepReport {
			s := ended(copying(20), runner.StatusFailed, 3)
			s.Error = "no \x1b[2Jreply\n"
			return s
		}(), 9},
		{"copy interrupted after 3.0s: 20 documents so far", ended(copying(20), runner.StatusInterrupted, 3), 7},
		{"index interrupted after 3.0s", ended(&runner.StepReport{Name: "index", Type: "create-indexes"}, runner.StatusInterrupted, 3), 0},
		{"copy 1,020 documents in 3.0s, 7 docs/s, 1,000 rejected", func() *runner.StepReport {
			s := ended(copying(20), runner.StatusDifferences, 3)
			s.Counts.Rejected = 1000
			return s
		}(), 7},
		{"copy 20 documents, 15 of them in earlier runs, in 3.0s, 7 docs/s", func() *runner.StepReport {
			s := ended(copying(20), runner.StatusSucceeded, 3)
			s.Resumed = 15
			return s
		}(), 7},
		{"copy done earlier, " + moment(at(3)) + ", 4 missing", func() *runner.StepReport {
			s := ended(copying(20), runner.StatusDifferences, 3)
			s.Earlier, s.Counts.Missing = true, 4
			return s
		}(), 0},
	} {
		if got := finished(c.step, c.mean); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

type brokenPipe struct{}

var errBroken = errors.New("broken")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrorsSurface(t *testing.T) {
	for name, p := range map[string]Printer{
		"plain":    NewPlain(brokenPipe{}),
		"json":     NewJSON(brokenPipe{}),
		"terminal": NewTerminal(brokenPipe{}, func() (int, int) { return 80, 24 }, false),
	} {
		p := Tee(AtLevel(LevelInfo, p))
		p.Handle(runner.Event{Type: runner.EventLog, Time: at(0), Message: "x"})
		if err := p.Close(); !errors.Is(err, errBroken) {
			t.Errorf("%s: Close returned %v", name, err)
		}
	}
}

func TestLevels(t *testing.T) {
	for least, want := range map[string]string{
		LevelDebug: "dewis", LevelInfo: "ewis", LevelWarn: "ews", LevelError: "es",
	} {
		var out bytes.Buffer
		p := AtLevel(least, NewLog(&out))
		for _, e := range []struct{ level, text string }{
			{LevelDebug, "d"}, {LevelError, "e"}, {LevelWarn, "w"}, {LevelInfo, "i"}, {"", "s"},
		} {
			p.Handle(runner.Event{Type: runner.EventLog, Time: at(0), Level: e.level, Message: e.text})
		}
		p.Handle(event(runner.EventStepStarted, 0, copying(0)))
		got := ""
		for _, line := range strings.Fields(out.String()) {
			if len(line) == 1 {
				got += line
			}
		}
		if got != want {
			t.Errorf("at %s: %q, want %q", least, got, want)
		}
	}
}
