package ui

import (
	"time"

	"vida/runner"
	"vida/steps"
)

var dawn = time.Date(2026, 11, 24, 8, 10, 0, 0, time.UTC)

func at(seconds float64) time.Time { return dawn.Add(time.Duration(seconds * float64(time.Second))) }

// copying is a copy under way: so many of 20,000 documents.
func copying(done int64) *runner.StepReport {
	return &runner.StepReport{
		Name: "copy", Type: "copy", Status: runner.StatusRunning, Started: dawn,
		Counts:   steps.Counts{Read: done, Inserted: done, Bytes: done * 1000},
		Expected: 20000, UnitsTotal: 4, UnitsDone: done / 5000,
		DocumentsPerSec: 2000, BytesPerSec: 2e6, Workers: 2,
	}
}

func event(kind string, seconds float64, step *runner.StepReport) runner.Event {
	return runner.Event{Type: kind, Time: at(seconds), Step: step}
}

func ended(s *runner.StepReport, status string, seconds float64) *runner.StepReport {
	s.Status, s.Seconds, s.Finished = status, seconds, at(seconds)
	return s
}

func report(status string, list ...*runner.StepReport) runner.Report {
	r := runner.Report{Plan: "full-migration", Run: "7", Status: status, Started: dawn, Seconds: 12.5}
	for _, s := range list {
		r.Steps = append(r.Steps, *s)
	}
	return r
}
