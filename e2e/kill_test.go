package e2e

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vida/state"
)

// seed is what a test leaves to chance, printed so that it can be had again: VIDA_TEST_SEED=N.
func seed(t testing.TB) *rand.Rand {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv("VIDA_TEST_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("VIDA_TEST_SEED=%d", n)
	return rand.New(rand.NewPCG(n, 0))
}

// tapped lets the job's vida work through a tap on each side.
func (j *job) tapped() (source, target *tap) {
	toSource, toTarget := sourceURI, targetURI
	if os.Getenv("VIDA_DOCUMENTDB_RUN") != "" {
		// Gateways of the test's own: the cursors and connections that killed clients leave end with them.
		s, t := restartableSides(j.t)
		toSource, toTarget = s.uri(), t.uri()
	}
	source, target = newTap(j.t, toSource), newTap(j.t, toTarget)
	j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+source.uri(), "MONGODB_ATLAS_CONNECTION_STRING="+target.uri())
	return source, target
}

// interruptAt starts vida and calls strike at the given number of commands that it has sent through the taps, or a
// moment later. It tells whether vida ended by itself before, which is with the exit code wanted.
func (j *job) interruptAt(code int, taps []*tap, number int64, later time.Duration, strike func(*running), args ...string) (ended bool) {
	j.t.Helper()
	reached := make(chan struct{})
	var all atomic.Int64
	for _, p := range taps {
		p.at(func(int64, string) {
			if all.Add(1) == number {
				close(reached)
			}
		})
	}
	r := j.start(args...)
	select {
	case <-r.ended:
		if o := r.wait(); o.code != code {
			j.t.Fatalf("vida ended with %d, want %d:\n%s\n%s", o.code, code, o.stdout, o.stderr)
		}
		return true
	case <-reached:
	}
	time.Sleep(later)
	strike(r)
	r.signal(syscall.SIGKILL)
	<-r.ended
	return r.command.ProcessState.ExitCode() == code
}

// killedToItsEnd kills vida at some command that it sends to the target, or a moment later, until it ends by itself with
// the code wanted. most says, after so many kills, how many commands it may send at most. Fewer kills than least prove
// little.
func (j *job) killedToItsEnd(code int, target *tap, random *rand.Rand, least int, most func(kills int64) int64, args ...string) {
	j.t.Helper()
	kills := 0
	for ; !j.interruptAt(code, []*tap{target}, 1+random.Int64N(most(int64(kills))), time.Duration(random.Int64N(int64(3*time.Millisecond))),
		func(*running) {}, args...); kills++ {
		if kills == 300 {
			j.t.Fatalf("300 kills and no end:\n%s", j.mustVida(0, "status", args[1]).stdout)
		}
	}
	if j.t.Logf("%d kills", kills); kills < least {
		j.t.Errorf("only %d kills: the test proves little", kills)
	}
}

const (
	killedBatch   = 20
	killedWorkers = 2
	// Batches of a unit that may be without a checkpoint; see the steps package.
	uncoveredBatches = 4
)

// scale is n on DocumentDB, and a twentieth of it on the embedded engine, which reads a whole collection for a range.
func (j *job) scale(n int64) int64 {
	if j.embedded() {
		return n / 20
	}
	return n
}

// killedSteps has every step that reads or writes documents.
func killedSteps(documents int64) string {
	return strings.ReplaceAll(killedPlan, "8000", strconv.FormatInt(documents, 10))
}

const killedPlan = `
	- name: generate
	  type: generate
	  to: source
	  collection: orders
	  documents: 8000
	  seed: 7
	  tuning: {batch_documents: 20, unit_documents: 1500, workers: 2}
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
	  tuning: {batch_documents: 20, unit_documents: 1500, workers: 2}
	- name: verify
	  type: verify-counts
	  from: source
	  to: target
	  collections: [orders]
	- name: compare
	  type: verify-content
	  from: source
	  to: target
	  collections: [orders]
`

// Killed at any instant, a hundred times and more, the same command goes on. In the end nothing is missing,
// changed or doubled, and little was sent twice.
func TestKilledAtAnyInstantNothingIsLostAndLittleIsSentTwice(t *testing.T) {
	j := newJob(t)
	random := seed(t)
	source, target := j.tapped()
	documents := j.scale(12_000)
	plan := j.plan("killed", killedSteps(documents))
	kills, generating, copying := 0, 0, 0
	for limit := 1000; ; kills++ {
		if kills == limit {
			t.Fatalf("%d kills and no end", kills)
		}
		before := target.documents("orders")
		// Later and later, for what is begun anew after each kill, planning a comparison for one, takes some commands.
		ended := j.interruptAt(0, []*tap{source, target}, 1+random.Int64N(36+int64(kills)/4), time.Duration(random.Int64N(int64(3*time.Millisecond))),
			func(*running) {}, "run", plan, "--progress", "none")
		if ended {
			break
		}
		switch {
		case target.documents("orders") > before:
			copying++
		case target.documents("orders") == 0:
			generating++
		}
	}
	t.Logf("%d kills, %d until the first copied document, %d while documents were copied", kills, generating, copying)
	if kills < int(j.scale(100)) {
		t.Errorf("only %d kills: the test proves little", kills)
	}

	j.mustVida(0, "run", j.plan("reference", strings.ReplaceAll(strings.Split(killedSteps(documents), "\t- name: copy")[0], "orders", "reference")))
	sameContents(t, j.source.Collection("reference"), j.source.Collection("orders"))
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))

	// A kill in the generate step leaves what its workers had in flight, and so does one in the copy step.
	bound := int64(kills) * killedWorkers * uncoveredBatches * killedBatch
	for side, sent := range map[string]int64{"source": source.documents("orders"), "target": target.documents("orders")} {
		if twice := sent - documents; twice < 0 || twice > bound {
			t.Errorf("%s: %d documents were sent for %d, in %d kills", side, sent, documents, kills)
		} else {
			t.Logf("%s: %d documents sent twice, %.1f a kill", side, twice, float64(twice)/float64(kills))
		}
	}
	report := j.run(0, plan)
	for _, name := range []string{"generate", "copy"} {
		step := report.step(t, name)
		step.balanced(t)
		want(t, name, step.Read, documents)
		if step.Identical > bound {
			t.Errorf("%s: %d identical in %d kills", name, step.Identical, kills)
		}
	}
}

