package model_test

import (
	"testing"
	"time"

	"vida/model"
)

func TestVisitsFollowOneAnother(t *testing.T) {
	for vin, visits := range byVehicle(t) {
		for n, o := range visits[1:] {
			before := visits[n]
			if before.Status != model.Completed {
				t.Fatalf("%s: %s is %s though %s came later", vin, before.OrderID, before.Status, o.OrderID)
			}
			if !o.OrderDate.After(*before.CompletionDate) || !o.OrderDate.After(before.UpdatedAt) {
				t.Fatalf("%s: %s was made %s, %s was completed %s and last changed %s", vin, o.OrderID, o.OrderDate,
					before.OrderID, before.CompletionDate, before.UpdatedAt)
			}
		}
	}
}

func TestDatesAgreeWithStatus(t *testing.T) {
	from := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	statuses := map[model.Status]int{}
	for _, o := range decoded(t) {
		statuses[o.Status]++
		wrong := ""
		done := o.CompletionDate != nil
		switch {
		case o.OrderDate.Before(from) || !o.ServiceDate.Before(until):
			wrong = "is outside 2015 to 2025"
		case !o.ServiceDate.After(o.OrderDate):
			wrong = "was served before it was made"
		case o.ServiceDate.Weekday() == time.Saturday || o.ServiceDate.Weekday() == time.Sunday:
			wrong = "is served on a weekend"
		case o.OrderDate.Year() < int(o.Vehicle.Year):
			wrong = "is older than the car"
		case o.CreatedAt.Before(o.OrderDate) || o.UpdatedAt.Before(o.CreatedAt) || !o.UpdatedAt.Before(model.Snapshot()):
			wrong = "was created or updated out of turn"
		case done != (o.Status == model.Completed):
			wrong = "has or lacks a completion date"
		case done && (!o.CompletionDate.After(o.ServiceDate) || o.UpdatedAt.Before(*o.CompletionDate)):
			wrong = "was completed out of turn"
		case done && (o.CompletionDate.Weekday() == time.Saturday || o.CompletionDate.Weekday() == time.Sunday):
			wrong = "was completed on a weekend"
		case o.Status == model.InProgress && (!o.ServiceDate.Before(model.Snapshot()) || !o.UpdatedAt.After(o.ServiceDate)):
			wrong = "is in progress before its service"
		case (o.Status == model.Scheduled || o.Status == model.Pending) && !o.ServiceDate.After(model.Snapshot()):
			wrong = "awaits a day that has passed"
		}
		if done && o.CompletionDate.Sub(o.ServiceDate).Hours() < hours(o) {
			wrong = "was completed faster than the labour takes"
		}
		if wrong != "" {
			t.Fatalf("%s %s: %+v", o.OrderID, wrong, o)
		}
	}
	for _, s := range []model.Status{model.Completed, model.InProgress, model.Scheduled, model.Pending} {
		if statuses[s] < whole/200 {
			t.Errorf("only %d of %d orders are %s", statuses[s], whole, s)
		}
	}
}

func hours(o model.ServiceOrder) float64 {
	sum := 0.0
	for _, item := range o.ServiceItems {
		sum += item.LaborHours
	}
	if sum > 4 { // goes on over a night
		return 0
	}
	return sum - 1e-9
}
