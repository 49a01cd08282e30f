package runner

import "fmt"

// idling is the account of workers without a unit, by the documents that were done meanwhile: a measure of how well
// the work was divided that does not depend on how busy the machine was.
type idling struct {
	workers int   // idle now
	began   bool  // a worker was idle before
	first   int64 // documents done when the first worker ran dry
	busy    int64 // documents done when last all workers were busy again
	since   int64 // documents done when the number of idle workers last changed
	lost    int64 // documents done meanwhile, summed over the idle workers
	shared  int64 // units that were shared
}

func (i *idling) begin(documents int64) {
	i.account(documents)
	if !i.began {
		i.began, i.first = true, documents
	}
	i.workers++
}

func (i *idling) end(documents int64) {
	i.account(documents)
	i.workers--
}

// took is told that a worker has a unit again.
func (i *idling) took(documents int64) {
	if i.workers == 0 {
		i.busy = documents
	}
}

func (i *idling) account(documents int64) {
	i.lost += int64(i.workers) * (documents - i.since)
	i.since = documents
}

// tellIdling logs the account, for who looks into the speed of a step.
func (p *pool) tellIdling() {
	documents := p.meter.documents()
	i := p.idling
	if documents == 0 {
		return
	}
	first, last := documents, documents
	if i.began {
		first, last = i.first, max(i.first, i.busy)
	}
	percent := func(n int64) float64 { return 100 * float64(n) / float64(documents) }
	p.env.Log("debug", fmt.Sprintf("%d workers: the first waited for a unit after %.1f %% of %d documents, all had one until %.1f %%, idle for %.1f %% of the work; %d units shared",
		p.wanted, percent(first), documents, percent(last), percent(i.lost)/float64(max(1, p.wanted)), i.shared))
}
