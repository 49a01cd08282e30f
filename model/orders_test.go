package model_test

import (
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"vida/model"
)

// seed is that of all tests, whole is a number of orders that ends with a block, so that every vehicle is there
// with all of its visits.
const (
	seed  = 1
	whole = 24 * 1024
)

// orders are the first of the seed, decoded once for all tests.
var orders = sync.OnceValues(func() ([]model.ServiceOrder, error) {
	g := model.New(seed)
	all := make([]model.ServiceOrder, whole)
	var buffer []byte
	for i := range all {
		buffer = g.AppendOrder(buffer[:0], int64(i))
		if err := bson.Unmarshal(buffer, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func decoded(t *testing.T) []model.ServiceOrder {
	t.Helper()
	all, err := orders()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// byVehicle has the orders of each vehicle as they are numbered.
func byVehicle(t *testing.T) map[string][]model.ServiceOrder {
	t.Helper()
	vehicles := map[string][]model.ServiceOrder{}
	for _, o := range decoded(t) {
		vehicles[o.Vehicle.VIN] = append(vehicles[o.Vehicle.VIN], o)
	}
	return vehicles
}
