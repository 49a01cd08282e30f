package model_test

import (
	"math"
	"strconv"
	"testing"
)

// ore reads an amount as a person would, digits and two decimals, and fails when it has more.
func ore(t *testing.T, kronor float64) int64 {
	t.Helper()
	text := strconv.FormatFloat(kronor, 'f', 2, 64)
	if again, _ := strconv.ParseFloat(text, 64); again != kronor {
		t.Fatalf("%v is not the double of an amount in öre", kronor)
	}
	return int64(math.Round(kronor * 100))
}

func TestMoneyAddsUp(t *testing.T) {
	for _, o := range decoded(t) {
		var lines int64
		hours := 0.0
		for _, item := range o.ServiceItems {
			if ore(t, item.TotalPrice) != int64(item.Quantity)*ore(t, item.UnitPrice) {
				t.Fatalf("%s: %+v", o.OrderID, item)
			}
			lines += ore(t, item.TotalPrice)
			hours += item.LaborHours
		}
		labor, parts, tax, total := ore(t, o.LaborCost), ore(t, o.PartsCost), ore(t, o.TaxAmount), ore(t, o.TotalAmount)
		if labor+parts != lines {
			t.Fatalf("%s: labour %d and parts %d, lines %d", o.OrderID, labor, parts, lines)
		}
		if want := int64(math.Floor(float64(lines)*0.25 + 0.5)); tax != want {
			t.Fatalf("%s: the tax of %d is %d, not %d", o.OrderID, lines, want, tax)
		}
		if total != lines+tax || total <= 0 || labor <= 0 || parts < 0 {
			t.Fatalf("%s: %d + %d = %d", o.OrderID, lines, tax, total)
		}
		// labour is hours at one rate of the centre, in whole tens of öre
		rate := float64(labor) / hours
		if whole := math.Round(rate/10) * 10; math.Abs(rate-whole) > 1e-3 || rate < 100_000 || rate > 200_000 {
			t.Fatalf("%s: %v hours cost %d öre, %v an hour", o.OrderID, hours, labor, rate)
		}
	}
}

// A centre has one price an hour in a year.
func TestRateIsTheCentres(t *testing.T) {
	rates := map[string]float64{}
	for _, o := range decoded(t) {
		hours := 0.0
		for _, item := range o.ServiceItems {
			hours += item.LaborHours
		}
		years := int(o.ServiceDate.Unix()/86400-16_440) / 365
		key := o.ServiceCenterID + " " + strconv.Itoa(years)
		rate := math.Round(o.LaborCost*100/hours/10) * 10
		if other, ok := rates[key]; ok && other != rate {
			t.Fatalf("%s: an hour at %s costs %v and %v öre", o.OrderID, key, other, rate)
		}
		rates[key] = rate
	}
}
