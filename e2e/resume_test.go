package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const generateAndCopy = `
	- name: generate
	  type: generate
	  to: source
	  collection: orders
	  documents: 12000
	  seed: 7
	  tuning: {batch_documents: 100, unit_documents: 3000, workers: 2}
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	  tuning: {batch_documents: 100, unit_documents: 3000, workers: 2}
	- name: verify
	  type: verify-counts
	  from: source
	  to: target
	  collections: [orders]
`

func TestFinishedStepsAreSkippedAndSaySinceWhen(t *testing.T) {
	j := newJob(t)
	plan := j.plan("finished", strings.Replace(generateAndCopy, "12000", "500", 1))
	j.mustVida(0, "run", plan)
	second := j.mustVida(0, "run", plan, "--progress", "plain")
	if text := second.stdout + second.stderr; !strings.Contains(text, time.Now().Format("2006-01-02")) {
		t.Errorf("does not say since when:\n%s", text)
	}
	want(t, "documents", count(t, j.target.Collection("orders")), 500)
}

func TestASecondRunIsRefusedAndNamesTheFirst(t *testing.T) {
	j := newJob(t)
	plan := j.plan("twice", strings.Replace(generateAndCopy, "12000", "100000", 1))
	first := j.command("run", plan, "--progress", "none")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Wait() }()
	defer func() { _ = first.Process.Kill() }()
	waitFor(t, func() bool {
		_, err := os.Stat(filepath.Join(j.dir, "state", "twice.db"))
		return err == nil
	})
	second := j.mustVida(5, "run", plan)
	if !strings.Contains(second.stderr, fmt.Sprint(first.Process.Pid)) {
		t.Errorf("does not name process %d:\n%s", first.Process.Pid, second.stderr)
	}
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited for two minutes in vain")
		}
	}
}

func TestAnEditedIdentityIsRefusedAndNamed(t *testing.T) {
	j := newJob(t)
	steps := strings.Replace(generateAndCopy, "12000", "500", 1)
	j.mustVida(0, "run", j.plan("edited", steps))
	edited := j.plan("edited", strings.Replace(steps, "seed: 7", "seed: 8", 1))
	refused := j.mustVida(4, "run", edited)
	for _, part := range []string{"generate", "seed", "7", "8", "--restart generate"} {
		if !strings.Contains(refused.stderr, part) {
			t.Errorf("does not say %q:\n%s", part, refused.stderr)
		}
	}
	// Tuning is another matter.
	j.mustVida(0, "run", j.plan("edited", strings.ReplaceAll(steps, "workers: 2", "workers: 3")))
}
