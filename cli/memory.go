package cli

import (
	"runtime/debug"

	"vida/plans"
)

const (
	leastMemory = 96 << 20 // below this much the collector would work all the time
	beside      = 72 << 20 // what the collector does not know of, and by how much it overshoots
	// Garbage is batches, large and without pointers in them: collecting it this often costs next to nothing, and what
	// waits for it is half of what it would be.
	garbagePercent = 60
)

// limitMemory makes the collector keep the whole process within about the most that a step may have in flight.
// Documents in flight are counted twice there, once for what is being collected; nothing waits for the limit, but
// near it garbage is collected sooner. GOMEMLIMIT and GOGC, where they are set, are the operator's word.
func (a *app) limitMemory(plan *plans.Plan) {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if a.getenv("GOMEMLIMIT") != "" {
		return
	}
	most := plan.Tuning.MaxMemory
	for _, step := range plan.Steps {
		most = max(most, step.Tuning.MaxMemory)
	}
	debug.SetMemoryLimit(max(most-beside, leastMemory))
}
