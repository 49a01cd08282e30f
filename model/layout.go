package model

// Orders come in blocks. A block's orders belong to the block's own customers and their vehicles, so that
// customer, vehicle and visit of any order follow from its number without knowing any other order. How a
// block is dealt out is one of a few templates, drawn once for a seed; which of them, and everything about
// the people and cars, differs from block to block.
const (
	blockOrders    = 1024
	blockCustomers = 256 // numbers set aside for a block; not all are used
	blockVehicles  = 256
	templates      = 16
)

type customerKind uint8

const (
	individual customerKind = iota
	corporate
	fleet
)

func (k customerKind) String() string { return [...]string{"individual", "corporate", "fleet"}[k] }

// template deals the orders of a block out to vehicles, and the vehicles to customers.
type template struct {
	slots     [blockOrders]slot
	vehicles  []vehicleSlot
	customers []customerKind
}

// slot is an order's vehicle and which of the vehicle's visits it is. A vehicle's visits are scattered over
// the block and their numbers rise with the order's.
type slot struct{ vehicle, visit uint8 }

type vehicleSlot struct {
	customer uint8
	visits   uint8 // in all
}

// place is where an order stands. The numbers are unique over all blocks.
type place struct {
	customer, vehicle uint64
	kind              customerKind
	visit, visits     int
}

func (g *Generator) locate(i uint64) place {
	block := i / blockOrders
	draw := newStream(g.seed, ofBlock, block)
	t := &g.templates[draw.below(templates)]
	s := t.slots[i%blockOrders]
	v := t.vehicles[s.vehicle]
	return place{
		customer: block*blockCustomers + uint64(v.customer),
		vehicle:  block*blockVehicles + uint64(s.vehicle),
		kind:     t.customers[v.customer],
		visit:    int(s.visit),
		visits:   int(v.visits),
	}
}

func newTemplate(draw *stream) template {
	for {
		if t := dealTemplate(draw); len(t.vehicles) <= blockVehicles {
			t.shuffle(draw)
			return t
		}
	}
}

// dealTemplate gives every block one fleet at least, and fills the block to the last order.
func dealTemplate(draw *stream) template {
	var t template
	left := blockOrders
	for left > 0 {
		kind, cars := individual, 1
		switch p := draw.below(100); {
		case len(t.customers) == 0 || p < 2:
			kind, cars = fleet, draw.between(10, 24)
		case p < 18:
			kind, cars = corporate, draw.between(2, 8)
		case p < 24:
			cars = 3
		case p < 45:
			cars = 2
		}
		if cars*maxVisits > left {
			kind, cars = individual, 1
		}
		customer := uint8(len(t.customers))
		t.customers = append(t.customers, kind)
		for range cars {
			visits := min(2+draw.below(4)+draw.below(maxVisits-4), left)
			left -= visits
			t.vehicles = append(t.vehicles, vehicleSlot{customer: customer, visits: uint8(visits)})
		}
	}
	return t
}

func (t *template) shuffle(draw *stream) {
	n := 0
	for v, vehicle := range t.vehicles {
		for range vehicle.visits {
			t.slots[n].vehicle = uint8(v)
			n++
		}
	}
	for n := len(t.slots) - 1; n > 0; n-- {
		other := draw.below(n + 1)
		t.slots[n], t.slots[other] = t.slots[other], t.slots[n]
	}
	seen := make([]uint8, len(t.vehicles))
	for n := range t.slots {
		s := &t.slots[n]
		s.visit = seen[s.vehicle]
		seen[s.vehicle]++
	}
}
