package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vida/endpoint"
	"vida/plans"
	"vida/state"
	"vida/steps"
)

// Rejects that are tried again at a time, and stored with the books together.
const retryPage = 500

// retry tries a step's rejected documents again and nothing else. Every other step stays as it is, and has no say
// in how the run ends.
func (r *run) retry(ctx context.Context, index int, step *plans.Step) (goOn bool, err error) {
	saved := r.saved[step.Name]
	query := state.RejectQuery{Step: step.Name, Outcomes: steps.Rejections(), Limit: retryPage}
	page, err := r.store.Rejects(query)
	if err != nil {
		return false, err
	}
	implementation, err := r.options.step(step.Type)
	if err != nil {
		return false, err
	}
	retrier, can := implementation.(steps.Retrier)
	if len(page) == 0 || !can {
		if saved.Status == StatusSucceeded {
			r.finishEarlier(index)
		} else {
			r.untouched(index, saved)
		}
		return true, nil
	}
	t := &retrying{run: r, index: index, step: step, retrier: retrier, record: saved, begun: time.Now()}
	return t.perform(ctx, query, page)
}

// untouched reports a step that a retry leaves alone.
func (r *run) untouched(index int, saved state.Step) {
	note := "nothing was rejected"
	if saved.Status != "" && saved.Status != StatusSkipped {
		note += "; it ended earlier as " + saved.Status
	}
	r.update(index, func(s *StepReport) { s.Status, s.Error, s.Notes = StatusSkipped, "", []string{note} })
	r.emitStep(EventStepFinished, index)
}

// retrying is a step whose rejects are tried again.
type retrying struct {
	run     *run
	index   int
	step    *plans.Step
	retrier steps.Retrier
	record  state.Step
	begun   time.Time

	result  steps.Result
	units   map[string]*state.Unit
	books   map[string]steps.Result // of units, by id
	outcome map[string]int64        // of what was tried
}

func (t *retrying) perform(ctx context.Context, query state.RejectQuery, page []state.Reject) (goOn bool, err error) {
	if err := t.read(); err != nil {
		return false, err
	}
	t.run.update(t.index, func(s *StepReport) { s.Status, s.Counts, s.Notes, s.Error = StatusRunning, t.totals(), nil, "" })
	t.run.emitStep(EventStepStarted, t.index)
	env := newEnvironment(t.run, t.step)
	failure := t.pages(ctx, env, query, page)
	env.close(context.WithoutCancel(ctx))
	return t.finish(ctx, failure)
}

// read gets the books as they stand.
func (t *retrying) read() error {
	t.units, t.books, t.outcome = map[string]*state.Unit{}, map[string]steps.Result{}, map[string]int64{}
	if len(t.record.Result) > 0 {
		if err := json.Unmarshal(t.record.Result, &t.result); err != nil {
			return fmt.Errorf("step %s: its saved result: %w", t.step.Name, err)
		}
	}
	units, err := t.run.store.Units(t.step.Name)
	if err != nil {
		return err
	}
	for n := range units {
		u := &units[n]
		var book steps.Result
		text := u.Result
		if u.Done {
			err = json.Unmarshal(text, &book)
		} else if len(u.Counts) > 0 {
			err = json.Unmarshal(u.Counts, &book.Counts)
		}
		if err != nil {
			return fmt.Errorf("unit %s: its saved books: %w", u.ID, err)
		}
		t.units[u.ID], t.books[u.ID] = u, book
	}
	return nil
}

// done tells whether the step itself is.
func (t *retrying) done() bool {
	return t.record.Status == StatusSucceeded || t.record.Status == StatusDifferences
}

func (t *retrying) totals() steps.Counts {
	if t.done() {
		return t.result.Counts
	}
	var total steps.Counts
	for _, b := range t.books {
		total = total.Plus(b.Counts)
	}
	return total
}

func (t *retrying) pages(ctx context.Context, env *environment, query state.RejectQuery, page []state.Reject) error {
	for {
		rejects := make([]steps.Reject, len(page))
		for n, r := range page {
			rejects[n] = fromStored(r)
		}
		fates, usage, err := t.retrier.Retry(ctx, env, rejects, t.run.options.Stop)
		if err != nil {
			return err
		}
		if err := t.store(page, fates, usage); err != nil {
			return &stateError{err}
		}
		t.run.update(t.index, func(s *StepReport) { s.Counts = t.totals() })
		t.run.emitStep(EventProgress, t.index)
		query.After = page[len(page)-1].Row
		if page, err = t.run.store.Rejects(query); err != nil {
			return &stateError{err}
		}
		if len(page) == 0 {
			return nil
		}
		if stopped(ctx, t.run.options.Stop) {
			return steps.ErrStopped
		}
	}
}

