package cli

import (
	"math"
	"runtime"
	"runtime/debug"

	"vida/plans"
)

const (
	leastMemory = 96 << 20 // below this much the collector would work all the time
	beside      = 72 << 20 // what the collector does not know of, and by how much it overshoots

	// The collector starts when there is garbage of this part of what is live. What is live is a few batches, so that it
	// would start after every few more; memory that is counted as live and never touched makes it wait for more garbage,
	// which costs that garbage's memory and no more.
	garbagePercent = 40
	ballastBytes   = 96 << 20
)

// limitMemory makes the collector keep the whole process within about the most that a step may have in flight, until
// release is called. Documents in flight are counted twice there, once for what is being collected; nothing waits for
// the limit, but near it garbage is collected sooner. GOMEMLIMIT and GOGC, where they are set, are the operator's word.
func (a *app) limitMemory(plan *plans.Plan) (release func()) {
	limit := debug.SetMemoryLimit(-1) // which changes nothing
	if a.getenv("GOMEMLIMIT") == "" {
		most := plan.Tuning.MaxMemory
		for _, step := range plan.Steps {
			most = max(most, step.Tuning.MaxMemory)
		}
		limit = max(most-beside, leastMemory)
	}
	var ballast []byte
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
		ballast = make([]byte, ballastBytes)
		limit += min(ballastBytes, math.MaxInt64-limit)
	}
	debug.SetMemoryLimit(limit)
	return func() { runtime.KeepAlive(ballast) }
}
