package steps

import (
	"fmt"
	"strings"

	"vida/endpoint/indexes"
)

// reportNotes tells what became of each index of a collection.
func reportNotes(namespace string, report indexes.Report) []string {
	var kept, more []string
	for _, e := range report.Entries {
		switch {
		case e.Index == nil && e.Verdict == indexes.Kept:
			kept = append(kept, e.Name+" (every collection has it, so it is not created)")
		case e.Verdict == indexes.Kept:
			kept = append(kept, e.Name)
		default:
			more = append(more, fmt.Sprintf("%s: %s %s: %s", namespace, e.Verdict, e.Name, strings.Join(e.Reasons, "; ")))
		}
		for _, warning := range e.Warnings {
			more = append(more, fmt.Sprintf("%s: %s: warning: %s", namespace, e.Name, warning))
		}
	}
	if len(report.LeftOut) > 0 {
		more = append(more, fmt.Sprintf("%s: left out of all: %s (each server sets its own)", namespace, strings.Join(report.LeftOut, ", ")))
	}
	if len(kept) == 0 {
		return append([]string{namespace + ": no indexes are kept"}, more...)
	}
	return append([]string{namespace + ": kept " + strings.Join(kept, ", ")}, more...)
}
