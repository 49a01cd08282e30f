package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"vida/plans"
	"vida/runner"
)

// Commands are the command lines that a summary tells the operator to type next, quoted for a shell.
type Commands struct {
	Again        string // goes on with the run; empty where the plan's file is not known
	Rejects      string // shows the rejected documents
	RetryRejects string // tries them again
}

// Summary writes how a run ended: a table of its steps, what they had to say, and what to do next.
func Summary(out io.Writer, r runner.Report, next Commands) error {
	text := &writer{out: out}
	text.table(stepColumns, stepRows(r.Steps))
	text.notes(r.Steps, false)
	text.line("")
	text.line("%s %s after %s%s", r.Plan, statusWord(r.Status), Duration(r.Seconds), requestUnits(r.Steps))
	text.advice(r, next)
	return text.err
}

// requestUnits is what all steps took together, where anything was counted.
func requestUnits(list []runner.StepReport) string {
	var total runner.StepReport
	for _, s := range list {
		total.Counts = total.Counts.Plus(s.Counts)
	}
	if total.Counts.RequestUnits < 1 {
		return ""
	}
	about := ""
	if total.Counts.Estimated {
		about = "about "
	}
	return ", " + about + Number(int64(total.Counts.RequestUnits)) + " RU in all"
}

// Status writes a run as it stands: what [Summary] does, for a run that may be under way.
func Status(out io.Writer, r runner.Report, next Commands) error {
	text := &writer{out: out}
	head := r.Plan + " " + statusWord(r.Status)
	if r.Process != 0 {
		head += fmt.Sprintf(" (process %d)", r.Process)
	}
	if !r.Started.IsZero() {
		head += ", started " + moment(r.Started)
	}
	if r.Seconds > 0 {
		head += ", " + Duration(r.Seconds)
	}
	text.line("%s", head)
	if len(r.Adjustment) > 0 {
		text.line("tuning changed while running: %s", r.Adjustment)
	}
	text.line("")
	text.table(stepColumns, stepRows(r.Steps))
	text.books(r.Steps)
	text.notes(r.Steps, true)
	if r.Process == 0 {
		text.advice(r, next)
	}
	return text.err
}

// History writes the runs of a plan, the newest first, a line each.
func History(out io.Writer, runs []runner.Report) error {
	var rows [][]string
	for _, r := range runs {
		var total runner.StepReport
		done := 0
		for _, s := range r.Steps {
			total.Counts = total.Counts.Plus(s.Counts)
			if s.Status == runner.StatusSucceeded || s.Status == runner.StatusSkipped || s.Status == runner.StatusDifferences {
				done++
			}
		}
		started, steps, spent := "", "", Duration(r.Seconds)
		if r.Status == runner.StatusRunning {
			spent = ""
		}
		if !r.Started.IsZero() {
			started = r.Started.Local().Format(time.DateTime)
		}
		if len(r.Steps) > 0 {
			steps = fmt.Sprintf("%d of %d", done, len(r.Steps))
		}
		rows = append(rows, []string{r.Plan, r.Run, started, r.Status, spent, steps,
			strings.Join(shortfalls(&total), ", ")})
	}
	text := &writer{out: out}
	text.table([]column{{title: "plan"}, {title: "run"}, {title: "started"}, {title: "status"},
		{title: "time", right: true}, {title: "steps done", right: true}, {title: "notes"}}, rows)
	return text.err
}

var stepColumns = []column{{title: "step"}, {title: "type"}, {title: "status"},
	{title: "documents", right: true}, {title: "size", right: true}, {title: "time", right: true}, {title: "notes"}}

func stepRows(steps []runner.StepReport) [][]string {
	var rows [][]string
	for i := range steps {
		s := &steps[i]
		n, size, spent := "", "", ""
		if began := s.Status != runner.StatusPending && s.Status != runner.StatusSkipped; began {
			if handlesDocuments(s.Type) || documents(s) > 0 {
				n = Number(documents(s))
			}
			if s.Counts.Bytes > 0 {
				size = Bytes(s.Counts.Bytes)
			}
			spent = Duration(s.Seconds)
		}
		rows = append(rows, []string{s.Name, s.Type, s.Status, n, size, spent, strings.Join(remarks(s), ", ")})
	}
	return rows
}

