package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vida/runner"
)

// show is a terminal printer on an emulator, with a clock that the test turns.
type show struct {
	*terminal
	screen *emulator
	clock  float64
}

func newShow(t *testing.T, width, height int, colors bool) *show {
	s := &show{screen: newEmulator(t, width, height)}
	s.terminal = newTerminal(s.screen, s.screen.size, colors, func() time.Time { return at(s.clock) })
	return s
}

// tell hands an event in at a time and draws.
func (s *show) tell(kind string, seconds float64, step *runner.StepReport) {
	s.clock = seconds
	s.Handle(event(kind, seconds, step))
	s.draw()
}

func (s *show) log(level, message string) {
	s.Handle(runner.Event{Type: runner.EventLog, Time: at(s.clock), Level: level, Message: message})
}

func (s *show) expect(t *testing.T, what, want string) {
	t.Helper()
	if got := s.screen.text(); got != want {
		t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

func busy(done int64) *runner.StepReport {
	s := copying(done)
	s.RequestUnitsPerSec, s.ProvisionedPerSec, s.ThrottledPerSec, s.Counts.Retries = 7900, 8000, 12, 3
	return s
}

func TestTerminalRun(t *testing.T) {
	s := newShow(t, 120, 24, true)
	s.tell(runner.EventStepFinished, 0, &runner.StepReport{Name: "generate", Type: "generate",
		Status: runner.StatusSkipped, Notes: []string{"its condition is false"}})
	s.tell(runner.EventStepStarted, 0, copying(0))
	for i := int64(1); i <= 50; i++ {
		s.tell(runner.EventProgress, float64(i)/10, busy(i*200))
	}
	s.expect(t, "half way", `· generate skipped: its condition is false
copy [███████████████░░░░░░░░░░░░░░░] 50%  10,000 of 20,000 documents  5.0s elapsed  ETA 5.0s
  2,000 docs/s (mean 2,000) · throttled 12/s · 7,900 of 8,000 RU/s · 2.0 MB/s · 3 retries · 2 of 4 units · 2 workers
`)
	s.log(LevelWarn, "lost the connection")
	s.log(LevelInfo, strings.Repeat("long ", 30))
	s.tell(runner.EventProgress, 6, copying(12000))
	s.expect(t, "a log line above the bars", `· generate skipped: its condition is false
warn: lost the connection
`+strings.Repeat("long ", 24)[:120-1]+`
long long long long long long
copy [██████████████████░░░░░░░░░░░░] 60%  12,000 of 20,000 documents  6.0s elapsed  ETA 4.0s
  2,000 docs/s (mean 2,000) · 2.0 MB/s · 2 of 4 units · 2 workers
`)
	s.tell(runner.EventStepFinished, 10, ended(copying(20000), runner.StatusSucceeded, 10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "at the end", `· generate skipped: its condition is false
warn: lost the connection
`+strings.Repeat("long ", 24)[:120-1]+`
long long long long long long
✓ copy 20,000 documents in 10s, 2,000 docs/s
`)
}

// A block must fit whatever the width, and the cursor must come back to where it began.
func TestTerminalWidths(t *testing.T) {
	for width := 2; width <= 160; width++ {
		s := newShow(t, width, 24, true)
		other := copying(7)
		other.Name, other.Type, other.Expected = "a-step-with-a-name-that-is-longer-than-most", "create-indexes", 0
		s.tell(runner.EventStepStarted, 0, copying(0))
		s.tell(runner.EventStepStarted, 0, other)
		for i := int64(1); i <= 60; i++ {
			s.tell(runner.EventProgress, float64(i)/10, busy(i*333))
		}
		if s.screen.wraps > 0 {
			t.Errorf("at %d columns a line of the block wrapped:\n%s", width, s.screen.text())
		}
		for _, row := range s.screen.rows {
			if len(row) >= width {
				t.Errorf("at %d columns a line fills its row: %q", width, string(row))
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if text := s.screen.text(); text != "\n" {
			t.Errorf("at %d columns something was left behind:\n%s", width, text)
		}
	}
}

func TestTerminalNarrow(t *testing.T) {
	s := newShow(t, 40, 24, false)
	s.tell(runner.EventStepStarted, 0, copying(0))
	for i := int64(1); i <= 50; i++ {
		s.tell(runner.EventProgress, float64(i)/10, busy(i*200))
	}
	s.expect(t, "40 columns", `copy [█████████░░░░░░░░░] 50%  ETA 5.0s
  10,000 of 20,000 documents
`)
	s.screen.width = 60
	s.draw()
	s.expect(t, "60 columns", `copy [█████░░░░░] 50%  10,000 of 20,000 documents  ETA 5.0s
  2,000 docs/s (mean 2,000) · throttled 12/s
`)
}

func TestTerminalResize(t *testing.T) {
	s := newShow(t, 120, 40, false)
	s.log(LevelInfo, "before")
	s.tell(runner.EventStepStarted, 0, copying(0))
	s.tell(runner.EventProgress, 3, busy(6000))
	s.screen.narrow(50) // what is drawn wraps, and must be gone after the next frame
	s.tell(runner.EventProgress, 4, busy(8000))
	s.expect(t, "narrower", `before
copy [█████░░░░░░░░░] 40%  4.0s elapsed  ETA 6.0s
  8,000 of 20,000 documents
`)
	s.tell(runner.EventStepFinished, 10, ended(copying(20000), runner.StatusSucceeded, 10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.expect(t, "at the end", "before\n✓ copy 20,000 documents in 10s, 2,000 docs/s\n")
}

// A block that is taller than the window would scroll it, and the cursor could not come back.
func TestTerminalLow(t *testing.T) {
	s := newShow(t, 80, 4, false)
	for i := 0; i < 8; i++ {
		step := busy(100)
		step.Name = fmt.Sprintf("copy-%d", i)
		s.tell(runner.EventStepStarted, 0, step)
	}
	s.tell(runner.EventProgress, 1, func() *runner.StepReport { r := busy(200); r.Name = "copy-7"; return r }())
	if n := strings.Count(s.screen.text(), "\n"); n != 3 {
		t.Errorf("%d lines in a window of 4:\n%s", n, s.screen.text())
	}
}

func TestTerminalDrawsOnlyChanges(t *testing.T) {
	s := newShow(t, 80, 24, false)
	s.draw()
	s.tell(runner.EventStepStarted, 0, copying(0))
	before := s.screen.writes
	s.draw()
	s.draw()
	if s.screen.writes != before || before != 1 {
		t.Errorf("%d writes, then %d; want 1 and no more", before, s.screen.writes)
	}
}

func TestTerminalThatTakesNothing(t *testing.T) {
	s := newShow(t, 80, 24, false)
	for i := 0; i < pendingMost+5; i++ {
		s.log(LevelInfo, "line")
	}
	s.draw()
	text := s.screen.text()
	if n := strings.Count(text, "line\n"); n != pendingMost || !strings.HasSuffix(text, "(5 lines left out: the terminal took nothing)\n") {
		t.Errorf("%d lines, ending in %q", n, text[len(text)-80:])
	}
}

func TestTerminalColors(t *testing.T) {
	for _, colors := range []bool{true, false} {
		var out strings.Builder
		p := newTerminal(&out, func() (int, int) { return 0, 0 }, colors, func() time.Time { return at(1) })
		p.Handle(event(runner.EventProgress, 1, busy(10)))
		p.draw()
		if red := strings.Contains(out.String(), "\x1b[31mthrottled 12/s\x1b[0m"); red != colors {
			t.Errorf("colors %v: throttling in red is %v: %q", colors, red, out.String())
		}
		if !colors && strings.Contains(out.String(), "m") && strings.Contains(out.String(), "\x1b[3") {
			t.Errorf("colours without colours: %q", out.String())
		}
	}
}

// The goroutine that draws ends with Close, and draws no more often than it may.
func TestTerminalLoop(t *testing.T) {
	screen := newEmulator(t, 80, 24)
	p := NewTerminal(screen, screen.size, false)
	for i := int64(0); i < 1000; i++ {
		p.Handle(runner.Event{Type: runner.EventProgress, Time: time.Now(), Step: copying(i)})
	}
	p.Handle(runner.Event{Type: runner.EventStepFinished, Time: time.Now(), Step: ended(copying(1000), runner.StatusSucceeded, 0)})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(screen.text(), "✓ copy 1,000 documents") {
		t.Errorf("got %q", screen.text())
	}
}
