package ui

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"vida/runner"
)

// redrawEvery bounds how often the terminal is written to.
const redrawEvery = 100 * time.Millisecond

// pendingMost bounds the permanent lines that wait for a terminal that takes nothing (Ctrl-S, a stalled link).
const pendingMost = 1000

// terminal keeps a block of bars at the bottom of a terminal and lets permanent lines scroll above it.
//
// One goroutine owns the terminal. Events only change what it will draw next, so that a terminal that takes
// nothing never holds up a run. A frame is one write: cursor to the top of the block, permanent lines, the block.
type terminal struct {
	out    io.Writer
	size   func() (columns, rows int)
	colors bool
	now    func() time.Time

	mu      sync.Mutex
	running []*terminalStep // in the order they started
	pending []string        // permanent lines to write
	dropped int             // permanent lines that found no room

	// The drawing goroutine's own.
	drawn []int // the widths of the lines of the block as it stands
	last  string
	err   error

	stop chan struct{}
	done chan struct{}
}

type terminalStep struct {
	report runner.StepReport
	pace   pace
}

// NewTerminal returns a printer for a terminal. size is asked at every redraw and returns 0 where unknown.
func NewTerminal(out io.Writer, size func() (columns, rows int), colors bool) Printer {
	t := newTerminal(out, size, colors, time.Now)
	t.stop, t.done = make(chan struct{}), make(chan struct{})
	go t.loop()
	return t
}

func newTerminal(out io.Writer, size func() (columns, rows int), colors bool, now func() time.Time) *terminal {
	return &terminal{out: out, size: size, colors: colors, now: now}
}

func (t *terminal) loop() {
	defer close(t.done)
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.draw()
		case <-t.stop:
			return
		}
	}
}

// Close implements [Printer]: it writes the last lines and takes the block away.
func (t *terminal) Close() error {
	if t.stop != nil {
		close(t.stop)
		<-t.done
	}
	t.mu.Lock()
	t.running = nil
	t.mu.Unlock()
	t.draw()
	return t.err
}

// Handle implements [runner.Listener].
func (t *terminal) Handle(e runner.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case runner.EventLog:
		t.permanent(spans{{logLine(e), toneOfLevel(e.Level)}})
	case runner.EventStepStarted, runner.EventProgress:
		step := t.find(e.Step.Name)
		step.report = *e.Step
		step.pace.observe(e.Time, e.Step)
	case runner.EventStepFinished:
		step := t.find(e.Step.Name)
		mean := step.pace.mean(e.Time, e.Step)
		t.permanent(spans{
			{marks[e.Step.Status] + " ", toneOf(e.Step.Status)},
			{finished(e.Step, mean), lineTone(e.Step.Status)},
		})
		t.forget(step)
	}
}

// lineTone colours a whole line only where it is about trouble, or about nothing.
func lineTone(status string) tone {
	if status == runner.StatusSucceeded {
		return toneNone
	}
	return toneOf(status)
}

func toneOfLevel(level string) tone {
	switch level {
	case LevelError:
		return toneBad
	case LevelWarn:
		return toneWarn
	case LevelDebug:
		return toneDim
	}
	return toneNone
}

func (t *terminal) permanent(line spans) {
	if len(t.pending) >= pendingMost {
		t.dropped++
		return
	}
	t.pending = append(t.pending, line.render(t.colors))
}

func (t *terminal) find(name string) *terminalStep {
	for _, s := range t.running {
		if s.report.Name == name {
			return s
		}
	}
	s := &terminalStep{report: runner.StepReport{Name: name}}
	t.running = append(t.running, s)
	return s
}

func (t *terminal) forget(step *terminalStep) {
	for i, s := range t.running {
		if s == step {
			t.running = append(t.running[:i], t.running[i+1:]...)
			return
		}
	}
}

// draw writes one frame, or nothing where nothing has changed.
func (t *terminal) draw() {
	columns, rows := t.size()
	if columns <= 0 {
		columns = 80
	}
	if rows <= 0 {
		rows = 24
	}
	pending, lines := t.compose(columns-1, rows-1) // a line that fills its row would wrap on some terminals
	var body bytes.Buffer
	for _, line := range lines {
		fmt.Fprintf(&body, "%s\x1b[K\n", line.render(t.colors))
	}
	up := t.height(columns)
	if len(pending) == 0 && body.String() == t.last && up == len(t.drawn) {
		return
	}
	var frame bytes.Buffer
	if up > 0 {
		fmt.Fprintf(&frame, "\r\x1b[%dA", up)
	}
	if len(pending) > 0 {
		frame.WriteString("\x1b[J")
		frame.WriteString(strings.Join(pending, "\n"))
		frame.WriteByte('\n')
	}
	frame.Write(body.Bytes())
	if up > 0 {
		frame.WriteString("\x1b[J") // the rest of a taller block, and a ^C that the terminal echoed
	}
	t.last = body.String()
	t.drawn = t.drawn[:0]
	for _, line := range lines {
		t.drawn = append(t.drawn, line.width())
	}
	if t.err == nil {
		_, t.err = t.out.Write(frame.Bytes())
	}
}

// compose takes the permanent lines and lays out the block.
func (t *terminal) compose(width, height int) (pending []string, lines []spans) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	pending, t.pending = t.pending, nil
	if t.dropped > 0 {
		pending = append(pending, fmt.Sprintf("(%s left out: the terminal took nothing)", Plural(int64(t.dropped), "line")))
		t.dropped = 0
	}
	blocks := make([][]spans, len(t.running))
	for i, s := range t.running {
		blocks[i] = block(now, &s.report, &s.pace, max(1, width))
		lines = append(lines, blocks[i]...)
	}
	if len(lines) > height { // first give up the figures, then the steps that started first
		lines = lines[:0]
		for _, b := range blocks {
			lines = append(lines, b[0])
		}
		lines = lines[max(0, len(lines)-max(0, height)):]
	}
	return pending, lines
}

// height is the rows the block takes on a terminal that is now so wide: one that became narrower has wrapped
// its lines.
func (t *terminal) height(columns int) int {
	n := 0
	for _, width := range t.drawn {
		n += max(1, (width+columns-1)/columns)
	}
	return n
}