// remarks are the few words about a step that fit its row.
func remarks(s *runner.StepReport) []string {
	var list []string
	if s.Earlier {
		list = append(list, join("done earlier", ", ", since(s)))
	}
	switch s.Status {
	case runner.StatusSkipped:
		if note := firstNote(s); note != "" {
			list = append(list, note)
		}
	case runner.StatusRunning, runner.StatusInterrupted:
		if part := fraction(s); part >= 0 {
			list = append(list, percent(part)+" done")
		}
		if s.UnitsTotal > 1 {
			list = append(list, fmt.Sprintf("%s of %s", Number(s.UnitsDone), Plural(s.UnitsTotal, "unit")))
		}
	}
	// The saved time of a running step lags behind its documents.
	timed := s.Seconds >= 0.05 && s.Status != runner.StatusRunning && !s.Earlier
	if n := documents(s); n > 0 && timed && handlesDocuments(s.Type) {
		list = append(list, rate(float64(n)/s.Seconds)+" docs/s")
	}
	list = append(list, shortfalls(s)...)
	for _, part := range []struct {
		n    int64
		word string
	}{
		{s.Counts.Identical, "there already"},
		{s.Counts.Replaced, "replaced"},
		{s.Counts.Skipped, "kept as they were"},
		{s.Counts.Filtered, "filtered out"},
	} {
		if part.n > 0 {
			list = append(list, Number(part.n)+" "+part.word)
		}
	}
	if s.Counts.RequestUnits >= 1 {
		about := ""
		if s.Counts.Estimated {
			about = "about "
		}
		list = append(list, about+Number(int64(s.Counts.RequestUnits))+" RU")
	}
	if s.Counts.Throttled > 0 {
		list = append(list, "throttled "+times(s.Counts.Throttled))
	}
	if s.Counts.Retries > 0 {
		list = append(list, "retried "+times(s.Counts.Retries))
	}
	return list
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return Number(n) + " times"
}

// writer writes text and keeps the first error.
type writer struct {
	out io.Writer
	err error
}

func (w *writer) line(format string, values ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format+"\n", values...)
	}
}

func (w *writer) table(columns []column, rows [][]string) {
	if w.err == nil {
		w.err = writeTable(w.out, columns, rows)
	}
}

// books writes the books of the steps that have some.
func (w *writer) books(steps []runner.StepReport) {
	first := true
	for i := range steps {
		line := books(&steps[i])
		if line == "" {
			continue
		}
		if first {
			w.line("")
		}
		first = false
		w.line("books of %s: %s", steps[i].Name, line)
	}
}

// notes writes what the steps had to say, and why they failed. earlier includes the steps of earlier runs.
func (w *writer) notes(steps []runner.StepReport, earlier bool) {
	for i := range steps {
		s := &steps[i]
		notes := s.Notes
		if s.Status == runner.StatusSkipped || s.Earlier && !earlier {
			notes = nil // the row said it, or an earlier summary did
		}
		if len(notes) == 0 && s.Error == "" {
			continue
		}
		w.line("")
		w.line("%s:", s.Name)
		for _, note := range notes {
			w.line("  %s", Clean(note))
		}
		w.failure(s.Error)
	}
}

// failure writes why a step failed, a line for each reason; nothing where it did not.
func (w *writer) failure(reasons string) {
	if reasons == "" {
		return
	}
	for _, line := range strings.Split(strings.TrimRight(reasons, "\n"), "\n") {
		w.line("  error: %s", Clean(line))
	}
}

// goOn writes which command goes on with a run.
func (w *writer) goOn(what, again string) {
	if again == "" {
		w.line("What is done is saved; running the plan again goes on from there.")
		return
	}
	w.line("%s", what)
	w.line("  %s", again)
}

// advice writes what to do next, where there is something to do.
func (w *writer) advice(r runner.Report, next Commands) {
	var total runner.StepReport
	indexesDiffer := false
	for _, s := range r.Steps {
		if s.Type == plans.TypeVerifyIndexes {
			indexesDiffer = indexesDiffer || s.Counts.FellShort()
			continue
		}
		total.Counts = total.Counts.Plus(s.Counts)
	}
	if n := total.Counts.Rejected; n > 0 {
		are := "were"
		if n == 1 {
			are = "was"
		}
		w.line("%s %s rejected. To see which, and why:", Plural(n, "document"), are)
		w.line("  %s", next.Rejects)
		if next.RetryRejects != "" {
			w.line("To try them again, once the cause is mended:")
			w.line("  %s", next.RetryRejects)
		}
	}
	switch r.Status {
	case runner.StatusFailed:
		w.goOn("What is done stays done. Once the cause is mended, this goes on from there:", next.Again)
	case runner.StatusInterrupted:
		w.goOn("What is done is saved. To go on from there:", next.Again)
	}
	if c := total.Counts; c.Missing+c.Differing+c.Unexpected > c.Repaired {
		w.line("The two sides differ. A verify-content step names the documents (%s), and with repair: true mends them.", next.Rejects)
	}
	if indexesDiffer {
		w.line("Indexes differ, as told above. A create-indexes step creates what is missing; what differs or is not wanted is yours to drop.")
	}
}