// The machine loses power at some instant: what is left of the state file and its log is a picture of that instant,
// with perhaps a part of the last writes. Each such remainder opens, and going on from it loses nothing.
func TestGoingOnFromWhatAPowerLossLeft(t *testing.T) {
	j := newJob(t)
	random := seed(t)
	source, target := j.tapped()
	documents := j.scale(12_000)
	plan := j.plan("power", killedSteps(documents))
	folder := filepath.Join(j.dir, "state")
	losses, cuts := 0, 0
	for limit := 200; ; losses++ {
		if losses == limit {
			t.Fatalf("%d power losses and no end", losses)
		}
		left := filepath.Join(j.dir, "left"+strconv.Itoa(losses))
		ended := j.interruptAt(0, []*tap{source, target}, 1+random.Int64N(120), time.Duration(random.Int64N(int64(4*time.Millisecond))),
			func(r *running) {
				r.signal(syscall.SIGSTOP) // else the two files would be of two instants
				stopped(t, r)
				if remains(t, random, folder, left, "power") {
					cuts++
				}
			}, "run", plan, "--progress", "none", "--state", folder)
		if ended {
			break
		}
		folder = left
		if store, err := state.OpenReadOnly(folder, "power"); err == nil {
			_, err := store.Steps()
			if err = errors.Join(err, store.Close()); err != nil {
				t.Errorf("after power loss %d: %v", losses, err)
			}
		} else if !errors.Is(err, state.ErrNone) {
			t.Errorf("after power loss %d: %v", losses, err)
		}
	}
	t.Logf("%d power losses, %d with a part of the log", losses, cuts)
	if losses < int(j.scale(20)) {
		t.Errorf("only %d power losses: the test proves little", losses)
	}
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
	want(t, "documents", count(t, j.target.Collection("orders")), documents)
}

// stopped waits until a process that was sent SIGSTOP does nothing any more.
func stopped(t testing.TB, r *running) {
	t.Helper()
	waitFor(t, func() bool {
		if r.hasEnded() {
			return true
		}
		status, err := os.ReadFile("/proc/" + strconv.Itoa(r.command.Process.Pid) + "/stat")
		if err != nil {
			t.Skip("this system does not tell of its processes in /proc")
		}
		_, after, _ := bytes.Cut(status, []byte(") "))
		return len(after) > 0 && (after[0] == 'T' || after[0] == 'Z')
	})
}

// remains makes what a power loss leaves of a state. The disk has confirmed each commit but perhaps the last one,
// which may be there in part, or torn; it tells whether it is. Which commits are confirmed cannot be seen from here,
// so the last one is torn only where it is known to be a checkpoint or what follows one: documents are sent as soon
// as the units of generate are confirmed, and losing those is what a confirmation rules out.
func remains(t testing.TB, random *rand.Rand, from, to, name string) (cut bool) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	mayTear := hasCheckpoint(t, from, name)
	for _, suffix := range []string{".db", ".db-wal"} {
		content, err := os.ReadFile(filepath.Join(from, name+suffix))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if suffix == ".db-wal" && mayTear && len(content) > 0 && random.IntN(3) > 0 {
			cut = true
			lost := random.IntN(min(len(content), 3000)) // less than a frame
			content = content[:len(content)-lost]
			if random.IntN(2) == 0 {
				content = append(content, bytes.Repeat([]byte{0x5A}, lost)...)
			}
		}
		if err := os.WriteFile(filepath.Join(to, name+suffix), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cut
}

// hasCheckpoint looks at a copy of a state: the process that it belongs to is not to notice.
func hasCheckpoint(t testing.TB, folder, name string) bool {
	t.Helper()
	copied := t.TempDir()
	for _, suffix := range []string{".db", ".db-wal"} {
		content, err := os.ReadFile(filepath.Join(folder, name+suffix))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(copied, name+suffix), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	store, err := state.OpenReadOnly(copied, name)
	if err != nil {
		return false // it is just being made
	}
	units, err := store.Units("generate")
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	checkpoints := 0
	for _, unit := range units {
		if len(unit.Checkpoint) > 0 || unit.Done {
			checkpoints++
		}
	}
	return checkpoints > 0
}
