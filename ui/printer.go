// Package ui shows runs to people (a terminal, plain lines, tables) and to programs (JSON). It decides nothing:
// it is told events and reports, and writes them.
//
// What holds for everything here: progress and log lines are thinned, changes of state never are; text that
// came from elsewhere passes [Clean] before a terminal sees it; numbers that do not apply are left out.
package ui

import (
	"sync"

	"vida/runner"
)

// Printer is a listener that must be closed after the last event, before anything else is written to the
// same place.
type Printer interface {
	runner.Listener
	// Close writes what is still pending. Its error is the first that a write met.
	Close() error
}

// Tee tells each event to several printers, in their order. It may be told events from several goroutines.
func Tee(printers ...Printer) Printer { return &tee{printers: printers} }

type tee struct {
	mu       sync.Mutex
	printers []Printer
}

func (t *tee) Handle(e runner.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.printers {
		p.Handle(e)
	}
}

func (t *tee) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var first error
	for _, p := range t.printers {
		if err := p.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// The levels of log events, least first.
const (
	LevelDebug = "debug"
	LevelInfo  = "info"
	LevelWarn  = "warn"
	LevelError = "error"
)

// Levels lists the levels of log events, least first.
func Levels() []string { return []string{LevelDebug, LevelInfo, LevelWarn, LevelError} }

func severity(level string) int {
	if level == "" {
		return len(Levels()) // said in answer to the operator: always shown
	}
	for i, l := range Levels() {
		if l == level {
			return i
		}
	}
	return 1 // an unknown level is shown as info is
}

// AtLevel passes on every event but log events below the level.
func AtLevel(level string, next Printer) Printer {
	return &leveled{Printer: next, least: severity(level)}
}

type leveled struct {
	Printer
	least int
}

func (l *leveled) Handle(e runner.Event) {
	if e.Type == runner.EventLog && severity(e.Level) < l.least {
		return
	}
	l.Printer.Handle(e)
}
