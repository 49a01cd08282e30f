package model_test

import (
	"regexp"
	"strings"
	"testing"

	"vida/model"
)

func TestPartsFitTheEngine(t *testing.T) {
	// Words that a part, a service or a note of some engines never has.
	unfit := map[string][]string{
		"electric": {"spark", "oil 0W", "oil filter", "engine oil", "fuel", "exhaust", "silencer", "adblue", "glow", "timing belt",
			"particle", "starter", "air filter", "transmission oil"},
		"diesel":         {"spark", "0W-20", "high-voltage", "charging", "reduction gear"},
		"petrol":         {"glow", "adblue", "particle", "0W-30", "fuel filter", "high-voltage", "charging"},
		"mild_hybrid":    {"glow", "adblue", "particle", "0W-30", "fuel filter", "charging", "timing belt"},
		"plug_in_hybrid": {"glow", "adblue", "particle", "0W-30", "fuel filter", "support battery"},
	}
	for _, o := range decoded(t) {
		words, ok := unfit[o.Vehicle.EngineType]
		if !ok {
			t.Fatalf("%s: the engine type %q", o.OrderID, o.Vehicle.EngineType)
		}
		said := o.Notes
		for _, item := range o.ServiceItems {
			said += "\n" + item.ServiceType + "\n" + item.Description + "\n" + strings.Join(item.PartsUsed, "\n")
		}
		said = strings.ToLower(said)
		for _, word := range words {
			if strings.Contains(said, strings.ToLower(word)) {
				t.Fatalf("%s: %q has no place at a %s car:\n%s", o.OrderID, word, o.Vehicle.EngineType, said)
			}
		}
	}
}

func TestServiceItems(t *testing.T) {
	part := regexp.MustCompile(`^.+ \((\d{8})\)$`)
	partless := map[string]bool{"high_voltage_battery_check": true, "tyre_change": true, "wheel_alignment": true, "software_update": true, "pre_inspection": true}
	names := map[string]string{} // a number is one part only
	sizes := map[int]int{}
	for _, o := range decoded(t) {
		sizes[len(o.ServiceItems)]++
		seen := map[string]bool{}
		for n, item := range o.ServiceItems {
			if want := "SI-" + strings.TrimPrefix(o.OrderID, "SO-") + "-" + string(rune('1'+n)); item.ItemID != want {
				t.Fatalf("item %d of %s is %s", n, o.OrderID, item.ItemID)
			}
			if seen[item.ServiceType] || item.Description == "" || item.Quantity < 1 || item.LaborHours <= 0 {
				t.Fatalf("%s: %+v", o.OrderID, item)
			}
			seen[item.ServiceType] = true
			if partless[item.ServiceType] != (len(item.PartsUsed) == 0) {
				t.Fatalf("%s: %s uses %v", o.OrderID, item.ServiceType, item.PartsUsed)
			}
			for _, p := range item.PartsUsed {
				m := part.FindStringSubmatch(p)
				if m == nil {
					t.Fatalf("%s: the part %q", o.OrderID, p)
				}
				if other, ok := names[m[1]]; ok && other != p {
					t.Fatalf("%s and %s share a number", other, p)
				}
				names[m[1]] = p
			}
		}
		if seen["oil_change"] && (seen["annual_service"] || seen["major_service"]) || seen["front_brake_pads"] && seen["front_brake_discs"] {
			t.Fatalf("%s does the same work twice: %v", o.OrderID, seen)
		}
	}
	for n := 1; n <= 5; n++ {
		if sizes[n] == 0 {
			t.Errorf("no order has %d items", n)
		}
	}
	if len(sizes) != 5 {
		t.Errorf("orders have %v items", sizes)
	}
}

func TestNotesSayHowFarTheOrderIs(t *testing.T) {
	says := map[model.Status]string{
		model.Completed: "Work completed", model.InProgress: "work is under way",
		model.Scheduled: "time is confirmed", model.Pending: "awaits confirmation",
	}
	for _, o := range decoded(t) {
		for status, words := range says {
			if strings.Contains(o.Notes, words) != (status == o.Status) {
				t.Fatalf("%s is %s: %s", o.OrderID, o.Status, o.Notes)
			}
		}
		if strings.Contains(o.Notes, "out of warranty") == o.WarrantyInfo.Covered {
			t.Fatalf("%s: %+v, %s", o.OrderID, o.WarrantyInfo, o.Notes)
		}
	}
}
