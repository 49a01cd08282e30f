package ui

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"vida/runner"
)

// Reject is a document that did not arrive, or that an operator has to know of for another reason, as
// `vida status --rejects` shows it.
type Reject struct {
	Step      string          `json:"step"`
	Outcome   string          `json:"outcome"`
	Namespace string          `json:"namespace"`
	ID        json.RawMessage `json:"id"` // the _id as canonical extended JSON
	Code      int             `json:"code"`
	Message   string          `json:"message"`
}

// RejectSource calls visit for each document with one of the outcomes, for all where none is given. There may be
// millions, so that nobody keeps them.
type RejectSource func(outcomes []string, visit func(Reject) error) error

// Rows of one table: the next ones are laid out anew, under the titles again.
const rejectRows = 1000

var rejectColumns = []column{{title: "step"}, {title: "outcome"}, {title: "namespace"}, {title: "_id"}, {title: "code", right: true}, {title: "why"}}

// Rejects writes rejected documents as a table, and what else is listed. unlisted was only counted.
func Rejects(out io.Writer, source RejectSource, unlisted runner.Unlisted) error {
	text := &writer{out: out}
	var rows [][]string
	total := map[string]int64{}
	err := source(nil, func(r Reject) error {
		total[r.Outcome]++
		code := ""
		if r.Code != 0 {
			code = strconv.Itoa(r.Code)
		}
		rows = append(rows, []string{r.Step, r.Outcome, r.Namespace, Clean(string(r.ID)), code, Clean(r.Message)})
		if len(rows) == rejectRows {
			text.table(rejectColumns, rows)
			rows = rows[:0]
		}
		return text.err
	})
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		text.table(rejectColumns, rows)
	}
	if len(total) == 0 {
		text.line("no document was rejected")
		return text.err
	}
	text.line("")
	text.line("%s", rejectTotals(total))
	for _, beyond := range []struct {
		n    int64
		word string
	}{{unlisted.Conflicts, "more conflict"}, {unlisted.Differences, "more difference"}} {
		if beyond.n > 0 {
			text.line("and %s that the list has no place for", Plural(beyond.n, beyond.word))
		}
	}
	return text.err
}

func rejectTotals(total map[string]int64) string {
	parts := []string{Plural(total[runner.OutcomeRejected], "rejected document")}
	for _, group := range []struct {
		outcomes []string
		word     string
	}{{runner.Conflicts(), "conflict"}, {runner.Differences(), "difference"}} {
		var n int64
		for _, o := range group.outcomes {
			n += total[o]
		}
		if n > 0 {
			parts = append(parts, Plural(n, group.word))
		}
	}
	return strings.Join(parts, ", ")
}

// RejectsJSON writes one object: `vida status PLAN --rejects --output json`. It has the rejected documents, and
// where there are any the conflicts that the plan decided and the differences that a verification found.
func RejectsJSON(out io.Writer, plan string, source RejectSource, unlisted runner.Unlisted) error {
	text := &rejectsObject{out: out}
	text.raw(`{"plan":`)
	text.value(plan)
	for _, group := range []struct {
		name     string
		outcomes []string
		always   bool
	}{{"rejects", runner.Rejections(), true}, {"conflicts", runner.Conflicts(), false}, {"differences", runner.Differences(), false}} {
		open := `,"` + group.name + `":[`
		if group.always {
			text.raw(open)
		}
		first := true
		err := source(group.outcomes, func(r Reject) error {
			switch {
			case !first:
				text.raw(",")
			case !group.always:
				text.raw(open)
			}
			first = false
			if !json.Valid(r.ID) {
				quoted, err := json.Marshal(string(r.ID))
				if err != nil {
					return err
				}
				r.ID = quoted
			}
			text.value(r)
			return text.err
		})
		if err != nil {
			return err
		}
		if group.always || !first {
			text.raw("]")
		}
	}
	for _, beyond := range []struct {
		n    int64
		name string
	}{{unlisted.Conflicts, "conflicts_not_listed"}, {unlisted.Differences, "differences_not_listed"}} {
		if beyond.n > 0 {
			text.raw(`,"` + beyond.name + `":`)
			text.value(beyond.n)
		}
	}
	text.raw("}\n")
	return text.err
}

// rejectsObject writes JSON in pieces and keeps the first error.
type rejectsObject struct {
	out io.Writer
	err error
}

func (o *rejectsObject) raw(text string) {
	if o.err == nil {
		_, o.err = io.WriteString(o.out, text)
	}
}

func (o *rejectsObject) value(v any) {
	var text strings.Builder
	if err := encoder(&text).Encode(v); err != nil && o.err == nil {
		o.err = err
	}
	o.raw(strings.TrimSuffix(text.String(), "\n"))
}
