package model

import "testing"

func TestTemplatesAreFull(t *testing.T) {
	for seed := range int64(30) {
		g := New(seed)
		for n := range g.templates {
			tm := &g.templates[n]
			if len(tm.vehicles) > blockVehicles || len(tm.customers) > blockCustomers {
				t.Fatalf("seed %d, template %d: %d vehicles, %d customers", seed, n, len(tm.vehicles), len(tm.customers))
			}
			next := make([]uint8, len(tm.vehicles))
			for at, s := range tm.slots {
				if s.visit != next[s.vehicle] {
					t.Fatalf("seed %d, template %d, order %d: visit %d of vehicle %d comes where %d should", seed, n, at, s.visit, s.vehicle, next[s.vehicle])
				}
				next[s.vehicle]++
			}
			fleets := 0
			for v, vehicle := range tm.vehicles {
				if next[v] != vehicle.visits || vehicle.visits < 1 || vehicle.visits > maxVisits {
					t.Fatalf("seed %d, template %d: vehicle %d has %d of %d visits", seed, n, v, next[v], vehicle.visits)
				}
			}
			for _, kind := range tm.customers {
				if kind == fleet {
					fleets++
				}
			}
			if fleets == 0 {
				t.Fatalf("seed %d, template %d has no fleet", seed, n)
			}
		}
	}
}

// A vehicle's orders are spread, so that a range of orders is not a range of vehicles.
func TestVisitsAreSpread(t *testing.T) {
	g := New(1)
	near := 0
	for i := range uint64(10_000) {
		if g.locate(i).vehicle == g.locate(i+1).vehicle {
			near++
		}
	}
	if near > 200 {
		t.Errorf("%d of 10000 orders are followed by one of the same vehicle", near)
	}
}
