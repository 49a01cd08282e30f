package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"vida/plans"
	"vida/steps"
)

// counting is a step that counts numbers: a unit is a range of them, a batch one number. It does a batch for each
// token that the test hands out.
type counting struct {
	units, size int
	tokens      chan struct{} // nil: as fast as it can

	mu      sync.Mutex
	seen    map[int]int
	running int
	most    int
}

type countingUnit struct{ From, Below int }

func (c *counting) Preview(context.Context, steps.Reader) (steps.Preview, error) {
	return steps.Preview{}, nil
}

func (c *counting) Divide(context.Context, steps.Env) ([]steps.Unit, error) {
	c.seen = map[int]int{}
	var units []steps.Unit
	for n := range c.units {
		spec, err := json.Marshal(countingUnit{n * c.size, (n + 1) * c.size})
		if err != nil {
			return nil, err
		}
		units = append(units, steps.Unit{ID: fmt.Sprintf("%05d", n), Spec: spec, Expected: int64(c.size)})
	}
	return units, nil
}

func (c *counting) Do(ctx context.Context, _ steps.Env, unit steps.Unit, task steps.Task) (steps.Result, error) {
	var work countingUnit
	if err := json.Unmarshal(unit.Spec, &work); err != nil {
		return steps.Result{}, err
	}
	if len(unit.Checkpoint) > 0 {
		if err := json.Unmarshal(unit.Checkpoint, &work.From); err != nil {
			return steps.Result{}, err
		}
	}
	c.enter(1)
	defer c.enter(-1)
	counts := unit.Counts
	for work.From < work.Below {
		if task.SplitWanted() {
			if err := split(task, unit, &work); err != nil {
				return steps.Result{}, err
			}
		}
		if c.tokens != nil {
			select {
			case <-c.tokens:
			case <-task.Stopping():
				return steps.Result{}, steps.ErrStopped
			case <-ctx.Done():
				return steps.Result{}, ctx.Err()
			}
		}
		c.mu.Lock()
		c.seen[work.From]++
		c.mu.Unlock()
		work.From++
		one := steps.Counts{Read: 1, Inserted: 1, Bytes: 1}
		task.Report(one)
		counts = counts.Plus(one)
		at, err := json.Marshal(work.From)
		if err != nil {
			return steps.Result{}, err
		}
		if err := task.Save(steps.Checkpoint{State: at, Counts: counts}); err != nil {
			return steps.Result{}, err
		}
	}
	return steps.Result{Counts: counts}, nil
}

func split(task steps.Task, unit steps.Unit, work *countingUnit) error {
	middle := (work.From + work.Below) / 2
	if middle <= work.From {
		task.Indivisible()
		return nil
	}
	shrunk, err := json.Marshal(countingUnit{work.From, middle})
	if err != nil {
		return err
	}
	born, err := json.Marshal(countingUnit{middle, work.Below})
	if err != nil {
		return err
	}
	work.Below = middle
	return task.Split(shrunk, steps.Unit{ID: fmt.Sprintf("%s~%d", strings.Split(unit.ID, "~")[0], middle), Spec: born})
}

func (c *counting) enter(by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running += by
	c.most = max(c.most, c.running)
}

func (c *counting) Finish(_ context.Context, _ steps.Env, results []steps.Result) (steps.Result, error) {
	var total steps.Result
	for _, r := range results {
		total.Counts = total.Counts.Plus(r.Counts)
	}
	return total, nil
}

// once checks that every number was counted, and none twice.
func (c *counting) once(t *testing.T) {
	t.Helper()
	for n := range c.units * c.size {
		if c.seen[n] != 1 {
			t.Fatalf("%d was counted %d times", n, c.seen[n])
		}
	}
}

// listening keeps log lines.
type listening struct {
	mu    sync.Mutex
	lines []string
}

func (l *listening) Handle(e Event) {
	if e.Type == EventLog {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, e.Message)
	}
}

func (l *listening) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.lines, "\n"), text)
}

func countingOptions(t *testing.T, c *counting, workers int) (Options, *listening) {
	log := &listening{}
	plan := &plans.Plan{Name: "counting", Steps: []*plans.Step{{
		Name: "count", Type: plans.TypeCopy, OnError: plans.OnErrorStop, Identity: map[string]string{},
		Tuning: plans.Tuning{Workers: workers, BatchDocuments: 1, BatchBytes: 1, MaxMemory: 1 << 20, PoolSize: 30},
	}}}
	return Options{
		Plan: plan, StateDir: t.TempDir(), Listener: log,
		newStep: func(string) (steps.Step, error) { return c, nil },
	}, log
}

