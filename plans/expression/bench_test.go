package expression

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// serviceOrder is a document of about 1.9 kB, the fields of a filter in its second half as they are in an order.
func serviceOrder(tb testing.TB) bson.Raw {
	items := bson.A{}
	for range 5 {
		items = append(items, bson.D{{Key: "item_id", Value: "ITEM-0000001"}, {Key: "service_type", Value: "maintenance"}, {Key: "description", Value: "Oil and filter change"},
			{Key: "quantity", Value: int32(1)}, {Key: "unit_price", Value: 1250.5}, {Key: "total_price", Value: 1250.5}, {Key: "labor_hours", Value: 1.5}, {Key: "parts_used", Value: bson.A{"31372212", "30757654"}}})
	}
	return raw(tb, bson.D{
		{Key: "_id", Value: primitive.NewObjectID()}, {Key: "order_id", Value: "SO-00000001"},
		{Key: "customer", Value: bson.D{{Key: "customer_id", Value: "C-0000001"}, {Key: "name", Value: "Anna Andersson"}, {Key: "email", Value: "Anna.Andersson@Example.se"}, {Key: "phone", Value: "+46701234567"},
			{Key: "address", Value: bson.D{{Key: "street", Value: "Storgatan 1"}, {Key: "city", Value: "Göteborg"}, {Key: "zip_code", Value: "41101"}, {Key: "country", Value: "Sweden"}}}}},
		{Key: "vehicle", Value: bson.D{{Key: "vin", Value: "YV1LFA2ACL1000001"}, {Key: "make", Value: "Volvo"}, {Key: "model", Value: "XC60"}, {Key: "year", Value: int32(2021)}, {Key: "mileage", Value: int32(45210)}}},
		{Key: "service_items", Value: items}, {Key: "order_date", Value: primitive.DateTime(1767225600000)}, {Key: "service_date", Value: primitive.DateTime(1767312000000)},
		{Key: "status", Value: "completed"}, {Key: "total_amount", Value: 7815.63}, {Key: "labor_cost", Value: 1500.0}, {Key: "notes", Value: strings.Repeat("The customer waits. ", 12)},
	})
}

// BenchmarkTransform prints documents a second of CPU time of one core, so that a busy machine does not blur it.
func BenchmarkTransform(b *testing.B) {
	document := serviceOrder(b)
	assignments := set("customer.email", "hash(lower(doc.customer.email))", "migrated_at", `date("2026-01-01")`)
	cases := []struct {
		name   string
		filter string
		set    []Assignment
		unset  []string
	}{
		{"filter-two-fields-passes", `doc.total_amount > 100 && doc.vehicle.model startsWith "XC"`, nil, nil},
		{"filter-two-fields-fails", `doc.total_amount > 10000 && doc.vehicle.model startsWith "XC"`, nil, nil},
		{"filter-computes", `lower(doc.customer.address.city) == "göteborg" && doc.total_amount - doc.labor_cost > 100`, nil, nil},
		{"filter-array", `any(doc.service_items, .unit_price > 2000)`, nil, nil},
		{"unset", "", nil, []string{"notes"}},
		{"set-hash", "", assignments, nil},
		{"filter-set-unset", `doc.total_amount > 100 && doc.vehicle.model startsWith "XC"`, assignments, []string{"notes"}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			transform, err := CompileTransform(c.filter, c.set, c.unset)
			if err != nil {
				b.Fatal(err)
			}
			w := transform.NewWorker()
			b.SetBytes(int64(len(document)))
			b.ReportAllocs()
			b.ResetTimer()
			start := cpuTime(b)
			for range b.N {
				if _, _, err := w.Apply(document); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/(cpuTime(b)-start).Seconds(), "docs/cpu-s")
		})
	}
}

func cpuTime(tb testing.TB) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
