package e2e

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
)

// nullPair is a source of a virtual collection and a sink that checks what arrives, for one test.
type nullPair struct {
	t         testing.TB
	sourceURI string
	targetURI string
	dir       string
	env       []string
	variables map[string]string // all that vida-sandbox serve tells
}

// startNull starts a pair whose flags are those of vida-sandbox serve --engine null.
func startNull(t testing.TB, flags ...string) *nullPair {
	t.Helper()
	s, err := startServe(append([]string{"--engine", "null", "--cosmos=off"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	n := &nullPair{t: t, sourceURI: s.variables["VIDA_TEST_SOURCE_URI"], targetURI: s.variables["VIDA_TEST_TARGET_URI"], dir: t.TempDir(), variables: s.variables}
	n.env = os.Environ()
	for name, value := range s.variables {
		n.env = append(n.env, name+"="+value)
	}
	return n
}

// slow is a file of faults by which a command takes so much longer: a run that is to be met in the middle would be
// through before one has looked.
func slow(t testing.TB, command string, by time.Duration) string {
	t.Helper()
	return writeFile(t, t.TempDir()+"/slow.yaml", fmt.Sprintf("rules: [{command: %s, action: delay, delay: %s}]\n", command, by))
}

// job is a job of the pair's own, with a plan that copies the virtual collection.
func (n *nullPair) job(tuning string) (j *job, plan string) {
	j = &job{t: n.t, dir: n.dir, env: append(n.env, "VIDA_STATE="+n.dir+"/state")}
	return j, j.planWith("virtual", "tuning: {"+tuning+"}\n", `
		- name: copy
		  type: copy
		  from: source
		  to: target
		  collections: ["${COSMOS_DB_COLLECTION}"]
	`)
}

// nullStats is what a null server tells of itself.
type nullStats struct {
	Queries, Probes, Entries, GetMores, Served, Inserts, Checked, Wrong, Doubled, Missing, Compressed int64
}

func (n *nullPair) stats(uri string) nullStats {
	n.t.Helper()
	var s struct {
		Queries  int64 `bson:"queries"`
		Probes   int64 `bson:"probes"`
		Entries  int64 `bson:"entries"`
		GetMores int64 `bson:"getMores"`
		Served   int64 `bson:"served"`
		Inserts  int64 `bson:"inserts"`
		Checked  int64 `bson:"checked"`
		Wrong    int64 `bson:"wrong"`
		Doubled  int64 `bson:"doubled"`
		Missing  int64 `bson:"missing"`

		Compressed int64 `bson:"compressed"`
	}
	if err := connect(n.t, uri).Database("admin").RunCommand(context.Background(), bson.D{{Key: "vidaSandboxStats", Value: 1}}).Decode(&s); err != nil {
		n.t.Fatal(err)
	}
	return nullStats(s)
}

// whole checks that the sink has every document, each once and as it should be.
func (n *nullPair) whole(doubled int64) {
	n.t.Helper()
	if s := n.stats(n.targetURI); s.Missing != 0 || s.Wrong != 0 || s.Doubled > doubled {
		n.t.Errorf("what arrived is not what was sent: %+v", s)
	}
}

var idleLine = regexp.MustCompile(`(\d+) workers: the first waited for a unit after ([\d.]+) % of (\d+) documents, all had one until ([\d.]+) %, idle for ([\d.]+) % of the work; (\d+) units shared`)

// Without $sample or splitVector every worker stays busy nearly to the end, whatever the _ids are and however they
// crowd, and what planning and sharing ask for is bounded: a few index entries for each unit.
func TestWorkersStayBusyToTheEnd(t *testing.T) {
	const workers = 4
	documents, batch := int64(400_000), int64(500)
	if raceDetector { // ten times slower
		documents, batch = 160_000, 200
	}
	for _, kind := range []string{"objectid", "int", "string", "uuid"} {
		for _, skew := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, skewed %v", kind, skew), func(t *testing.T) {
				n := startNull(t, "--documents", strconv.FormatInt(documents, 10), "--document-bytes", "256", "--id-kind", kind, fmt.Sprintf("--skew=%v", skew))
				j, plan := n.job(fmt.Sprintf("workers: %d, batch_documents: %d, unit_documents: 50000", workers, batch))
				o := j.mustVida(0, "run", plan, "--log-level", "debug", "--progress", "plain")
				n.whole(0)

				match := idleLine.FindStringSubmatch(o.stdout + o.stderr)
				if match == nil {
					t.Fatalf("no account of idle workers:\n%s%s", o.stdout, o.stderr)
				}
				t.Log(match[0])
				first, until, idle := number(t, match[2]), number(t, match[4]), number(t, match[5])
				shared := int64(number(t, match[6]))
				if first < 95 {
					t.Errorf("a worker waited for a unit after %.1f %% of the documents, want 95 %%", first)
				}
				if until < 95 {
					t.Errorf("workers were without a unit for good after %.1f %% of the documents, want 95 %%", until)
				}
				if idle > 5 {
					t.Errorf("workers were idle for %.1f %% of the work, want at most 5 %%", idle)
				}
				s := n.stats(n.sourceURI)
				// 16 units are planned by at most four probes each, 256 where documents crowd, and a few for the ends;
				// sharing a unit takes three. A probe reads at most 16 entries of the index.
				most := 4*16 + 6 + 3*(shared+workers)
				if skew {
					most += 256
				}
				t.Logf("%d probes read %d entries", s.Probes, s.Entries)
				if s.Probes > most {
					t.Errorf("%d probes for %d units shared, want at most %d", s.Probes, shared, most)
				}
				if s.Entries > 16*s.Probes {
					t.Errorf("%d entries were read by %d probes", s.Entries, s.Probes)
				}
				if read := s.Served - documents; read > 2*batch*shared {
					t.Errorf("%d documents were read beyond those copied", read)
				}
			})
		}
	}
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A running copy takes up other tuning from a second process, says so, and still copies everything once.
func TestTuneWhileRunning(t *testing.T) {
	const documents = 400_000
	// Twenty seconds of it as the plan has it, two as it is tuned.
	n := startNull(t, "--documents", strconv.Itoa(documents), "--document-bytes", "256", "--target-faults", slow(t, "insert", 20*time.Millisecond))
	j, plan := n.job("workers: 1, batch_documents: 200")
	run := j.command("run", plan, "--progress", "plain")
	var output strings.Builder
	run.Stdout, run.Stderr = &output, &output
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	for deadline := time.Now().Add(time.Minute); n.stats(n.targetURI).Checked == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the run does not begin")
		}
	}
	if bad := j.vida("tune", plan, "workers=0"); bad.code != 2 || !strings.Contains(bad.stderr, "workers must be a whole number") {
		t.Errorf("%+v", bad)
	}
	if bad := j.vida("tune", plan, "max_memory=1GiB"); bad.code != 2 || !strings.Contains(bad.stderr, "change it in the plan") {
		t.Errorf("%+v", bad)
	}
	tuned := j.mustVida(0, "tune", plan, "workers=6", "batch_documents=400", "batch_bytes=2MiB")
	if !strings.Contains(tuned.stdout, "in effect: batch_bytes=2MiB batch_documents=400 workers=6") {
		t.Errorf("%+v", tuned)
	}
	if status := j.mustVida(0, "status", plan); !strings.Contains(status.stdout, "tuning changed while running: batch_bytes=2MiB batch_documents=400 workers=6") {
		t.Errorf("%s", status.stdout)
	}
	if status := j.mustVida(0, "status", plan, "-o", "json"); !strings.Contains(status.stdout, `"tuning":{"batch_bytes":"2MiB","batch_documents":"400","workers":"6"}`) {
		t.Errorf("%s", status.stdout)
	}
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, output.String())
	}
	if !strings.Contains(output.String(), "tuning changed while running: batch_bytes=2MiB batch_documents=400 workers=6") ||
		!strings.Contains(output.String(), "6 workers") {
		t.Errorf("the run does not say so:\n%s", output.String())
	}
	n.whole(0)
	if s := n.stats(n.targetURI); s.Inserts >= documents/200 {
		t.Errorf("%d inserts: batches stayed as small as they were", s.Inserts)
	}
	if after := j.vida("tune", plan, "workers=6"); after.code != 1 || !strings.Contains(after.stderr, "no run of virtual is under way") {
		t.Errorf("%+v", after)
	}
}

