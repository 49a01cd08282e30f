package model_test

import "testing"

func TestWarrantyFollowsFromAge(t *testing.T) {
	years := map[string]int{"factory": 3, "extended": 5, "battery": 8}
	seen := map[string]int{}
	for _, o := range decoded(t) {
		w := o.WarrantyInfo
		seen[w.WarrantyType]++
		if w.Covered != o.ServiceDate.Before(w.ExpiryDate) || w.Covered != (w.WarrantyType != "none") {
			t.Fatalf("%s on %s: %+v", o.OrderID, o.ServiceDate, w)
		}
		lasted := w.ExpiryDate.Year() - int(o.Vehicle.Year)
		if w.Covered && lasted != years[w.WarrantyType] || lasted != 3 && lasted != 5 && lasted != 8 {
			t.Fatalf("%s: a car of %d has %+v", o.OrderID, o.Vehicle.Year, w)
		}
		if w.WarrantyType == "battery" && o.Vehicle.EngineType != "electric" && o.Vehicle.EngineType != "plug_in_hybrid" {
			t.Fatalf("%s: the battery of a %s car is covered", o.OrderID, o.Vehicle.EngineType)
		}
	}
	if len(seen) != 4 {
		t.Errorf("the warranties are %v", seen)
	}
	// Once a kind has ended for a vehicle it never comes back.
	rank := map[string]int{"factory": 0, "extended": 1, "battery": 2, "none": 3}
	for vin, visits := range byVehicle(t) {
		for n, o := range visits[1:] {
			if rank[o.WarrantyInfo.WarrantyType] < rank[visits[n].WarrantyInfo.WarrantyType] {
				t.Fatalf("%s is covered again in %s", vin, o.OrderID)
			}
		}
	}
}
