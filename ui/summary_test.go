package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"vida/runner"
	"vida/steps"
)

var next = Commands{Again: "vida run p.yaml", Rejects: "vida status p.yaml --rejects", RetryRejects: "vida run p.yaml --retry-rejects"}

func expectText(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSummaryOfSuccess(t *testing.T) {
	check := ended(&runner.StepReport{Name: "check", Type: "check-connections", Earlier: true,
		Notes: []string{"source: Azure Cosmos DB"}}, runner.StatusSucceeded, 0.4)
	indexes := ended(&runner.StepReport{Name: "indexes", Type: "extract-indexes", Notes: []string{
		"serviceorders: 6 kept", "serviceorders: _ts_1 dropped: \x1b[2Ja TTL of the source"}}, runner.StatusSucceeded, 0.2)
	skipped := &runner.StepReport{Name: "generate", Type: "generate", Status: runner.StatusSkipped, Notes: []string{"not selected"}}
	copied := ended(copying(20000), runner.StatusSucceeded, 10)
	copied.Counts.Identical, copied.Counts.Inserted, copied.Counts.RequestUnits, copied.Counts.Throttled = 100, 19900, 200000.5, 1
	var out bytes.Buffer
	if err := Summary(&out, report(runner.StatusSucceeded, check, indexes, skipped, copied), next); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `STEP      TYPE               STATUS     DOCUMENTS      SIZE  TIME  NOTES
check     check-connections  succeeded                       0.4s  done earlier, `+moment(at(0.4))+`
indexes   extract-indexes    succeeded                       0.2s
generate  generate           skipped                               not selected
copy      copy               succeeded     20,000  19.1 MiB   10s  2,000 docs/s, 100 there already, 200,000 RU, throttled once

indexes:
  serviceorders: 6 kept
  serviceorders: _ts_1 dropped: ?[2Ja TTL of the source

full-migration succeeded after 13s, 200,000 RU in all
`)
}

func TestSummaryOfFailure(t *testing.T) {
	failed := ended(copying(5000), runner.StatusFailed, 4)
	failed.Error = "writing to target: not authorized\nask for the role readWrite"
	pending := &runner.StepReport{Name: "verify", Type: "verify-counts", Status: runner.StatusPending}
	var out bytes.Buffer
	if err := Summary(&out, report(runner.StatusFailed, failed, pending), next); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `STEP    TYPE           STATUS   DOCUMENTS     SIZE  TIME  NOTES
copy    copy           failed       5,000  4.8 MiB  4.0s  1,250 docs/s
verify  verify-counts  pending

copy:
  error: writing to target: not authorized
  error: ask for the role readWrite

full-migration failed after 13s
What is done stays done. Once the cause is mended, this goes on from there:
  vida run p.yaml
`)
}

