package e2e

import (
	"os"
	signals "os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

const slowCopy = `
	- name: copy
	  type: copy
	  from: source
	  to: target
	  collections: [orders]
`

// The first interrupt lets what is in flight land: with a target that takes a while for a batch, every batch that it
// was sent is in the books, and no other is begun.
func TestTheFirstInterruptLandsWhatIsInFlight(t *testing.T) {
	d := faulty(t)
	for name, signal := range map[string]os.Signal{"Ctrl-C": os.Interrupt, "SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			if sent, ok := signal.(syscall.Signal); ok && signals.Ignored(sent) {
				t.Skip("whoever started the tests ignores it, as nohup does, and vida then does so too")
			}
			j := newJob(t)
			j.through(d)
			insert(t, j.source.Collection("orders"), numbered(4000))
			d.rules("target", `rules: [{command: insert, action: delay, delay: 300ms}]`)
			defer d.rules("target", "rules: []")
			plan := j.planWith("interrupted", faultyTuning, slowCopy)
			r := j.start("run", plan, "--output", "json", "--progress", "none")
			waitFor(t, func() bool { return count(t, j.target.Collection("orders")) >= 80 })
			r.signal(signal)
			o := r.wait()
			if o.code != 130 || !strings.Contains(o.stderr, "vida run "+plan) {
				t.Fatalf("exit code %d, and to go on:\n%s", o.code, o.stderr)
			}
			report := j.report(o)
			copied := report.step(t, "copy")
			if report.Status != "interrupted" || copied.Status != "interrupted" {
				t.Errorf("%s, %s", report.Status, copied.Status)
			}
			copied.balanced(t)
			there := count(t, j.target.Collection("orders"))
			want(t, "in the books", copied.Inserted+copied.Identical, there)
			if there == 4000 {
				t.Error("all had arrived: the test proves nothing")
			}
			d.rules("target", "rules: []")
			copied = j.run(0, plan).step(t, "copy")
			copied.balanced(t)
			want(t, "read", copied.Read, 4000)
			want(t, "found identical", copied.Identical, 0) // nothing was sent twice
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
		})
	}
}

// The second interrupt does not wait for a target that does not answer; the state is sound.
func TestTheSecondInterruptStopsAtOnce(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	insert(t, j.source.Collection("orders"), numbered(1000))
	d.rules("target", `rules: [{command: insert, skip: 4, action: no-reply, applied: true}]`)
	plan := j.planWith("twice", strings.Replace(faultyTuning, "700ms", "10m", 1), slowCopy)
	r := j.start("run", plan, "--progress", "plain")
	waitFor(t, func() bool { return d.fired("target") >= 2 })
	r.signal(os.Interrupt)
	r.says("stopping: letting the batches in flight land")
	r.signal(os.Interrupt)
	if o := r.wait(); o.code != 130 || !strings.Contains(o.stdout+o.stderr, "vida run "+plan) {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	d.rules("target", "rules: []")
	copied := j.run(0, plan).step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, 1000)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// An interrupt ends every wait for a server: in back-off, for a server that is away, while planning, while counting,
// and for a reply of the source.
func TestAnInterruptEndsEveryWait(t *testing.T) {
	d := faulty(t)
	patient := strings.Replace(strings.Replace(faultyTuning, "initial: 10ms, max: 50ms", "initial: 5m, max: 10m", 1), "700ms", "10m", 1)
	cases := map[string]struct {
		source, target string
		underWay       string // of the source, once the copy is under way
		tuning         string
		waiting        func(j *job) bool
		steps          string
	}{
		"in back-off of the target": {
			target: `{command: insert, skip: 3, action: error, error: {code: 91}}`, tuning: patient,
			waiting: func(*job) bool { return d.fired("target") >= 2 },
		},
		"in back-off of the source": {
			// Which of the two reads on depends on the server.
			underWay: `{command: getMore, action: error, error: {code: 43}}, {command: find, action: error, error: {code: 11600}}`, tuning: patient,
			target:  `{command: insert, skip: 1, action: delay, delay: 500ms}`,
			waiting: func(*job) bool { return d.fired("source") >= 1 },
		},
		"for a reply of the source": {
			underWay: `{command: getMore, action: no-reply}, {command: find, action: no-reply}`, tuning: patient,
			target:  `{command: insert, skip: 1, action: delay, delay: 500ms}`,
			waiting: func(*job) bool { return d.fired("source") >= 1 },
		},
		"while planning": {
			source: `{command: listCollections, action: no-reply}`, tuning: patient,
			waiting: func(*job) bool { return d.fired("source") >= 1 },
		},
		"while planning, in back-off": {
			source: `{command: listCollections, action: error, error: {code: 11600}}`, tuning: patient,
			waiting: func(*job) bool { return d.fired("source") >= 1 },
		},
		"while saying hello": {
			target: `{command: buildInfo, action: no-reply}`, tuning: patient,
			waiting: func(*job) bool { return d.fired("target") >= 1 },
		},
		"while counting": {
			target: `{command: aggregate, action: no-reply}`, tuning: patient,
			waiting: func(*job) bool { return d.fired("target") >= 1 },
			steps: `
				- {name: copy, type: copy, from: source, to: target, collections: [orders]}
				- {name: verify, type: verify-counts, from: source, to: target, collections: [orders]}
				`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := newJob(t)
			j.through(d)
			insert(t, j.source.Collection("orders"), numbered(2000))
			d.rules("source", "rules: ["+c.source+"]")
			d.rules("target", "rules: ["+c.target+"]")
			defer d.rules("source", "rules: []")
			defer d.rules("target", "rules: []")
			steps := c.steps
			if steps == "" {
				steps = slowCopy
			}
			plan := j.planWith("waiting", c.tuning, steps)
			r := j.start("run", plan, "--output", "json", "--progress", "none")
			if c.underWay != "" {
				waitFor(t, func() bool { return count(t, j.target.Collection("orders")) >= 40 })
				d.rules("source", "rules: ["+c.underWay+"]")
			}
			waitFor(t, func() bool { return c.waiting(j) })
			r.signal(os.Interrupt)
			o := r.wait() // the waits above are of minutes
			if o.code != 130 {
				t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
			}
			if report := j.report(o); report.Status != "interrupted" {
				t.Errorf("%+v", report)
			}
			d.rules("source", "rules: []")
			d.rules("target", "rules: []")
			j.run(0, plan)
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
		})
	}
}

