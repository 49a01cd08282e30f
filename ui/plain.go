package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"vida/runner"
)

// How often a running step gets a line: close together while an operator watches it start, thin afterwards.
const (
	plainEarly = time.Second
	plainLater = 30 * time.Second
	plainYoung = time.Minute // since the step started
)

// plain writes one line for each change of state and each log line, and thinned lines of progress.
type plain struct {
	out      io.Writer
	location *time.Location
	progress bool
	steps    map[string]*plainStep
	err      error
}

type plainStep struct {
	pace    pace
	started time.Time
	shown   time.Time
}

// NewPlain returns a printer of plain lines, each beginning with its time, for where there is no terminal.
func NewPlain(out io.Writer) Printer {
	return &plain{out: out, location: time.Local, progress: true, steps: map[string]*plainStep{}}
}

// NewLog returns a printer of log lines alone.
func NewLog(out io.Writer) Printer {
	return &plain{out: out, location: time.Local}
}

// Close implements [Printer].
func (p *plain) Close() error { return p.err }

// Handle implements [runner.Listener].
func (p *plain) Handle(e runner.Event) {
	if e.Type == runner.EventLog {
		p.line(e.Time, logLine(e))
		return
	}
	if !p.progress {
		return
	}
	switch e.Type {
	case runner.EventRunStarted:
		p.line(e.Time, fmt.Sprintf("run %s of %s started, %s",
			e.Report.Run, e.Report.Plan, Plural(int64(len(e.Report.Steps)), "step")))
	case runner.EventStepStarted:
		p.step(e).pace.observe(e.Time, e.Step)
		p.line(e.Time, startedLine(e.Step))
	case runner.EventProgress:
		step := p.step(e)
		step.pace.observe(e.Time, e.Step)
		every := plainEarly
		if e.Time.Sub(step.started) > plainYoung {
			every = plainLater
		}
		if e.Time.Sub(step.shown) >= every {
			step.shown = e.Time
			p.line(e.Time, progressLine(e.Time, e.Step, &step.pace))
		}
	case runner.EventStepFinished:
		step := p.step(e)
		p.line(e.Time, finished(e.Step, step.pace.mean(e.Time, e.Step)))
		delete(p.steps, e.Step.Name)
	case runner.EventRunFinished:
		p.line(e.Time, fmt.Sprintf("run %s of %s %s after %s",
			e.Report.Run, e.Report.Plan, statusWord(e.Report.Status), Duration(e.Report.Seconds)))
	}
}

func (p *plain) step(e runner.Event) *plainStep {
	step := p.steps[e.Step.Name]
	if step == nil {
		step = &plainStep{started: e.Time, shown: e.Time}
		p.steps[e.Step.Name] = step
	}
	return step
}

func (p *plain) line(at time.Time, text string) {
	_, err := fmt.Fprintf(p.out, "%s %s\n", at.In(p.location).Format("2006-01-02T15:04:05Z07:00"), text)
	if err != nil && p.err == nil {
		p.err = err
	}
}

// startedLine says in one line that a step has started, and from where.
func startedLine(s *runner.StepReport) string {
	text := fmt.Sprintf("%s started (%s)", s.Name, s.Type)
	switch {
	case s.Resumed > 0:
		text += fmt.Sprintf(", going on after %s", Plural(s.Resumed, "document"))
	case s.UnitsDone > 0:
		text += fmt.Sprintf(", going on after %s of %s", Number(s.UnitsDone), Plural(s.UnitsTotal, "unit"))
	}
	return text
}

// progressLine says in one line how a running step stands.
func progressLine(now time.Time, s *runner.StepReport, p *pace) string {
	var parts []string
	head := s.Name
	if f := fraction(s); f >= 0 {
		head += " " + percent(f)
	}
	if text := tally(s); text != "" {
		parts = append(parts, text)
	}
	for _, f := range figures(now, s, p) {
		parts = append(parts, f.text)
	}
	if seconds, known := p.eta(now, s); known {
		parts = append(parts, "ETA "+Duration(seconds))
	}
	return join(head, ": ", strings.Join(parts, ", "))
}

// logLine writes a log event without its time. What is merely information needs no level.
func logLine(e runner.Event) string {
	text := Clean(e.Message)
	if e.StepName != "" {
		text = e.StepName + ": " + text
	}
	if e.Level != "" && e.Level != LevelInfo {
		text = e.Level + ": " + text
	}
	return text
}

// statusWord is how a status reads in a sentence.
func statusWord(status string) string {
	switch status {
	case runner.StatusDifferences:
		return "finished with differences"
	case runner.StatusInterrupted:
		return "was interrupted"
	case runner.StatusRunning:
		return "is running"
	case runner.StatusPending:
		return "has not started"
	}
	return status
}