func TestAdvice(t *testing.T) {
	interrupted := ended(copying(5000), runner.StatusInterrupted, 4)
	rejected := ended(copying(5000), runner.StatusDifferences, 4)
	rejected.Counts.Rejected, rejected.Counts.Inserted = 1, 4999
	differing := ended(&runner.StepReport{Name: "verify", Type: "verify-counts",
		Counts: steps.Counts{Missing: 3}}, runner.StatusDifferences, 1)
	indexes := ended(&runner.StepReport{Name: "verify", Type: "verify-indexes",
		Counts: steps.Counts{Missing: 1, Unexpected: 1}}, runner.StatusDifferences, 1)
	repaired := ended(&runner.StepReport{Name: "verify", Type: "verify-content",
		Counts: steps.Counts{Missing: 3, Repaired: 3}}, runner.StatusSucceeded, 1)
	for _, c := range []struct {
		name, status, want string
		step               *runner.StepReport
	}{
		{"interrupted", runner.StatusInterrupted, "full-migration was interrupted after 13s\n" +
			"What is done is saved. To go on from there:\n  vida run p.yaml\n", interrupted},
		{"rejected", runner.StatusDifferences, "full-migration finished with differences after 13s\n" +
			"1 document was rejected. To see which, and why:\n  vida status p.yaml --rejects\n" +
			"To try them again, once the cause is mended:\n  vida run p.yaml --retry-rejects\n", rejected},
		{"differing", runner.StatusDifferences, "full-migration finished with differences after 13s\n" +
			"The two sides differ. A verify-content step names the documents (vida status p.yaml --rejects), and with repair: true mends them.\n", differing},
		{"repaired", runner.StatusSucceeded, "full-migration succeeded after 13s\n", repaired},
		{"indexes", runner.StatusDifferences, "full-migration finished with differences after 13s\n" +
			"Indexes differ, as told above. A create-indexes step creates what is missing; what differs or is not wanted is yours to drop.\n", indexes},
	} {
		var out bytes.Buffer
		if err := Summary(&out, report(c.status, c.step), next); err != nil {
			t.Fatal(err)
		}
		if got := out.String()[strings.Index(out.String(), "\nfull-migration")+1:]; got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// Books that do not balance are not passed over, nor where one mistake makes up for another.
func TestBooksThatDoNotBalance(t *testing.T) {
	for what, spoil := range map[string]func(*runner.StepReport){
		"of a unit":   func(s *runner.StepReport) { s.Unbalanced = 1 },
		"of the step": func(s *runner.StepReport) { s.Counts.Inserted-- },
		"altogether":  func(s *runner.StepReport) { s.Counts.Inserted = 0 },
	} {
		step := ended(copying(5000), runner.StatusInterrupted, 4)
		spoil(step)
		var text, object bytes.Buffer
		if err := errors.Join(Status(&text, report(runner.StatusInterrupted, step), next), ReportJSON(&object, time.Now(), report(runner.StatusInterrupted, step))); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), "THE BOOKS DO NOT BALANCE") || !strings.Contains(object.String(), `"balanced":false`) {
			t.Errorf("%s:\n%s\n%s", what, &text, &object)
		}
	}
}

// Where the plan's file is not known, no command is made up.
func TestAdviceWithoutACommand(t *testing.T) {
	for _, status := range []string{runner.StatusInterrupted, runner.StatusFailed} {
		var out bytes.Buffer
		if err := Status(&out, report(status, ended(copying(5000), status, 4)), Commands{}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), "running the plan again goes on from there.\n") {
			t.Errorf("%s", &out)
		}
	}
}

func TestStatus(t *testing.T) {
	running := report(runner.StatusRunning, copying(5000))
	running.Process = 4711
	var out bytes.Buffer
	if err := Status(&out, running, next); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `full-migration is running (process 4711), started `+moment(dawn)+`, 13s

STEP  TYPE  STATUS   DOCUMENTS     SIZE  TIME  NOTES
copy  copy  running      5,000  4.8 MiB  0.0s  25% done, 1 of 4 units

books of copy: read 5,000 = 5,000 inserted, in balance for each of 4 units
`)
}

func TestHistory(t *testing.T) {
	failed := ended(copying(10), runner.StatusFailed, 4)
	failed.Counts.Rejected = 2
	var out bytes.Buffer
	err := History(&out, []runner.Report{report(runner.StatusFailed, ended(copying(1), runner.StatusSucceeded, 1), failed), {Plan: "x", Run: "1", Status: "interrupted"}})
	if err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `PLAN            RUN  STARTED              STATUS       TIME  STEPS DONE  NOTES
full-migration  7    `+dawn.Local().Format("2006-01-02 15:04:05")+`  failed        13s      1 of 2  2 rejected
x               1                         interrupted  0.0s
`)
}

