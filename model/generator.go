package model

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxOrders is how many orders a seed has: their numbers go from 0 to MaxOrders-1.
const MaxOrders = 1 << 40

const (
	orderDigits  = 13   // of MaxOrders
	orderRoom    = 3072 // bytes; an order is rarely larger
	idEpoch      = 1_420_070_400
	counterBits  = 24
	counterMask  = 1<<counterBits - 1
	seedIDLength = 5
)

// Generator makes service orders. Order number i is a pure function of the seed and i, so that any worker can
// make any range, again and in any order. A Generator does not change once made and may be used by any number
// of goroutines at once.
//
// The tables in this package are part of that function: a change to them changes the orders of every seed.
type Generator struct {
	seed       uint64
	offset     uint64
	id         [seedIDLength]byte
	templates  [templates]template
	towns      []town
	firstNames []name
	lastNames  []name
	trades     []name
	fleets     []name
	garage     [modelYears][]*car
	jobs       jobs
	notes      notes
}

// New makes the generator of a seed. It takes about a millisecond.
func New(seed int64) *Generator {
	g := &Generator{
		seed:       mix(uint64(seed)),
		towns:      newTowns(),
		firstNames: newNames(firstNames[:]),
		lastNames:  newNames(lastNames[:]),
		trades:     newNames(trades[:]),
		fleets:     newNames(fleetNames[:]),
		garage:     newGarage(),
		jobs:       newJobs(),
		notes:      newNotes(),
	}
	draw := newStream(g.seed, ofSeed, 0)
	g.offset = draw.next()
	for n := range g.templates {
		draw := newStream(g.seed, ofTemplate, uint64(n))
		g.templates[n] = newTemplate(&draw)
	}
	// Seeds from 0 to 1<<40-1 have an id each; others share one with some seed of these.
	const mask = 1<<40 - 1
	id := mix40((uint64(seed) ^ mix(uint64(seed)>>40)) & mask)
	for n := range g.id {
		g.id[n] = byte(id >> (8 * (seedIDLength - 1 - n)))
	}
	return g
}

// OrderID is the _id of order number i, an ObjectId: a timestamp (seconds since 1970) that goes up by one every
// 1<<24 orders, five bytes of the seed's own and a counter. It rises with i, so that a range of _ids is a range of
// orders. It panics when i is not from 0 to MaxOrders-1.
func (g *Generator) OrderID(i int64) [12]byte {
	if i < 0 || i >= MaxOrders {
		panic(fmt.Sprintf("model: there is no order %d; orders go from 0 to %d", i, int64(MaxOrders-1)))
	}
	var id [12]byte
	binary.BigEndian.PutUint32(id[:], uint32(idEpoch+i>>counterBits))
	copy(id[4:], g.id[:])
	counter := uint32(i & counterMask)
	id[9], id[10], id[11] = byte(counter>>16), byte(counter>>8), byte(counter)
	return id
}

// NumberOf is the number of the order with that _id; ok is false for an _id that is not of this seed's orders.
func (g *Generator) NumberOf(id [12]byte) (i int64, ok bool) {
	i = (int64(binary.BigEndian.Uint32(id[:]))-idEpoch)<<counterBits + int64(id[9])<<16 + int64(id[10])<<8 + int64(id[11])
	return i, i >= 0 && i < MaxOrders && g.OrderID(i) == id
}

// AppendOrder appends order number i to dst as one BSON document, laid out as [ServiceOrder], and returns the
// longer slice. It allocates nothing but what dst has to grow by. It panics when i is not from 0 to MaxOrders-1.
func (g *Generator) AppendOrder(dst []byte, i int64) []byte {
	id := g.OrderID(i)
	order := uint64(i)
	at := g.locate(order)
	customer := g.customer(at.customer, at.kind)
	vehicle := g.vehicle(at)

	draw := newStream(g.seed, ofOrder, order)
	work := g.choose(vehicle.car, &draw)
	visit := vehicle.calendar.visit(at.visit, at.visits, work.hours(), &draw)
	centre := customer.centreFor(&draw)
	yearsOn := visit.day.yearsOn()
	bill := work.invoice(centre.rate(yearsOn), yearsOn)
	warranty := vehicle.warranty(visit.day)

	dst = slices.Grow(dst, orderRoom)
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendKey(dst, typeObjectID, "_id")
	dst = append(dst, id[:]...)
	dst, text := openString(dst, "order_id")
	dst = append(dst, "SO-"...)
	dst = closeString(appendDigits(dst, order, orderDigits), text)
	dst = customer.append(dst)
	dst = vehicle.append(dst, g, vehicle.mileage(visit.day, &draw))
	dst = work.append(dst, order)
	dst = visit.append(dst)
	dst = bill.append(dst)
	dst = centre.append(dst, &draw)
	dst = warranty.append(dst)
	dst = g.appendNotes(dst, vehicle.car.engine, visit.status, work.groups, &warranty, &draw)
	dst = appendDate(dst, "created_at", visit.created)
	dst = appendDate(dst, "updated_at", visit.updated)
	return closeDocument(dst, start)
}
