package ui

import (
	"fmt"
	"strings"

	"vida/runner"
)

// tone is how a line is meant; a terminal gives it a colour, plain text does not.
type tone int

const (
	toneNone tone = iota
	toneGood
	toneDim
	toneWarn
	toneBad
)

// marks that begin the permanent line of a finished step.
var marks = map[string]string{
	runner.StatusSucceeded:   "✓",
	runner.StatusSkipped:     "·",
	runner.StatusFailed:      "✗",
	runner.StatusDifferences: "≠",
	runner.StatusInterrupted: "!",
	runner.StatusPending:     "·",
	runner.StatusRunning:     "▸",
}

func toneOf(status string) tone {
	switch status {
	case runner.StatusSucceeded:
		return toneGood
	case runner.StatusFailed:
		return toneBad
	case runner.StatusDifferences, runner.StatusInterrupted:
		return toneWarn
	case runner.StatusSkipped, runner.StatusPending:
		return toneDim
	}
	return toneNone
}

// finished says in one line, without its mark, how a step ended. mean is this run's documents a second, 0 where
// it does not apply.
func finished(s *runner.StepReport, mean float64) string {
	switch {
	case s.Status == runner.StatusSkipped:
		return join(s.Name+" skipped", ": ", firstNote(s))
	case s.Status == runner.StatusFailed:
		return join(s.Name+" failed after "+Duration(s.Seconds), ": ", firstReason(s.Error))
	case s.Status == runner.StatusInterrupted:
		return join(s.Name+" interrupted after "+Duration(s.Seconds), ": ", soFar(s))
	case s.Earlier:
		return strings.Join(append([]string{join(s.Name+" done earlier", ", ", since(s))}, shortfalls(s)...), ", ")
	}
	parts := []string{fmt.Sprintf("%s %s in %s", s.Name, either(handled(s), "done"), Duration(s.Seconds))}
	if s.Resumed > 0 {
		parts[0] = fmt.Sprintf("%s %s, %s of them in earlier runs, in %s",
			s.Name, either(handled(s), "done"), Number(s.Resumed), Duration(s.Seconds))
	}
	if mean > 0 && handlesDocuments(s.Type) {
		parts = append(parts, rate(mean)+" docs/s")
	}
	return strings.Join(append(parts, shortfalls(s)...), ", ")
}

// firstReason is the first of a failure's reasons, and how many more the summary will list.
func firstReason(reasons string) string {
	first, others, more := strings.Cut(strings.TrimRight(reasons, "\n"), "\n")
	if heading, ok := strings.CutSuffix(first, ":"); ok || !more {
		return Clean(heading) // it says what is below it, or is all there is
	}
	return fmt.Sprintf("%s; and %d more", Clean(first), 1+strings.Count(others, "\n"))
}

// since is when a step finished, or empty when that is not known.
func since(s *runner.StepReport) string {
	if s.Finished.IsZero() {
		return ""
	}
	return moment(s.Finished)
}

// soFar tells what an interrupted step has done.
func soFar(s *runner.StepReport) string {
	if text := handled(s); text != "" {
		return text + " so far"
	}
	return ""
}

// handled tells what a step worked through, or is empty where documents do not apply.
func handled(s *runner.StepReport) string {
	if n := documents(s); n > 0 || handlesDocuments(s.Type) {
		return Plural(n, "document")
	}
	return ""
}

func either(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// join writes head, separator and tail, or head alone where there is no tail.
func join(head, separator, tail string) string {
	if tail == "" {
		return head
	}
	return head + separator + tail
}

// firstNote is the step's first note fit for a line.
func firstNote(s *runner.StepReport) string {
	if len(s.Notes) == 0 {
		return ""
	}
	return Clean(s.Notes[0])
}

// shortfalls tells, a phrase for each, what the operator has to look at.
func shortfalls(s *runner.StepReport) []string {
	var parts []string
	for _, part := range []struct {
		n    int64
		word string
	}{
		{s.Counts.Rejected, "rejected"},
		{s.Counts.Missing, "missing"},
		{s.Counts.Differing, "differing"},
		{s.Counts.Unexpected, "unexpected"},
		{s.Counts.Repaired, "repaired"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", Number(part.n), part.word))
		}
	}
	return parts
}
