package ui

import (
	"fmt"
	"strings"

	"vida/plans"
	"vida/runner"
)

// books writes what became of every document that a step has read; empty where it brings none.
func books(s *runner.StepReport) string {
	inserted := "inserted"
	switch s.Type {
	case plans.TypeCopy, plans.TypeGenerate, plans.TypeRestore:
	case plans.TypeDump:
		inserted = "written"
	default:
		return ""
	}
	if s.Counts.Read == 0 {
		return ""
	}
	var parts []string
	for _, part := range []struct {
		n    int64
		word string
	}{
		{s.Counts.Inserted, inserted}, {s.Counts.Identical, "identical"}, {s.Counts.Replaced, "replaced"},
		{s.Counts.Skipped, "skipped"}, {s.Counts.Rejected, "rejected"}, {s.Counts.Filtered, "filtered"},
	} {
		if part.n > 0 {
			parts = append(parts, Number(part.n)+" "+part.word)
		}
	}
	line := fmt.Sprintf("read %s = %s", Number(s.Counts.Read), either(strings.Join(parts, " + "), "0"))
	switch {
	case s.Unbalanced > 0 || !s.Counts.Balanced():
		return line + ": THE BOOKS DO NOT BALANCE, which is a mistake of vida; verify-content tells what is in the target"
	case s.UnitsTotal > 1:
		return line + fmt.Sprintf(", in balance for each of %s", Plural(s.UnitsTotal, "unit"))
	}
	return line
}