// store moves documents in the books from rejected to what became of them, and in the list from rejects to what it
// keeps of them, all at once.
func (t *retrying) store(page []state.Reject, fates []steps.Reject, usage endpoint.Usage) error {
	var saved state.Retried
	touched := map[string]bool{}
	used := steps.Counts{RequestUnits: usage.RequestUnits, Throttled: usage.Throttled, Retries: usage.Retries}
	for n, row := range page {
		fate := fates[n]
		change := steps.Counts{}.Counted(steps.OutcomeRejected, -1).Counted(fate.Outcome, 1).Plus(used)
		used = steps.Counts{} // once for the page
		book, known := t.books[row.Unit]
		if !known {
			return fmt.Errorf("step %s: a reject of unit %s, which is not there", t.step.Name, row.Unit)
		}
		book.Counts = book.Counts.Plus(change)
		t.books[row.Unit], touched[row.Unit] = book, true
		t.result.Counts = t.result.Counts.Plus(change)
		t.outcome[fate.Outcome]++
		if fate.Outcome != steps.OutcomeRejected && fate.Message == "" {
			saved.Arrived = append(saved.Arrived, row.Row)
			continue
		}
		row.Outcome, row.Code, row.Message = fate.Outcome, fate.Code, fate.Message
		saved.Left = append(saved.Left, row)
	}
	for id := range touched {
		unit, book := t.units[id], t.books[id]
		var err error
		if unit.Counts, err = json.Marshal(book.Counts); err != nil {
			return err
		}
		if unit.Done {
			if unit.Result, err = json.Marshal(book); err != nil {
				return err
			}
		}
		saved.Units = append(saved.Units, *unit)
	}
	if t.done() {
		t.record.Status = statusOf(t.result.Counts)
		var err error
		if t.record.Result, err = json.Marshal(t.result); err != nil {
			return err
		}
	}
	saved.Status, saved.Result = t.record.Status, t.record.Result
	return t.run.store.SaveRetried(t.step.Name, saved)
}

func statusOf(counts steps.Counts) string {
	if counts.FellShort() {
		return StatusDifferences
	}
	return StatusSucceeded
}

// finish reports how the retry ended. A step that was not done before is not done now: its saved status stays.
func (t *retrying) finish(ctx context.Context, failure error) (goOn bool, err error) {
	var broken *stateError
	if errors.As(failure, &broken) {
		return false, broken.err
	}
	var notes []string
	for _, o := range []string{steps.OutcomeInserted, steps.OutcomeIdentical, steps.OutcomeReplaced, steps.OutcomeSkipped, steps.OutcomeFiltered, steps.OutcomeRejected} {
		if n := t.outcome[o]; n > 0 {
			word := o
			if o == steps.OutcomeRejected {
				word = "rejected again"
			}
			notes = append(notes, fmt.Sprintf("tried again: %d %s", n, word))
		}
	}
	status := statusOf(steps.Counts{Rejected: t.totals().Rejected})
	switch {
	case failure != nil && stopped(ctx, t.run.options.Stop):
		status, failure = StatusInterrupted, nil
	case failure != nil:
		status = StatusFailed
	case !t.done():
		notes = append(notes, "the step itself is not done: it ended earlier as "+t.record.Status+", and goes on with vida run")
	}
	t.record.Seconds += time.Since(t.begun).Seconds()
	if t.done() && failure == nil && status != StatusInterrupted {
		t.record.Finished = time.Now()
	}
	if err := t.run.store.SaveStep(t.record); err != nil {
		return false, err
	}
	t.run.saved[t.step.Name] = t.record
	t.run.update(t.index, func(s *StepReport) {
		s.Status, s.Seconds, s.Counts, s.Notes = status, t.record.Seconds, t.totals(), notes
		if failure != nil {
			s.Error = failure.Error()
		}
	})
	t.run.emitStep(EventStepFinished, t.index)
	return status != StatusInterrupted && (status != StatusFailed || t.step.OnError == plans.OnErrorContinue), nil
}
