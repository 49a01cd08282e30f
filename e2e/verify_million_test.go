package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const million = 1_000_000

// smallDocuments keep a million documents from taking long to send.
func smallDocuments(more ...string) []string {
	return append([]string{"--documents", fmt.Sprint(million), "--document-bytes", "200", "--id-kind", "int"}, more...)
}

var plainBuild struct {
	once sync.Once
	path string
	err  error
}

// unwatched makes the job run a vida without the race detector, which would take ten times the memory and the time.
func (j *job) unwatched() *job {
	j.t.Helper()
	if !raceDetector {
		return j
	}
	plainBuild.once.Do(func() {
		plainBuild.path = filepath.Join(filepath.Dir(vida), "vida-unwatched")
		plainBuild.err = build(plainBuild.path, "..", ".")
	})
	if plainBuild.err != nil {
		j.t.Fatal(plainBuild.err)
	}
	j.binary = plainBuild.path
	return j
}

const verifyVirtual = `
	- name: verify
	  type: verify-content
	  from: source
	  to: target
	  collections: ["${COSMOS_DB_COLLECTION}"]
`

// verifying is a job that verifies the pair's virtual collection.
func (n *nullPair) verifying(tuning, more string) (*job, string) {
	n.t.Helper()
	j, _ := n.job(tuning)
	j.unwatched()
	return j, j.planWith("verifying", "tuning: {"+tuning+"}\n", verifyVirtual+more)
}

