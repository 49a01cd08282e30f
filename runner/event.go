package runner

import (
	"encoding/json"
	"time"

	"vida/steps"
)

// The types of events, which are also the `type` of a line of --output json.
const (
	EventRunStarted   = "run_started"
	EventStepStarted  = "step_started"
	EventProgress     = "progress" // about ten a second for each running step; listeners thin them out
	EventLog          = "log"
	EventStepFinished = "step_finished"
	EventRunFinished  = "run_finished"
)

// The states of a step and, but for skipped and pending, of a run. A run may also be "running".
const (
	StatusPending     = "pending"
	StatusRunning     = "running"
	StatusSucceeded   = "succeeded"
	StatusSkipped     = "skipped" // its condition was false, or it was not selected
	StatusFailed      = "failed"
	StatusDifferences = "differences"
	StatusInterrupted = "interrupted"
)

// Event is something a listener may show. Which fields are set follows from Type: Step for step_started,
// progress and step_finished; Level, Message (and StepName where it belongs to one) for log; Report for
// run_started and run_finished.
type Event struct {
	Type     string
	Time     time.Time
	Step     *StepReport
	Report   *Report
	Level    string // info, warn, error
	StepName string
	Message  string
}

// Listener is told everything that happens in a run, in order, from one goroutine at a time.
type Listener interface {
	Handle(Event)
}

// Report is a run as it stands or as it ended.
type Report struct {
	Plan    string
	Run     string // the run's id
	Status  string
	Started time.Time
	Seconds float64
	Steps   []StepReport
	Process int // of the run that holds the lock; 0 when none does

	Adjustment Adjustment // tuning that the run under way was given in place of the plan's
}

// StepReport is a step as it stands or as it ended.
type StepReport struct {
	Name       string
	Type       string
	Status     string
	Started    time.Time // zero when it has not started
	Finished   time.Time // zero when it has not finished
	Seconds    float64   // spent on it over all runs
	Counts     steps.Counts
	Expected   int64 // documents to read or write in all, an estimate; 0 where unknown
	UnitsTotal int64
	UnitsDone  int64
	Unbalanced int64 // units whose stored books do not balance: a bug
	Error      string
	Notes      []string
	Result     json.RawMessage `json:"-"` // what `steps.NAME.result` is in a condition, once it has finished
	Earlier    bool            // finished by an earlier run: this run had nothing to do

	// Live figures of a running step.
	Resumed            int64   // documents that earlier runs had done
	DocumentsPerSec    float64 // now, over the last seconds
	BytesPerSec        float64
	RequestUnitsPerSec float64
	ProvisionedPerSec  float64 // request units the step may use a second; 0 where it does not apply
	ThrottledPerSec    float64
	Workers            int
}
