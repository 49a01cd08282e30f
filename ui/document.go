package ui

import (
	"encoding/json"
	"math"
	"time"

	"vida/plans"
	"vida/runner"
)

// runObject is a run as JSON: a line of type run_started or run_finished, and what `vida status` prints.
type runObject struct {
	Type    string  `json:"type"`
	Time    string  `json:"time"`
	Plan    string  `json:"plan"`
	Run     string  `json:"run,omitempty"`
	Status  string  `json:"status"`
	Seconds float64 `json:"seconds"`
	Process int     `json:"process,omitempty"` // of the run under way

	RequestUnits float64 `json:"request_units,omitempty"` // of all steps, over all runs
	Throttled    int64   `json:"throttled,omitempty"`

	Tuning map[string]string `json:"tuning,omitempty"` // given to the run under way in place of the plan's
	Steps  []stepObject      `json:"steps"`
}

// stepObject is a step as JSON. Numbers that do not apply to its type are left out; those that do are there even
// when they are 0.
type stepObject struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Status  string   `json:"status"`
	Seconds *float64 `json:"seconds,omitempty"`

	Read         *int64   `json:"read,omitempty"`
	Inserted     *int64   `json:"inserted,omitempty"`
	Identical    *int64   `json:"identical,omitempty"`
	Replaced     *int64   `json:"replaced,omitempty"`
	Skipped      *int64   `json:"skipped,omitempty"`
	Rejected     *int64   `json:"rejected,omitempty"`
	Filtered     *int64   `json:"filtered,omitempty"`
	Differing    *int64   `json:"differing,omitempty"`
	Missing      *int64   `json:"missing,omitempty"`
	Unexpected   *int64   `json:"unexpected,omitempty"`
	Repaired     *int64   `json:"repaired,omitempty"`
	Bytes        *int64   `json:"bytes,omitempty"`
	RequestUnits *float64 `json:"request_units,omitempty"`
	Estimated    bool     `json:"request_units_estimated,omitempty"` // the server did not tell
	Throttled    *int64   `json:"throttled,omitempty"`
	Retries      *int64   `json:"retries,omitempty"`
	UnitsTotal   *int64   `json:"units_total,omitempty"`
	UnitsDone    *int64   `json:"units_done,omitempty"`
	Balanced     *bool    `json:"balanced,omitempty"` // read = inserted + identical + replaced + skipped + rejected + filtered, in every unit

	Error    string          `json:"error,omitempty"`
	Notes    []string        `json:"notes,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"` // the step type's own: what became of each index, for one
	Started  string          `json:"started,omitempty"`
	Finished string          `json:"finished,omitempty"`
	Earlier  bool            `json:"earlier,omitempty"` // finished by an earlier run

	*liveObject
}

// liveObject is what only a running step has.
type liveObject struct {
	Expected           int64   `json:"expected,omitempty"` // documents, an estimate
	Resumed            int64   `json:"resumed"`            // documents done by earlier runs
	DocumentsPerSec    float64 `json:"documents_per_second"`
	BytesPerSec        float64 `json:"bytes_per_second"`
	RequestUnitsPerSec float64 `json:"request_units_per_second,omitempty"`
	ProvisionedPerSec  float64 `json:"provisioned_per_second,omitempty"`
	ThrottledPerSec    float64 `json:"throttled_per_second,omitempty"`
	Workers            int     `json:"workers,omitempty"`
}

// The numbers of a step, as bits, to say which apply to a step type.
const (
	hasRead = 1 << iota
	hasInserted
	hasIdentical
	hasReplaced
	hasSkipped
	hasRejected
	hasFiltered
	hasDifferences // differing, missing, unexpected
	hasRepaired
	hasBytes
	hasRequestUnits // with throttled
	hasRetries
	hasUnits
)

