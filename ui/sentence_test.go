package ui

import (
	"testing"

	"vida/runner"
)

func TestAFailureOfSeveralReasonsTellsTheFirst(t *testing.T) {
	for reasons, want := range map[string]string{
		"":                          "check failed after 1.0s",
		"the host is away":          "check failed after 1.0s: the host is away",
		"one\n":                     "check failed after 1.0s: one",
		"one\ntwo\nthree":           "check failed after 1.0s: one; and 2 more",
		"a \x1b[31mred\x1b[0m\nend": "check failed after 1.0s: a ?[31mred?[0m; and 1 more",
	} {
		step := &runner.StepReport{Name: "check", Status: runner.StatusFailed, Seconds: 1, Error: reasons}
		if got := finished(step, 0); got != want {
			t.Errorf("%q: %q", reasons, got)
		}
	}
}