// A server that is down altogether does not hold an interrupt up either.
func TestAnInterruptWhileTheTargetIsDown(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	j.env = append(j.env, "MONGODB_ATLAS_CONNECTION_STRING="+d.targetURI+"?serverSelectionTimeoutMS=600000")
	insert(t, j.source.Collection("orders"), numbered(2000))
	d.rules("target", someThenSlow)
	plan := j.planWith("down", faultyTuning, slowCopy)
	r := j.start("run", plan, "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return d.fired("target") > 0 })
	d.post("target", "pause")
	time.Sleep(300 * time.Millisecond) // into the search for a server, which could take ten minutes
	r.signal(os.Interrupt)
	if o := r.wait(); o.code != 130 {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	d.post("target", "resume")
	d.rules("target", "rules: []")
	copied := j.run(0, plan).step(t, "copy")
	copied.balanced(t)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}

// Whoever reads the output may go: the run goes on, saves, and ends as it would, but for saying that its output is
// not complete.
func TestOutputThatNobodyReadsDoesNotEndARun(t *testing.T) {
	for _, flags := range [][]string{{"--output", "json"}, {"--progress", "plain"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			j := newJob(t)
			insert(t, j.source.Collection("orders"), numbered(2000))
			plan := j.planWith("pipe", faultyTuning, slowCopy)
			command := j.command(append([]string{"run", plan}, flags...)...)
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			command.Stdout, command.Stderr = write, write
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			_ = write.Close()
			_ = read.Close()
			_ = command.Wait()
			if code := command.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
			status := j.mustVida(0, "status", plan)
			if !strings.Contains(status.stdout, "succeeded") {
				t.Errorf("the state does not say that it succeeded:\n%s", status.stdout)
			}
		})
	}
}

// The operator may go on while nothing else is done: a second run finds the books as they were.
func TestInterruptedBetweenTwoStepsTheNextOneIsPending(t *testing.T) {
	j := newJob(t)
	d := faulty(t)
	j.through(d)
	insert(t, j.source.Collection("orders"), numbered(100))
	d.rules("target", `rules: [{command: insert, action: delay, delay: 2s}]`)
	plan := j.planWith("between", faultyTuning, faultyCopy)
	r := j.start("run", plan, "--output", "json", "--progress", "none")
	waitFor(t, func() bool { return d.fired("target") >= 1 })
	r.signal(os.Interrupt)
	o := r.wait()
	if o.code != 130 {
		t.Fatalf("exit code %d\n%s", o.code, o.stderr)
	}
	if step := j.report(o).step(t, "verify"); step.Status != "pending" {
		t.Errorf("%+v", step)
	}
	d.rules("target", "rules: []")
	j.run(0, plan)
}

// The source's connections end, and the operator interrupts the run in the pause before it tries again: what was not
// read is not done. Again and again, wherever it happens, the same command goes on, and nothing is missing.
func TestAnInterruptAfterABrokenReadLosesNothing(t *testing.T) {
	j := newJob(t)
	random := seed(t)
	source := newTap(t, sourceURI)
	j.env = append(j.env, "COSMOS_DB_CONNECTION_STRING="+source.uri())
	const documents = 1000
	insert(t, j.source.Collection("orders"), numbered(documents))
	// The pause is longer than the test: it is the interrupt that ends it.
	plan := j.planWith("broken", strings.Replace(faultyTuning, "initial: 10ms, max: 50ms", "initial: 5m, max: 10m", 1), faultyCopy)
	broken := 0
	for limit := 300; ; broken++ {
		if broken == limit {
			t.Fatalf("%d broken connections and no end", limit)
		}
		reached := make(chan struct{})
		at := 1 + random.Int64N(12+int64(broken))
		source.at(func(number int64, _ string) {
			if number == at {
				source.cut()
				close(reached)
			}
		})
		r := j.start("run", plan, "--output", "json", "--progress", "none")
		ended := false
		select {
		case <-r.ended:
			ended = true
		case <-reached:
			time.Sleep(time.Duration(random.Int64N(int64(3 * time.Millisecond))))
			r.signal(os.Interrupt)
		}
		o := r.wait()
		source.mend()
		if o.code == 0 {
			break
		}
		if o.code != 130 || ended {
			t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
		}
	}
	t.Logf("%d broken connections", broken)
	if broken < 10 {
		t.Errorf("only %d broken connections: the test proves little", broken)
	}
	report := j.run(0, plan)
	copied := report.step(t, "copy")
	copied.balanced(t)
	want(t, "read", copied.Read, documents)
	want(t, "compared", report.step(t, "compare").Read, documents)
	sameContents(t, j.source.Collection("orders"), j.target.Collection("orders"))
}
