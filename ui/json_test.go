package ui

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"vida/plans"
	"vida/runner"
	"vida/steps"
)

func TestJSONRun(t *testing.T) {
	var out bytes.Buffer
	p := NewJSON(&out)
	pending := &runner.StepReport{Name: "verify", Type: "verify-counts", Status: runner.StatusPending}
	start := report(runner.StatusRunning, pending)
	start.Seconds = 0
	p.Handle(runner.Event{Type: runner.EventRunStarted, Time: at(0), Report: &start})
	p.Handle(event(runner.EventStepStarted, 0, &runner.StepReport{Name: "copy", Type: "copy", Status: runner.StatusRunning}))
	for i := int64(1); i <= 15; i++ {
		p.Handle(event(runner.EventProgress, float64(i)/10, copying(i*10)))
	}
	p.Handle(runner.Event{Type: runner.EventLog, Time: at(2), Level: "warn", StepName: "copy", Message: "a <b> & \x1b"})
	done := ended(copying(20000), runner.StatusDifferences, 2.12345)
	done.Counts.Inserted, done.Counts.Rejected, done.Error, done.UnitsDone = 19999, 1, "", 4
	p.Handle(event(runner.EventStepFinished, 2.5, done))
	check := ended(&runner.StepReport{Name: "check", Type: "check-connections", UnitsTotal: 2, UnitsDone: 2, Earlier: true}, runner.StatusSucceeded, 0.5)
	end := report(runner.StatusDifferences, check, done, pending)
	p.Handle(runner.Event{Type: runner.EventRunFinished, Time: at(3), Report: &end})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	const copied = `{"name":"copy","type":"copy","status":"differences","seconds":2.123,` +
		`"read":20000,"inserted":19999,"identical":0,"replaced":0,"skipped":0,"rejected":1,"filtered":0,` +
		`"bytes":20000000,"request_units":0,"throttled":0,"retries":0,"units_total":4,"units_done":4,"balanced":true,` +
		`"started":"2026-11-24T08:10:00.000Z","finished":"2026-11-24T08:10:02.123Z"}`
	want := []string{
		`{"type":"run_started","time":"2026-11-24T08:10:00.000Z","plan":"full-migration","run":"7","status":"running","seconds":0,"steps":[{"name":"verify","type":"verify-counts","status":"pending"}]}`,
		`{"type":"step_started","time":"2026-11-24T08:10:00.000Z","step":{"name":"copy","type":"copy","status":"running","seconds":0,` +
			`"read":0,"inserted":0,"identical":0,"replaced":0,"skipped":0,"rejected":0,"filtered":0,"bytes":0,"request_units":0,"throttled":0,"retries":0,"units_total":0,"units_done":0,"balanced":true,` +
			`"resumed":0,"documents_per_second":0,"bytes_per_second":0}}`,
		`{"type":"progress","time":"2026-11-24T08:10:00.100Z","step":{"name":"copy","type":"copy","status":"running","seconds":0,` +
			`"read":10,"inserted":10,"identical":0,"replaced":0,"skipped":0,"rejected":0,"filtered":0,"bytes":10000,"request_units":0,"throttled":0,"retries":0,"units_total":4,"units_done":0,"balanced":true,` +
			`"started":"2026-11-24T08:10:00.000Z","expected":20000,"resumed":0,"documents_per_second":2000,"bytes_per_second":2000000,"workers":2}}`,
		`{"type":"progress","time":"2026-11-24T08:10:01.100Z","step":{"name":"copy","type":"copy","status":"running","seconds":0,` +
			`"read":110,"inserted":110,"identical":0,"replaced":0,"skipped":0,"rejected":0,"filtered":0,"bytes":110000,"request_units":0,"throttled":0,"retries":0,"units_total":4,"units_done":0,"balanced":true,` +
			`"started":"2026-11-24T08:10:00.000Z","expected":20000,"resumed":0,"documents_per_second":2000,"bytes_per_second":2000000,"workers":2}}`,
		`{"type":"log","time":"2026-11-24T08:10:02.000Z","level":"warn","message":"a <b> & \u001b","step":{"name":"copy"}}`,
		`{"type":"step_finished","time":"2026-11-24T08:10:02.500Z","step":` + copied + `}`,
		`{"type":"run_finished","time":"2026-11-24T08:10:03.000Z","plan":"full-migration","run":"7","status":"differences","seconds":12.5,"steps":[` +
			`{"name":"check","type":"check-connections","status":"succeeded","seconds":0.5,"units_total":2,"units_done":2,"finished":"2026-11-24T08:10:00.500Z","earlier":true},` +
			copied + `,{"name":"verify","type":"verify-counts","status":"pending"}]}`,
	}
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i := range max(len(got), len(want)) {
		g, w := "(none)", "(none)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("line %d\ngot  %s\nwant %s", i+1, g, w)
		}
	}
}

// Every step type says which numbers apply to it, and a number that is not 0 is never hidden.
func TestApplicableNumbers(t *testing.T) {
	for _, stepType := range []string{
		plans.TypeCheckConnections, plans.TypeExtractIndexes, plans.TypeGenerate, plans.TypeCopy,
		plans.TypeCreateIndexes, plans.TypeVerifyCounts, plans.TypeVerifyContent, plans.TypeVerifyIndexes,
		plans.TypeDump, plans.TypeRestore,
	} {
		if applicable[stepType] == 0 {
			t.Errorf("nothing is known of %s", stepType)
		}
	}
	all := runner.StepReport{Name: "new", Type: "of-a-later-release", Status: runner.StatusSucceeded, Seconds: 1,
		Counts: steps.Counts{Read: 1, Inserted: 1, Identical: 1, Replaced: 1, Skipped: 1, Rejected: 1, Filtered: 1,
			Differing: 1, Missing: 1, Unexpected: 1, Repaired: 1, Bytes: 1, RequestUnits: 1, Throttled: 1, Retries: 1},
		UnitsTotal: 1, UnitsDone: 1, Error: "e"}
	text, err := json.Marshal(newStepObject(&all))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"name", "type", "status", "seconds", "read", "inserted", "identical", "replaced",
		"skipped", "rejected", "filtered", "differing", "missing", "unexpected", "repaired", "bytes", "request_units",
		"throttled", "retries", "units_total", "units_done", "error"} {
		if _, there := fields[name]; !there {
			t.Errorf("%s is missing", name)
		}
	}
	if len(fields) != 22 {
		t.Errorf("%d fields, want 22: %s", len(fields), text)
	}
}

// A state knows how far a step is, and not how fast it goes.
func TestStatusJSON(t *testing.T) {
	var out bytes.Buffer
	running := report(runner.StatusRunning, copying(5000))
	running.Process = 4711
	if err := ReportJSON(&out, at(1), running); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `{"type":"status","time":"2026-11-24T08:10:01.000Z","plan":"full-migration","run":"7","status":"running","seconds":12.5,"process":4711,"steps":[`+
		`{"name":"copy","type":"copy","status":"running","seconds":0,"read":5000,"inserted":5000,"identical":0,"replaced":0,"skipped":0,"rejected":0,"filtered":0,`+
		`"bytes":5000000,"request_units":0,"throttled":0,"retries":0,"units_total":4,"units_done":1,"balanced":true,"started":"2026-11-24T08:10:00.000Z"}]}`+"\n")
}
