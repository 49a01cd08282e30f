package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"vida/plans"
	"vida/state"
)

// Adjustment is tuning that holds in place of the plan's until the run ends: field to value, as a plan would have
// it. It is asked for by another process, through the control beside the state, and the run stores in the state
// what it has taken up.
type Adjustment map[string]string

func (a Adjustment) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		parts = append(parts, name+"="+a[name])
	}
	return strings.Join(parts, " ")
}

// over returns tuning as the adjustment has it.
func (a Adjustment) over(tuning plans.Tuning) (plans.Tuning, error) {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(a)) {
		var err error
		tuning, err = tuning.Adjust(name, a[name])
		errs = append(errs, err)
	}
	return tuning, errors.Join(errs...)
}

// metaAdjustment is where the state keeps the adjustment in effect.
const metaAdjustment = "adjustment"

// NotRunningError means that there is no run to adjust.
type NotRunningError struct{ Plan string }

func (e *NotRunningError) Error() string {
	return fmt.Sprintf("no run of %s is under way: change the tuning in the plan, and run it", e.Plan)
}

// Adjust asks the run under way to take up tuning, besides what it was asked before, and returns all that it is
// asked now. See [Adjusted] for what it has taken up.
func Adjust(o Options, more Adjustment) (Adjustment, error) {
	if _, err := more.over(plans.Tuning{}); err != nil {
		return nil, &UsageError{Message: err.Error()}
	}
	_, held, err := state.LockHolder(o.StateDir, o.Plan.Name)
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, &NotRunningError{Plan: o.Plan.Name}
	}
	asked, err := readAdjustment(o)
	if err != nil {
		return nil, err
	}
	all := Adjustment{}
	maps.Copy(all, asked)
	maps.Copy(all, more)
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return all, state.WriteControl(o.StateDir, o.Plan.Name, text)
}

func readAdjustment(o Options) (Adjustment, error) {
	text, err := state.ReadControl(o.StateDir, o.Plan.Name)
	if err != nil || text == nil {
		return nil, err
	}
	var a Adjustment
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("the control of %s: %w", o.Plan.Name, err)
	}
	return a, nil
}

// Adjusted returns the adjustment that the run under way has taken up.
func Adjusted(o Options) (Adjustment, error) {
	_, held, err := state.LockHolder(o.StateDir, o.Plan.Name)
	if err != nil || !held {
		return nil, err
	}
	store, err := state.OpenReadOnly(o.StateDir, o.Plan.Name)
	if errors.Is(err, state.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := store.Meta(metaAdjustment)
	if err = errors.Join(err, store.Close()); err != nil || text == "" {
		return nil, err
	}
	var a Adjustment
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, fmt.Errorf("the adjustment in effect: %w", err)
	}
	return a, nil
}

// adjustments are those of a run: what it was asked, and what of it is in effect.
type adjustments struct {
	options Options
	store   *state.Store

	mu     sync.Mutex
	text   string // of the control, when it was last looked at
	effect Adjustment
}

// begin forgets what an earlier run was asked.
func (a *adjustments) begin() error {
	return errors.Join(state.RemoveControl(a.options.StateDir, a.options.Plan.Name), a.store.SaveMeta(metaAdjustment, ""))
}

// end leaves nothing behind for the next run.
func (a *adjustments) end() error { return a.begin() }

// over returns tuning as it is in effect.
func (a *adjustments) over(tuning plans.Tuning) plans.Tuning {
	a.mu.Lock()
	defer a.mu.Unlock()
	adjusted, err := a.effect.over(tuning)
	if err != nil {
		return tuning // cannot be: only what is valid comes into effect
	}
	return adjusted
}

// look takes up what is asked, and tells whether anything changed. What cannot be read or is not valid is
// returned, once, and not taken up.
func (a *adjustments) look() (changed bool, err error) {
	text, err := state.ReadControl(a.options.StateDir, a.options.Plan.Name)
	if err != nil {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if string(text) == a.text {
		return false, nil
	}
	a.text = string(text)
	var asked Adjustment
	if len(text) > 0 {
		if err := json.Unmarshal(text, &asked); err != nil {
			return false, fmt.Errorf("the control beside the state: %w", err)
		}
	}
	if _, err := asked.over(plans.Tuning{}); err != nil {
		return false, err
	}
	if maps.Equal(asked, a.effect) {
		return false, nil
	}
	a.effect = asked
	return true, a.store.SaveMeta(metaAdjustment, string(text))
}

func (a *adjustments) inEffect() Adjustment {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.effect)
}