// applicable says which numbers apply to a step type. What is not here is shown only when it is not 0.
var applicable = map[string]int{
	plans.TypeCheckConnections: hasUnits,
	plans.TypeExtractIndexes:   hasRetries | hasUnits,
	plans.TypeGenerate: hasRead | hasInserted | hasIdentical | hasRejected | hasBytes | hasRequestUnits |
		hasRetries | hasUnits,
	plans.TypeCopy: hasRead | hasInserted | hasIdentical | hasReplaced | hasSkipped | hasRejected | hasFiltered |
		hasBytes | hasRequestUnits | hasRetries | hasUnits,
	plans.TypeDump: hasRead | hasInserted | hasBytes | hasRequestUnits | hasRetries | hasUnits,
	plans.TypeRestore: hasRead | hasInserted | hasIdentical | hasReplaced | hasSkipped | hasRejected |
		hasBytes | hasRequestUnits | hasRetries | hasUnits,
	plans.TypeCreateIndexes: hasRetries | hasUnits,
	plans.TypeVerifyCounts:  hasRead | hasDifferences | hasRequestUnits | hasRetries | hasUnits,
	plans.TypeVerifyIndexes: hasDifferences | hasRetries | hasUnits,
	plans.TypeVerifyContent: hasRead | hasDifferences | hasRepaired | hasBytes | hasRequestUnits |
		hasRetries | hasUnits,
}

func newRunObject(lineType string, at time.Time, r *runner.Report) runObject {
	o := runObject{
		Type: lineType, Time: stamp(at), Plan: r.Plan, Run: r.Run, Status: r.Status,
		Seconds: seconds(r.Seconds), Process: r.Process, Tuning: r.Adjustment, Steps: []stepObject{},
	}
	for i := range r.Steps {
		o.Steps = append(o.Steps, newStepObject(&r.Steps[i]))
		o.RequestUnits += r.Steps[i].Counts.RequestUnits
		o.Throttled += r.Steps[i].Counts.Throttled
	}
	o.RequestUnits = round(o.RequestUnits, 2)
	return o
}

func newStepObject(s *runner.StepReport) stepObject {
	o := stepObject{
		Name: s.Name, Type: s.Type, Status: s.Status,
		Error: s.Error, Notes: s.Notes, Result: s.Result, Earlier: s.Earlier,
		Started: stampOrNone(s.Started), Finished: stampOrNone(s.Finished),
	}
	has := applicable[s.Type]
	if s.Status == runner.StatusPending || s.Status == runner.StatusSkipped {
		has = 0 // nothing was done, so nothing was counted
	}
	if has != 0 || s.Seconds > 0 {
		rounded := seconds(s.Seconds)
		o.Seconds = &rounded
	}
	whole := func(bit int, n int64) *int64 {
		if has&bit == 0 && n == 0 {
			return nil
		}
		return &n
	}
	c := s.Counts
	o.Read = whole(hasRead, c.Read)
	o.Inserted = whole(hasInserted, c.Inserted)
	o.Identical = whole(hasIdentical, c.Identical)
	o.Replaced = whole(hasReplaced, c.Replaced)
	o.Skipped = whole(hasSkipped, c.Skipped)
	o.Rejected = whole(hasRejected, c.Rejected)
	o.Filtered = whole(hasFiltered, c.Filtered)
	o.Differing = whole(hasDifferences, c.Differing)
	o.Missing = whole(hasDifferences, c.Missing)
	o.Unexpected = whole(hasDifferences, c.Unexpected)
	o.Repaired = whole(hasRepaired, c.Repaired)
	o.Bytes = whole(hasBytes, c.Bytes)
	o.Throttled = whole(hasRequestUnits, c.Throttled)
	o.Retries = whole(hasRetries, c.Retries)
	o.UnitsTotal = whole(hasUnits, s.UnitsTotal)
	o.UnitsDone = whole(hasUnits, s.UnitsDone)
	if has&(hasInserted|hasRead) == hasInserted|hasRead {
		balanced := c.Balanced() && s.Unbalanced == 0
		o.Balanced = &balanced
	}
	if has&hasRequestUnits != 0 || c.RequestUnits != 0 {
		rounded := round(c.RequestUnits, 2)
		o.RequestUnits, o.Estimated = &rounded, c.Estimated
	}
	if s.Status == runner.StatusRunning {
		o.liveObject = &liveObject{
			Expected: s.Expected, Resumed: s.Resumed,
			DocumentsPerSec: round(s.DocumentsPerSec, 1), BytesPerSec: round(s.BytesPerSec, 0),
			RequestUnitsPerSec: round(s.RequestUnitsPerSec, 1), ProvisionedPerSec: round(s.ProvisionedPerSec, 1),
			ThrottledPerSec: round(s.ThrottledPerSec, 1), Workers: s.Workers,
		}
	}
	return o
}

// stamp writes a time as RFC 3339 in UTC, to the millisecond.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func stampOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t)
}

func seconds(s float64) float64 { return round(s, 3) }

// round keeps so many decimals; what JSON cannot say becomes 0.
func round(x float64, decimals int) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}