// Two million documents, killed half way: the rest goes on without planning anew, the state stays small, and what is
// sent twice is no more than what was in flight. make bench-large does it with 61 million.
func TestMillionsOfDocumentsKilledHalfWay(t *testing.T) {
	const documents, workers, batch = 2_000_000, 4, 1000
	n := startNull(t, "--documents", strconv.Itoa(documents), "--document-bytes", "200", "--id-kind", "string", "--skew",
		"--target-faults", slow(t, "insert", 5*time.Millisecond))
	j, plan := n.job(fmt.Sprintf("workers: %d, batch_documents: %d", workers, batch))
	if j.killWhen(func() bool { return n.stats(n.targetURI).Checked > documents/2 }, "run", plan, "--progress", "none") {
		t.Fatal("it ended before it was killed")
	}
	planned := n.stats(n.sourceURI)
	report := j.run(0, plan)
	// Sharing goes on asking for entries; planning, which asks for some at each of the 40 units, does not.
	if again := n.stats(n.sourceURI).Probes - planned.Probes; again > 400 {
		t.Errorf("%d index entries were looked up after the kill", again)
	}
	copied := report.step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, documents)
	inFlight := int64(workers * batch * 4) // the pipeline's writers, and what each may be ahead
	n.whole(inFlight)
	if copied.Identical > inFlight {
		t.Errorf("%d documents were sent twice, want at most %d", copied.Identical, inFlight)
	}
	files, err := os.ReadDir(n.dir + "/state")
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, file := range files {
		if info, err := file.Info(); err == nil {
			size += info.Size()
		}
	}
	if size > 2<<20 {
		t.Errorf("the state has %d bytes", size)
	}
}

// Compression goes both ways, asked for by the plan or by the URI, and what arrives is the same.
func TestCompression(t *testing.T) {
	const documents = 20_000
	for _, compressor := range []string{"zstd", "snappy", "zlib"} {
		for _, by := range []string{"plan", "URI"} {
			t.Run(compressor+" by the "+by, func(t *testing.T) {
				n := startNull(t, "--documents", strconv.Itoa(documents))
				tuning := "workers: 2"
				if by == "plan" {
					tuning += ", compressors: [" + compressor + "]"
				}
				j, plan := n.job(tuning)
				if by == "URI" {
					j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+n.sourceURI+"?compressors="+compressor,
						"MONGODB_ATLAS_CONNECTION_STRING="+n.targetURI+"?compressors="+compressor)
				}
				want(t, "inserted", j.run(0, plan).step(t, "copy").Inserted, documents)
				n.whole(0)
				source, target := n.stats(n.sourceURI), n.stats(n.targetURI)
				if source.Compressed < source.GetMores || target.Compressed < target.Inserts {
					t.Errorf("not compressed: source %+v, target %+v", source, target)
				}
			})
		}
	}
	n := startNull(t, "--documents", "1000")
	j, plan := n.job("workers: 1")
	j.run(0, plan)
	want(t, "compressed without being asked", n.stats(n.sourceURI).Compressed+n.stats(n.targetURI).Compressed, 0)
}