// measured runs a plan to its end and returns its report, and the most memory that was resident.
func (j *job) measured(code int, plan string) (step finishedStep, residentMiB int64) {
	j.t.Helper()
	r := j.start("run", plan, "--output", "json", "--progress", "none")
	status := fmt.Sprintf("/proc/%d/status", r.command.Process.Pid)
	for !r.hasEnded() { // what the system tells at the end counts this process, from which it was forked
		if text, err := os.ReadFile(status); err == nil {
			if peak := residentPeak.FindSubmatch(text); peak != nil {
				residentMiB = int64(number(j.t, string(peak[1]))) >> 10
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	o := r.wait()
	if o.code != code {
		j.t.Fatalf("exit code %d, want %d\n%s%s", o.code, code, o.stdout, o.stderr)
	}
	if residentMiB == 0 {
		j.t.Fatal("the system does not tell a process's memory")
	}
	return j.report(o).step(j.t, "verify"), residentMiB
}

var residentPeak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// Each kind of difference is found in a million documents, where a batch ends as well as in the middle of one, and
// what is alike on both sides is none, however odd it is.
func TestEveryDifferenceIsFoundInAMillionDocuments(t *testing.T) {
	n := startNull(t, smallDocuments("--target-whole",
		"--source-altered", "missing=0", "--source-altered", "missing=300000", "--source-altered", "missing=999999",
		"--target-altered", "missing=1999", "--target-altered", "missing=2000", "--target-altered", "missing=700001",
		"--target-altered", "flipped-byte=123456",
		"--target-altered", "swapped-fields=1",
		"--source-altered", "one=500000", "--target-altered", "one-as-double=500000",
		"--target-altered", "nan=654321",
		"--source-altered", "zero=999998", "--target-altered", "negative-zero=999998",
		"--source-altered", "nan=42", "--target-altered", "nan=42",
		"--source-altered", "one=43", "--target-altered", "one=43",
		"--source-altered", "negative-zero=44", "--target-altered", "negative-zero=44")...)
	j, plan := n.verifying("workers: 4", "")
	step, resident := j.measured(3, plan)
	t.Logf("%d MiB resident", resident)
	want(t, "read", step.Read, million-3)
	want(t, "missing", step.Missing, 3)
	want(t, "unexpected", step.Unexpected, 3)
	want(t, "differing", step.Differing, 5)
	list := j.rejects(plan).Differences
	long := func(numbers ...int) string {
		var texts []string
		for _, n := range numbers {
			texts = append(texts, fmt.Sprintf(`{"$numberLong":"%d"}`, n))
		}
		return sorted(strings.Join(texts, " "))
	}
	for outcome, want := range map[string]string{
		"missing":    long(1999, 2000, 700001),
		"unexpected": long(0, 300000, 999999),
		"differing":  long(1, 123456, 500000, 654321, 999998),
	} {
		if got := sorted(ids(list, outcome)); got != want {
			t.Errorf("%s: %s, want %s", outcome, got, want)
		}
	}
	if s := n.stats(n.sourceURI); s.Served > million+million/100 {
		t.Errorf("%d documents of the source were read for a handful of differences", s.Served)
	}
	if s := n.stats(n.targetURI); s.Served > million+million/10 {
		t.Errorf("%d documents of the target were read for a handful of differences", s.Served)
	}
}

// However many documents differ, and whatever way, memory is bounded, each is counted, and the list is as long as it
// may be. Killed in the middle, it counts on.
func TestAMillionDifferencesAreCountedInBoundedMemory(t *testing.T) {
	const mostResidentMiB = 128 // with max_memory: 64MiB
	for name, c := range map[string]struct {
		flags []string
		count func(finishedStep) int64
	}{
		"missing":    {[]string{}, func(s finishedStep) int64 { return s.Missing }},
		"differing":  {[]string{"--target-whole", "--target-altered", "flipped-byte=all"}, func(s finishedStep) int64 { return s.Differing }},
		"unexpected": {[]string{"--target-whole", "--source-altered", "missing=all"}, func(s finishedStep) int64 { return s.Unexpected }},
	} {
		t.Run(name, func(t *testing.T) {
			reading := slow(t, "getMore", 10*time.Millisecond)
			n := startNull(t, smallDocuments(append(c.flags, "--source-faults", reading, "--target-faults", reading)...)...)
			j, plan := n.verifying("workers: 4, max_memory: 64MiB", "")
			read := func() int64 { return n.stats(n.sourceURI).Served + n.stats(n.targetURI).Served }
			if j.killWhen(func() bool { return read() > million/4 }, "run", plan, "--progress", "none") {
				t.Fatal("it ended before it was killed")
			}
			step, resident := j.measured(3, plan)
			t.Logf("%d MiB resident, %.1f s", resident, step.Seconds)
			want(t, "counted", c.count(step), million)
			want(t, "counted in all", step.Missing+step.Differing+step.Unexpected, million)
			if resident > mostResidentMiB {
				t.Errorf("%d MiB were resident, want at most %d", resident, mostResidentMiB)
			}
			o := j.mustVida(0, "status", plan, "--rejects")
			if listed := strings.Count(o.stdout, "$numberLong"); listed != 100_000 || !strings.Contains(o.stdout, "900,000 more") {
				t.Errorf("%d are listed, and what is not is not told of: %s", listed, o.stdout[max(0, len(o.stdout)-300):])
			}
		})
	}
}

// A repair of a million documents that is killed goes on, in bounded memory, and leaves nothing out.
func TestAMillionMissingDocumentsAreRepaired(t *testing.T) {
	const mostResidentMiB, workers, batch = 128, 4, 2000
	n := startNull(t, smallDocuments("--target-faults", slow(t, "insert", 10*time.Millisecond))...)
	j, plan := n.verifying("workers: 4, max_memory: 64MiB", "\t  repair: true\n")
	if j.killWhen(func() bool { return n.stats(n.targetURI).Checked > million/4 }, "run", plan, "--progress", "none") {
		t.Fatal("it ended before it was killed")
	}
	step, resident := j.measured(0, plan)
	t.Logf("%d MiB resident, %.1f s", resident, step.Seconds)
	n.whole(0)
	want(t, "read", step.Read, million)
	want(t, "repaired", step.Repaired, step.Missing)
	// What was repaired and not yet told of when it was killed is there at the second look.
	const unsaved = workers * (10_000 + 2*batch)
	if step.Missing < million-unsaved || step.Missing > million {
		t.Errorf("%d were missing, want %d but for what was under way", step.Missing, million)
	}
	if resident > mostResidentMiB {
		t.Errorf("%d MiB were resident, want at most %d", resident, mostResidentMiB)
	}
	step, _ = j.measured(0, j.planWith("again", "", verifyVirtual))
	want(t, "missing at another look", step.Missing, 0)
}

// A sample reads its part of both sides and no more, whatever it meets, and says that it is one.
func TestASampleReadsItsPartOnly(t *testing.T) {
	for name, c := range map[string]struct {
		flags []string
		code  int
	}{
		"alike":      {[]string{"--target-whole"}, 0},
		"missing":    {nil, 3},
		"differing":  {[]string{"--target-whole", "--target-altered", "nan=all"}, 3},
		"unexpected": {[]string{"--target-whole", "--source-altered", "missing=all"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			n := startNull(t, smallDocuments(c.flags...)...)
			j, plan := n.verifying("workers: 4", "\t  sample: 1%\n")
			step, _ := j.measured(c.code, plan)
			for side, uri := range map[string]string{"source": n.sourceURI, "target": n.targetURI} {
				s := n.stats(uri)
				if read := s.Served - s.Probes; read > million/100*3 { // a batch, and a second look where they differ
					t.Errorf("%d documents of the %s were read for a sample of 1 %%", read, side)
				}
			}
			if compared := step.Read + step.Unexpected; compared < million/100*8/10 || compared > million/100*12/10 {
				t.Errorf("%d documents were compared, 10000 were asked for", compared)
			}
			if !strings.Contains(step.notes(), "a sample of 1 %") {
				t.Errorf("the report does not say that it is a sample: %q", step.notes())
			}
			if o := j.mustVida(0, "status", plan); !strings.Contains(o.stdout, "a sample of 1 %") {
				t.Errorf("the summary does not say that it is a sample:\n%s", o.stdout)
			}
		})
	}
}

// Large documents, many workers and little memory: units that are out of step do not wait for each other's memory.
func TestAVerificationInLittleMemory(t *testing.T) {
	const documents, mostResidentMiB = 80, 200
	flags := []string{"--documents", fmt.Sprint(documents), "--document-bytes", fmt.Sprint(5 << 20), "--id-kind", "int", "--target-whole"}
	for n := 0; n < documents; n += 7 {
		flags = append(flags, "--source-altered", fmt.Sprintf("missing=%d", n), "--target-altered", fmt.Sprintf("missing=%d", n+1))
	}
	n := startNull(t, flags...)
	j, plan := n.verifying("workers: 16, unit_documents: 4, max_memory: 32MiB", "")
	step, resident := j.measured(3, plan)
	t.Logf("%d MiB resident, %.1f s", resident, step.Seconds)
	want(t, "missing", step.Missing, 12)
	want(t, "unexpected", step.Unexpected, 12)
	if resident > mostResidentMiB {
		t.Errorf("%d MiB were resident, want at most %d", resident, mostResidentMiB)
	}
}
