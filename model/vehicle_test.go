package model_test

import (
	"regexp"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/model"
)

func TestVehicleKeepsAllButItsMileage(t *testing.T) {
	plates := map[string]string{}
	for vin, visits := range byVehicle(t) {
		first := visits[0]
		for n, o := range visits[1:] {
			before := visits[n]
			v, customer := o.Vehicle, o.Customer.CustomerID
			if customer != first.Customer.CustomerID {
				t.Fatalf("%s belongs to %s and %s", vin, first.Customer.CustomerID, customer)
			}
			if v.Mileage <= before.Vehicle.Mileage {
				t.Fatalf("%s: %d km in %s, %d km in %s", vin, before.Vehicle.Mileage, before.OrderID, v.Mileage, o.OrderID)
			}
			v.Mileage = first.Vehicle.Mileage
			if v != first.Vehicle {
				t.Fatalf("%s is %+v and later %+v", vin, first.Vehicle, v)
			}
		}
		if other, ok := plates[first.Vehicle.LicensePlate]; ok {
			t.Fatalf("%s and %s share the plate %s", vin, other, first.Vehicle.LicensePlate)
		}
		plates[first.Vehicle.LicensePlate] = vin
		if len(visits) > 9 {
			t.Errorf("%s has %d orders", vin, len(visits))
		}
	}
}

// A plate and a VIN stand for one another over many orders and far into the numbers.
func TestPlatesAndVINsAreUnique(t *testing.T) {
	g := model.New(seed)
	vins, plates := map[string]string{}, map[string]string{}
	ids := map[string]bool{}
	var buffer []byte
	for n := range int64(200_000) {
		i := n
		if n >= 100_000 {
			i = 55_000_000 + n
		}
		buffer = g.AppendOrder(buffer[:0], i)
		order := bson.Raw(buffer)
		vin, plate := order.Lookup("vehicle", "vin").StringValue(), order.Lookup("vehicle", "license_plate").StringValue()
		if other, ok := vins[plate]; ok && other != vin {
			t.Fatalf("plate %s is on %s and %s", plate, other, vin)
		}
		if other, ok := plates[vin]; ok && other != plate {
			t.Fatalf("%s bears %s and %s", vin, other, plate)
		}
		vins[plate], plates[vin] = vin, plate
		ids[order.Lookup("_id").ObjectID().Hex()] = true
		ids[order.Lookup("order_id").StringValue()] = true
	}
	if len(ids) != 400_000 {
		t.Errorf("200000 orders have %d _ids and order_ids", len(ids))
	}
}

func TestVehicleFields(t *testing.T) {
	old := regexp.MustCompile(`^[A-HJ-PR-UW-Z]{3} \d{3}$`)
	newer := regexp.MustCompile(`^[A-HJ-PR-UW-Z]{3} \d{2}[A-HJ-NPR-UW-Z]$`)
	engines := map[string]bool{}
	for _, o := range decoded(t) {
		v := o.Vehicle
		plate := old
		if v.Year >= 2019 {
			plate = newer
		}
		if !plate.MatchString(v.LicensePlate) {
			t.Fatalf("the plate %q on a car of %d", v.LicensePlate, v.Year)
		}
		if v.Make != "Volvo" || v.Color == "" || v.Mileage <= 0 || v.Mileage > 900_000 {
			t.Fatalf("%+v", v)
		}
		engines[v.EngineType] = true
	}
	if len(engines) != 5 {
		t.Errorf("the engine types are %v", engines)
	}
}

func TestModelsWereMadeThen(t *testing.T) {
	years := map[string][2]int32{
		"V40": {2013, 2019}, "S60": {2012, 2024}, "V60": {2012, 2024}, "S80": {2012, 2016}, "V70": {2012, 2016},
		"XC70": {2012, 2016}, "XC60": {2012, 2024}, "XC90": {2016, 2024}, "S90": {2017, 2020}, "V90": {2017, 2024},
		"V90 Cross Country": {2017, 2024}, "XC40": {2018, 2024}, "XC40 Recharge": {2021, 2024}, "C40 Recharge": {2022, 2024},
		"EX30": {2024, 2024},
	}
	seen := map[string]bool{}
	for _, o := range decoded(t) {
		v := o.Vehicle
		made, ok := years[v.Model]
		if !ok || v.Year < made[0] || v.Year > made[1] {
			t.Fatalf("a %s of %d", v.Model, v.Year)
		}
		electric := v.Model == "EX30" || v.Model == "C40 Recharge" || v.Model == "XC40 Recharge"
		if electric != (v.EngineType == "electric") {
			t.Fatalf("a %s, %s", v.Model, v.EngineType)
		}
		seen[v.Model] = true
	}
	if len(seen) != len(years) {
		t.Errorf("only %d of %d models are there", len(seen), len(years))
	}
}
