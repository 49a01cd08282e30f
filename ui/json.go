package ui

import (
	"encoding/json"
	"io"
	"time"

	"vida/runner"
)

// jsonEvery thins the progress lines of each step.
const jsonEvery = time.Second

// jsonPrinter writes one JSON object a line for each event.
type jsonPrinter struct {
	encoder *json.Encoder
	shown   map[string]time.Time // by step: when its last progress line was
	err     error
}

// NewJSON returns a printer of NDJSON: `vida run --output json`.
func NewJSON(out io.Writer) Printer {
	return &jsonPrinter{encoder: encoder(out), shown: map[string]time.Time{}}
}

func encoder(out io.Writer) *json.Encoder {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e
}

// eventObject is a line about a step, or a log line.
type eventObject struct {
	Type    string `json:"type"`
	Time    string `json:"time"`
	Level   string `json:"level,omitempty"`
	Message string `json:"message,omitempty"`
	Step    any    `json:"step,omitempty"` // a stepObject; of a log line, its name alone
}

type stepName struct {
	Name string `json:"name"`
}

// Handle implements [runner.Listener].
func (p *jsonPrinter) Handle(e runner.Event) {
	switch e.Type {
	case runner.EventRunStarted, runner.EventRunFinished:
		p.write(newRunObject(e.Type, e.Time, e.Report))
	case runner.EventProgress:
		if last, seen := p.shown[e.Step.Name]; seen && e.Time.Sub(last) < jsonEvery {
			return
		}
		p.shown[e.Step.Name] = e.Time
		p.write(eventObject{Type: e.Type, Time: stamp(e.Time), Step: newStepObject(e.Step)})
	case runner.EventStepStarted, runner.EventStepFinished:
		p.write(eventObject{Type: e.Type, Time: stamp(e.Time), Step: newStepObject(e.Step)})
	case runner.EventLog:
		line := eventObject{Type: e.Type, Time: stamp(e.Time), Level: e.Level, Message: e.Message}
		if line.Level == "" {
			line.Level = LevelInfo
		}
		if e.StepName != "" {
			line.Step = stepName{e.StepName}
		}
		p.write(line)
	}
}

func (p *jsonPrinter) write(object any) {
	if err := p.encoder.Encode(object); err != nil && p.err == nil {
		p.err = err
	}
}

// Close implements [Printer].
func (p *jsonPrinter) Close() error { return p.err }

// ReportJSON writes a report as one object on one line: `vida status --output json`.
func ReportJSON(out io.Writer, at time.Time, report runner.Report) error {
	object := newRunObject("status", at, &report)
	for i := range object.Steps {
		object.Steps[i].liveObject = nil // the state knows no speed
	}
	return encoder(out).Encode(object)
}
