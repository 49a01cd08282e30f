package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vida/runner"
)

// idlePlan has nothing to do, so that the real runner can run it without a server.
var idlePlan = strings.ReplaceAll(goodPlan, "    from: source\n", "    when: 1 > 2\n    from: source\n")

// newRealSession is a session with the runner itself, and an idle plan.
func newRealSession(t *testing.T, args ...string) *session {
	t.Helper()
	s := newSession(t, args...)
	s.run = runner.Run
	if err := os.WriteFile("idle.yaml", []byte(idlePlan), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// next is another command line in the same directory.
func (s *session) next(args ...string) *session {
	another := *s
	copied := *s.app
	copied.args = append([]string{"vida"}, args...)
	another.app, another.stdout, another.stderr = &copied, &buffer{}, &buffer{}
	copied.stdout, copied.stderr = another.stdout, another.stderr
	return &another
}

func TestFromRunToReset(t *testing.T) {
	s := newRealSession(t, "run", "idle.yaml")
	s.expect(t, 0, "rehearsal succeeded after", "copy skipped: when: 1 > 2")
	for _, args := range []string{
		"status idle.yaml", "status", "status rehearsal",
		// Another terminal has other variables: the name in the file is enough.
		"status unset.yaml",
	} {
		s.next(strings.Fields(args)...).expect(t, 0, "rehearsal succeeded", "")
	}
	one := s.next("status", "idle.yaml", "-o", "json")
	one.expect(t, 0, `"type":"status"`, "")
	var object struct {
		Plan, Status string
		Steps        []struct{ Name, Type, Status string }
	}
	if err := json.Unmarshal([]byte(one.stdout.String()), &object); err != nil || object.Plan != "rehearsal" || len(object.Steps) != 2 {
		t.Errorf("%v: %s", err, one.stdout)
	}
	s.next("history").expect(t, 0, "rehearsal", "")
	s.next("history", "idle.yaml", "-o", "json").expect(t, 0, `"status":"succeeded"`, "")
	s.next("status", "idle.yaml", "--rejects").expect(t, 0, "no document was rejected\n", "")
	s.next("status", "idle.yaml", "--rejects", "-o", "json").expect(t, 0, `{"plan":"rehearsal","rejects":[]}`, "")
	s.next("reset", "idle.yaml", "copy", "--yes").expect(t, 0, "dropped the progress of copy in rehearsal\n", "")
	s.next("reset", "idle.yaml", "--yes").expect(t, 0, "dropped all progress of rehearsal\n", "")
}

func TestResetAnswersYes(t *testing.T) {
	s := newRealSession(t, "run", "idle.yaml")
	s.expect(t, 0, "succeeded", "rehearsal")
	again := s.next("reset", "idle.yaml")
	again.stdin = strings.NewReader("Yes\n")
	again.terminals[again.stdin] = true
	again.expect(t, 0, "dropped all progress of rehearsal\n", "[y/N]")
}

func TestUnknownSteps(t *testing.T) {
	s := newRealSession(t)
	for _, flag := range []string{"--only", "--from", "--restart"} {
		s.next("run", "idle.yaml", flag, "nosuch").expect(t, 2, "", `no step "nosuch"`)
		s.next("run", "idle.yaml", "--dry-run", flag, "nosuch").expect(t, 2, "", `no step "nosuch"`)
	}
}

func TestDryRunLeavesNothing(t *testing.T) {
	s := newRealSession(t, "run", "idle.yaml", "--dry-run")
	s.expect(t, 0, "a dry run: nothing is written", "")
	one := s.next("run", "idle.yaml", "--dry-run", "-o", "json")
	one.expect(t, 0, `"action":"skip"`, "")
	var object struct {
		Plan  string
		Steps []struct{ Name, Action string }
	}
	if err := json.Unmarshal([]byte(one.stdout.String()), &object); err != nil || len(object.Steps) != 2 {
		t.Errorf("%v: %s", err, one.stdout)
	}
	if _, err := os.Stat(".vida"); !os.IsNotExist(err) {
		t.Errorf("a dry run made a state: %v", err)
	}
}

func TestAnotherRunIsUnderWay(t *testing.T) {
	s := newRealSession(t, "run", "idle.yaml")
	s.expect(t, 0, "succeeded", "rehearsal")
	lock, err := os.OpenFile(filepath.Join(".vida", "rehearsal.lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(lock, 4711); err != nil {
		t.Fatal(err)
	}
	s.next("run", "idle.yaml").expect(t, 5, "", "process 4711 (see vida status idle.yaml)\n")
	s.next("reset", "idle.yaml", "--yes").expect(t, 5, "", "process 4711")
	s.next("status", "idle.yaml").expect(t, 0, "rehearsal is running (process 4711)", "")
}

func TestStateThatIsNone(t *testing.T) {
	s := newRealSession(t)
	if err := os.MkdirAll(".vida", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(".vida", "rehearsal.db"), []byte("this is no database at all, however long it may be"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.next("run", "idle.yaml").expect(t, 1, "", "vida: ")
	s.next("status", "idle.yaml").expect(t, 1, "", "vida: ")
	s.next("status", "../rehearsal").expect(t, 2, "", "there is no plan file ../rehearsal")
}

// One state that cannot be read does not hide the others.
func TestStatusOfAllStatesWithABrokenOne(t *testing.T) {
	s := newRealSession(t, "run", "idle.yaml")
	s.expect(t, 0, "succeeded", "rehearsal")
	if err := os.WriteFile(filepath.Join(".vida", "broken.db"), []byte("this is no database at all, however long it may be"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"status", "history"} {
		one := s.next(command)
		one.expect(t, 1, "rehearsal", "broken.db")
		if text := one.stderr.String(); strings.Count(text, "\n") != 1 {
			t.Errorf("not one line: %s", text)
		}
	}
}
