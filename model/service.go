package model

import (
	"slices"
	"strconv"
)

// maxItems is the most lines an order has.
const maxItems = 5

// job is a service for one engine on one platform, with what of its BSON is the same in every order.
type job struct {
	*service
	head []byte // service_type and description
	tail []byte // parts_used
}

// jobs are those of each engine and platform.
type jobs [len(engines)][platforms][]job

func newJobs() jobs {
	var all jobs
	for e, engine := range engines {
		for p := range platforms {
			for n := range catalogue {
				s := &catalogue[n]
				if s.engines&engine != 0 {
					all[e][p] = append(all[e][p], newJob(s, engine, p))
				}
			}
		}
	}
	return all
}

func newJob(s *service, e engine, p platform) job {
	head := appendString(nil, "service_type", s.kind)
	head = appendString(head, "description", s.description)
	tail, parts := openDocument(nil, typeArray, "parts_used")
	n := 0
	for _, part := range s.parts {
		if part.engines&e != 0 {
			tail = appendString(tail, strconv.Itoa(n), part.name+" ("+strconv.Itoa(partNumber(part, p))+")")
			n++
		}
	}
	return job{service: s, head: slices.Clip(head), tail: slices.Clip(closeDocument(tail, parts))}
}

// partNumber keeps a number apart from those of every other part and platform: the numbers in the catalogue are
// all below 40 million.
func partNumber(p part, on platform) int { return p.number + int(on)*20_000_000 }

// line is one item of an order. Money is in öre without VAT, hours in tenths.
type line struct {
	*job
	quantity     int
	unit         int
	hours, labor int // of the whole quantity
}

// work is what is done in an order.
type work struct {
	lines  [maxItems]line
	n      int
	groups groupSet
}

// choose picks one to five services, no two of the same group.
func (g *Generator) choose(car *car, draw *stream) work {
	jobs := g.jobs[car.engine.index()][car.platform]
	w := work{n: [...]int{1, 1, 1, 1, 2, 2, 2, 3, 4, 5}[draw.below(10)]}
	for n := range w.n {
		at := draw.below(len(jobs))
		for w.groups.has(jobs[at].group) {
			at = (at + 1) % len(jobs)
		}
		j := &jobs[at]
		w.groups |= 1 << j.group
		quantity := draw.between(j.low, j.high)
		w.lines[n] = line{job: j, quantity: quantity, hours: quantity * j.hours}
	}
	return w
}

// groupSet is the groups of some services.
type groupSet uint64

func (s groupSet) has(group uint8) bool { return s>>group&1 == 1 }

// hours is the labour of all lines, in tenths.
func (w *work) hours() int {
	sum := 0
	for n := range w.n {
		sum += w.lines[n].hours
	}
	return sum
}

func (w *work) append(dst []byte, order uint64) []byte {
	dst, items := openDocument(dst, typeArray, "service_items")
	for n := range w.n {
		l := &w.lines[n]
		dst = append(dst, typeDocument, byte('0'+n), 0, 0, 0, 0, 0)
		item := len(dst) - 4
		var text int
		dst, text = openString(dst, "item_id")
		dst = append(dst, "SI-"...)
		dst = appendDigits(dst, order, orderDigits)
		dst = closeString(append(dst, '-', byte('1'+n)), text)
		dst = append(dst, l.head...)
		dst = appendInt32(dst, "quantity", l.quantity)
		dst = appendDouble(dst, "unit_price", kronor(l.unit))
		dst = appendDouble(dst, "total_price", kronor(l.unit*l.quantity))
		dst = appendDouble(dst, "labor_hours", float64(l.hours)/10)
		dst = append(dst, l.tail...)
		dst = closeDocument(dst, item)
	}
	return closeDocument(dst, items)
}