func TestEveryUnitIsDoneOnceWhileUnitsAreShared(t *testing.T) {
	c := &counting{units: 1, size: 600} // one unit for eight workers
	o, log := countingOptions(t, c, 8)
	report, err := Run(context.Background(), o)
	if err != nil || report.Status != StatusSucceeded {
		t.Fatalf("%v, %+v", err, report)
	}
	c.once(t)
	step := report.Steps[0]
	if step.Counts.Read != 600 || step.UnitsDone != step.UnitsTotal || step.UnitsTotal < 8 {
		t.Errorf("%+v", step)
	}
	if !log.has("units shared") {
		t.Errorf("%q", log.lines)
	}
}

// Another process asks for more workers, and for fewer: units in flight make room and go on later.
func TestWorkersChangeWhileRunning(t *testing.T) {
	c := &counting{units: 12, size: 50, tokens: make(chan struct{})}
	o, log := countingOptions(t, c, 2)
	ended := make(chan error, 1)
	var report Report
	go func() {
		var err error
		report, err = Run(context.Background(), o)
		ended <- err
	}()
	running := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.running
	}
	until(t, "two at first", func() bool { return running() == 2 })
	for _, workers := range []int{7, 1, 3} {
		for range 20 {
			c.tokens <- struct{}{}
		}
		asked, err := Adjust(o, Adjustment{"workers": fmt.Sprint(workers)})
		if err != nil {
			t.Fatal(err)
		}
		until(t, fmt.Sprintf("%d at a time", workers), func() bool { return running() == workers })
		effect, err := Adjusted(o)
		if err != nil || effect.String() != asked.String() {
			t.Errorf("in effect %v, asked %v, %v", effect, asked, err)
		}
		if !log.has(fmt.Sprintf("tuning changed while running: workers=%d", workers)) {
			t.Errorf("the run did not say so: %q", log.lines)
		}
	}
	if status, err := Status(o); err != nil || status.Adjustment["workers"] != "3" {
		t.Errorf("status: %+v, %v", status.Adjustment, err)
	}
	close(c.tokens)
	if err := <-ended; err != nil || report.Status != StatusSucceeded {
		t.Fatalf("%v, %+v", err, report)
	}
	c.once(t)
	if read := report.Steps[0].Counts.Read; read != 600 {
		t.Errorf("%d counted", read)
	}
	if _, err := Adjust(o, Adjustment{"workers": "2"}); err == nil || !strings.Contains(err.Error(), "no run of counting is under way") {
		t.Errorf("after the run: %v", err)
	}
	if effect, err := Adjusted(o); err != nil || effect != nil {
		t.Errorf("after the run: %v, %v", effect, err)
	}
}

func TestAdjustRefusesWhatIsNoTuning(t *testing.T) {
	o, _ := countingOptions(t, &counting{}, 1)
	for setting, want := range map[string]string{"workers": "-1", "wrokers": "3", "max_memory": "1GiB"} {
		_, err := Adjust(o, Adjustment{setting: want})
		var refused *UsageError
		if !errors.As(err, &refused) {
			t.Errorf("%s=%s: %v", setting, want, err)
		}
	}
}

// A stop while units are parked ends the run as interrupted, and the next run goes on.
func TestAStopWhileUnitsAreParked(t *testing.T) {
	c := &counting{units: 6, size: 20, tokens: make(chan struct{})}
	o, _ := countingOptions(t, c, 4)
	stop := make(chan struct{})
	o.Stop = stop
	ended := make(chan Report, 1)
	go func() {
		report, err := Run(context.Background(), o)
		if err != nil {
			t.Error(err)
		}
		ended <- report
	}()
	for range 30 {
		c.tokens <- struct{}{}
	}
	if _, err := Adjust(o, Adjustment{"workers": "1"}); err != nil {
		t.Fatal(err)
	}
	until(t, "one at a time", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.running == 1
	})
	close(stop)
	if report := <-ended; report.Status != StatusInterrupted {
		t.Errorf("%+v", report)
	}
	o.Stop = nil
	close(c.tokens)
	report, err := Run(context.Background(), o)
	if err != nil || report.Status != StatusSucceeded || report.Steps[0].Counts.Read != 120 {
		t.Fatalf("%v, %+v", err, report)
	}
	c.once(t)
}

// until waits for what must come.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to: %s", what)
		}
	}
}
