package runner

import (
	"encoding/json"
	"fmt"
	"sync"

	"vida/endpoint"
	"vida/plans"
	"vida/steps"
)

// governors keep each connection of a plan within its budget, over all steps of a run.
type governors struct {
	mu     sync.Mutex
	byName map[string]*endpoint.Governor
}

func (g *governors) of(c *plans.Connection) *endpoint.Governor {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byName == nil {
		g.byName = map[string]*endpoint.Governor{}
	}
	if g.byName[c.Name] == nil {
		g.byName[c.Name] = endpoint.NewGovernor(endpoint.Budget(c.RequestUnits))
	}
	return g.byName[c.Name]
}

// spent is what was used of each connection that counts request units.
func (g *governors) spent() map[string]float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	spent := map[string]float64{}
	for name, governor := range g.byName {
		if units := governor.Spent(); units > 0 {
			spent[name] = units
		}
	}
	return spent
}

// used is what the step's connections took, beyond what its units count themselves.
func (e *environment) used() steps.Counts {
	var sum steps.Counts
	for _, r := range e.opened() {
		usage := r.Usage()
		sum = sum.Plus(steps.Counts{RequestUnits: usage.RequestUnits, Estimated: usage.Estimated, Throttled: usage.Throttled})
	}
	return sum
}

// perSecond is the request units a second that the step may use; 0 where unknown or without a meaning.
func (e *environment) perSecond() float64 {
	budgets := map[string]float64{} // a connection that is read and written has one
	for _, r := range e.opened() {
		budgets[r.Name()] = r.Budget()
	}
	sum := 0.0
	for _, budget := range budgets {
		sum += budget
	}
	return sum
}

// opened is every connection that was opened.
func (e *environment) opened() []*endpoint.Reader {
	list := e.readers.values()
	for _, w := range e.writers.values() {
		list = append(list, w.Reader)
	}
	return list
}

// storedUsage reads what a step took in earlier runs beyond what its units count.
func storedUsage(step string, text []byte) (steps.Counts, error) {
	var counts steps.Counts
	if len(text) == 0 {
		return counts, nil
	}
	if err := json.Unmarshal(text, &counts); err != nil {
		return counts, fmt.Errorf("step %s: its saved usage: %w", step, err)
	}
	return counts, nil
}