func rejectsOf(list ...Reject) RejectSource {
	return func(outcomes []string, visit func(Reject) error) error {
		for _, r := range list {
			if len(outcomes) > 0 && !slices.Contains(outcomes, r.Outcome) {
				continue
			}
			if err := visit(r); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestRejects(t *testing.T) {
	list := rejectsOf(
		Reject{Step: "copy", Outcome: "rejected", Namespace: "db.orders", ID: json.RawMessage(`{"$oid":"5f"}`), Code: 10334, Message: "too\nlarge"},
		Reject{Step: "copy", Outcome: "replaced", Namespace: "db.orders", ID: json.RawMessage("7"), Message: "differed"},
		Reject{Step: "copy", Outcome: "rejected", Namespace: "db.orders", ID: json.RawMessage("not json\x1b"), Message: "conflict"},
		Reject{Step: "verify", Outcome: "missing", Namespace: "db.orders", ID: json.RawMessage("8"), Message: "gone"},
	)
	var out bytes.Buffer
	if err := Rejects(&out, list, runner.Unlisted{}); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `STEP    OUTCOME   NAMESPACE  _ID             CODE  WHY
copy    rejected  db.orders  {"$oid":"5f"}  10334  too large
copy    replaced  db.orders  7                     differed
copy    rejected  db.orders  not json?             conflict
verify  missing   db.orders  8                     gone

2 rejected documents, 1 conflict, 1 difference
`)
	out.Reset()
	if err := RejectsJSON(&out, "p", list, runner.Unlisted{}); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `{"plan":"p","rejects":[`+
		`{"step":"copy","outcome":"rejected","namespace":"db.orders","id":{"$oid":"5f"},"code":10334,"message":"too\nlarge"},`+
		`{"step":"copy","outcome":"rejected","namespace":"db.orders","id":"not json\u001b","code":0,"message":"conflict"}],`+
		`"conflicts":[{"step":"copy","outcome":"replaced","namespace":"db.orders","id":7,"code":0,"message":"differed"}],`+
		`"differences":[{"step":"verify","outcome":"missing","namespace":"db.orders","id":8,"code":0,"message":"gone"}]}`+"\n")
	out.Reset()
	if err := RejectsJSON(&out, "p", rejectsOf(), runner.Unlisted{}); err != nil {
		t.Fatal(err)
	}
	expectText(t, out.String(), `{"plan":"p","rejects":[]}`+"\n")
}

// However many there are, they are written as they come.
func TestRejectsAreNotKept(t *testing.T) {
	source := func(_ []string, visit func(Reject) error) error {
		for range 3*rejectRows + 1 {
			if err := visit(Reject{Step: "copy", Outcome: "rejected", ID: json.RawMessage("1")}); err != nil {
				return err
			}
		}
		return nil
	}
	var out bytes.Buffer
	if err := Rejects(&out, source, runner.Unlisted{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "STEP"); n != 4 {
		t.Errorf("%d tables", n)
	}
	if !strings.HasSuffix(out.String(), "\n3,001 rejected documents\n") {
		t.Errorf("ends with %q", out.String()[out.Len()-40:])
	}
	if err := Rejects(brokenPipe{}, source, runner.Unlisted{}); err == nil {
		t.Error("a write error was hidden")
	}
	if err := RejectsJSON(brokenPipe{}, "p", source, runner.Unlisted{}); err == nil {
		t.Error("a write error was hidden")
	}
}

func TestWriteErrorsOfTables(t *testing.T) {
	if err := Summary(brokenPipe{}, report(runner.StatusSucceeded, copying(1)), next); err == nil {
		t.Error("Summary hid a write error")
	}
	if err := Rejects(brokenPipe{}, rejectsOf(), runner.Unlisted{}); err == nil {
		t.Error("Rejects hid a write error")
	}
}

// The line of a failed step has the beginning of its error; the summary has all of it.
func TestAnErrorOfSeveralLines(t *testing.T) {
	failed := ended(copying(0), runner.StatusFailed, 1)
	failed.Error = "2 of 3 could not be created:\nthe first\nthe second\n"
	if line := finished(failed, 0); !strings.HasSuffix(line, ": 2 of 3 could not be created") {
		t.Error(line)
	}
	var out bytes.Buffer
	if err := Summary(&out, report(runner.StatusFailed, failed), next); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "  error: the first\n  error: the second\n") {
		t.Error(out.String())
	}
}

func TestWhatIsBeyondTheListIsSaid(t *testing.T) {
	source := func(_ []string, visit func(Reject) error) error {
		return visit(Reject{Step: "verify", Outcome: "missing", Namespace: "a.b", ID: json.RawMessage("1")})
	}
	var text, object bytes.Buffer
	if err := Rejects(&text, source, runner.Unlisted{Conflicts: 1, Differences: 7}); err != nil {
		t.Fatal(err)
	}
	if err := RejectsJSON(&object, "p", source, runner.Unlisted{Conflicts: 1, Differences: 7}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "and 1 more conflict that") || !strings.Contains(text.String(), "7 more differences") ||
		!strings.Contains(object.String(), `"conflicts_not_listed":1,"differences_not_listed":7}`) {
		t.Errorf("%s\n%s", &text, &object)
	}
}
