package ui

import (
	"io"
	"maps"
	"math"
	"slices"

	"vida/runner"
)

// DryRun writes what a run would do.
func DryRun(out io.Writer, r runner.DryRunReport) error {
	text := &writer{out: out}
	var rows [][]string
	for i := range r.Steps {
		s := &r.Steps[i]
		row := []string{s.Name, s.Type, s.Action, "", "", "", "", ""}
		if s.Action == runner.ActionDone && !s.Since.IsZero() {
			row[2] += " since " + moment(s.Since)
		}
		if s.Action == runner.ActionRun || s.Action == runner.ActionResume {
			known := func(i int, is bool, text string) {
				if is {
					row[i] = text
				}
			}
			known(3, s.Documents > 0 || s.Documents == 0 && handlesDocuments(s.Type), Number(s.Documents))
			known(4, s.Bytes > 0, Bytes(s.Bytes))
			known(5, s.Units > 0, Number(s.Units))
			known(6, s.RequestUnits > 0, Number(int64(s.RequestUnits)))
			known(7, s.Seconds > 0, Duration(s.Seconds))
		}
		rows = append(rows, row)
	}
	text.line("%s, a dry run: nothing is written, neither to a server nor to a file", r.Plan)
	text.line("")
	text.table([]column{{title: "step"}, {title: "type"}, {title: "would"}, {title: "documents", right: true},
		{title: "size", right: true}, {title: "units", right: true}, {title: "request units", right: true},
		{title: "time", right: true}}, rows)
	for i := range r.Steps {
		s := &r.Steps[i]
		if len(s.Notes) == 0 && s.Error == "" {
			continue
		}
		text.line("")
		text.line("%s:", s.Name)
		for _, note := range s.Notes {
			text.line("  %s", Clean(note))
		}
		text.failure(s.Error)
	}
	for _, connection := range slices.Sorted(maps.Keys(r.Spent)) {
		text.line("")
		text.line("finding this out took %s RU of %s", Number(int64(math.Ceil(r.Spent[connection]))), connection)
	}
	return text.err
}

// dryRunStep is a step of a dry run as JSON. Estimates that are not known are left out.
type dryRunStep struct {
	Name         string   `json:"name"`
	Type         string   `json:"type"`
	Action       string   `json:"action"`
	Since        string   `json:"since,omitempty"` // when it was done
	Documents    *int64   `json:"documents,omitempty"`
	Bytes        *int64   `json:"bytes,omitempty"`
	Units        *int64   `json:"units,omitempty"`
	RequestUnits *float64 `json:"request_units,omitempty"`
	Seconds      *float64 `json:"seconds,omitempty"`
	Notes        []string `json:"notes"`
	Error        string   `json:"error,omitempty"`
}

// DryRunJSON writes what a run would do as one object.
func DryRunJSON(out io.Writer, r runner.DryRunReport) error {
	object := struct {
		Plan  string       `json:"plan"`
		Steps []dryRunStep `json:"steps"`

		Spent map[string]float64 `json:"request_units_spent,omitempty"` // on finding this out, by connection
	}{r.Plan, []dryRunStep{}, map[string]float64{}}
	for connection, spent := range r.Spent {
		object.Spent[connection] = round(spent, 2)
	}
	for i := range r.Steps {
		s := &r.Steps[i]
		step := dryRunStep{
			Name: s.Name, Type: s.Type, Action: s.Action, Since: stampOrNone(s.Since), Notes: s.Notes, Error: s.Error,
		}
		if step.Notes == nil {
			step.Notes = []string{}
		}
		if s.Action == runner.ActionRun || s.Action == runner.ActionResume {
			step.Documents, step.Bytes, step.Units = unlessNegative(s.Documents), unlessNegative(s.Bytes), unlessNegative(s.Units)
			if s.RequestUnits >= 0 {
				rounded := round(s.RequestUnits, 0)
				step.RequestUnits = &rounded
			}
			if s.Seconds >= 0 {
				rounded := seconds(s.Seconds)
				step.Seconds = &rounded
			}
		}
		object.Steps = append(object.Steps, step)
	}
	return encoder(out).Encode(object)
}

func unlessNegative(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}
