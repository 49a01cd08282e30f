// Package model is the Volvo service order: its Go types, and a generator that makes order number i from
// (seed, i) alone.
package model

import (
	"time"

	"go.mongodb.org/mongo-driver/bson/primitive"
)

// Status is how far an order has come. Every order of a vehicle but its last one is completed.
type Status string

const (
	Completed  Status = "completed"   // completion_date is set, not after [Snapshot]
	InProgress Status = "in_progress" // service_date has passed, completion_date is null
	Scheduled  Status = "scheduled"   // service_date is confirmed and after [Snapshot], completion_date is null
	Pending    Status = "pending"     // service_date is wished for and after [Snapshot], completion_date is null
)

// Snapshot is the moment the orders are a picture of, 2025-12-01 in UTC: what was completed lies before it, what is scheduled
// after it. The generator never asks the clock.
func Snapshot() time.Time { return time.Unix(snapshotDay.at(0), 0).UTC() }

// ServiceOrder is one document of the collection, its fields in the order they have in BSON. Every document
// has every field. Money is in Swedish kronor with two decimals, distances in kilometres, dates in UTC.
//
//	unit_price   = labour of one unit + parts of one unit, without VAT
//	total_price  = quantity × unit_price
//	labor_cost   = Σ labor_hours × the centre's rate that year
//	parts_cost   = Σ total_price − labor_cost
//	tax_amount   = 25 % of labor_cost + parts_cost, rounded half up to the öre
//	total_amount = labor_cost + parts_cost + tax_amount
//
// The amounts are the worth of the work, whoever pays: a warranty does not lower them.
type ServiceOrder struct {
	ID              primitive.ObjectID `bson:"_id"`
	OrderID         string             `bson:"order_id"` // SO-0000000000042, sorts as _id does
	Customer        Customer           `bson:"customer"`
	Vehicle         Vehicle            `bson:"vehicle"`
	ServiceItems    []ServiceItem      `bson:"service_items"` // 1 to 5, no service twice
	OrderDate       time.Time          `bson:"order_date"`
	ServiceDate     time.Time          `bson:"service_date"`    // a working day after order_date
	CompletionDate  *time.Time         `bson:"completion_date"` // null unless completed
	Status          Status             `bson:"status"`
	TotalAmount     float64            `bson:"total_amount"`
	LaborCost       float64            `bson:"labor_cost"`
	PartsCost       float64            `bson:"parts_cost"`
	TaxAmount       float64            `bson:"tax_amount"`
	TechnicianID    string             `bson:"technician_id"`     // TEC-AB03-07, seventh technician of SC-AB-03
	ServiceCenterID string             `bson:"service_center_id"` // SC-AB-03, third centre of the county with letter AB
	WarrantyInfo    WarrantyInfo       `bson:"warranty_info"`
	Notes           string             `bson:"notes"`
	CreatedAt       time.Time          `bson:"created_at"` // seconds after order_date
	UpdatedAt       time.Time          `bson:"updated_at"` // not before created_at and completion_date, before Snapshot
}

// Customer is the same in all of the customer's orders.
type Customer struct {
	CustomerID   string  `bson:"customer_id"`
	Name         string  `bson:"name"`
	Email        string  `bson:"email"` // under .example, where no mail arrives
	Phone        string  `bson:"phone"`
	Address      Address `bson:"address"`
	CustomerType string  `bson:"customer_type"` // individual, corporate or fleet
}

// Address is in Sweden; the zip code belongs to the city and the state is the city's county.
type Address struct {
	Street  string `bson:"street"`
	City    string `bson:"city"`
	State   string `bson:"state"`
	ZipCode string `bson:"zip_code"` // NNN NN
	Country string `bson:"country"`
}

// Vehicle belongs to one customer. All but Mileage is the same in all of its orders.
type Vehicle struct {
	VIN          string `bson:"vin"` // valid check digit; unique over the first 2³⁵ orders of a seed
	Make         string `bson:"make"`
	Model        string `bson:"model"`
	Year         int32  `bson:"year"`        // model year, also the year of registration
	Mileage      int32  `bson:"mileage"`     // at the service date; what is expected where that is to come
	EngineType   string `bson:"engine_type"` // petrol, diesel, mild_hybrid, plug_in_hybrid or electric
	Color        string `bson:"color"`
	LicensePlate string `bson:"license_plate"` // ABC 123, or ABC 12D from 2019; unique over the first 90 million orders
}

// ServiceItem is one line of the invoice. The lines add up to the order's labour and parts before VAT.
type ServiceItem struct {
	ItemID      string   `bson:"item_id"` // the order's number and the line's
	ServiceType string   `bson:"service_type"`
	Description string   `bson:"description"`
	Quantity    int32    `bson:"quantity"`
	UnitPrice   float64  `bson:"unit_price"`
	TotalPrice  float64  `bson:"total_price"`
	LaborHours  float64  `bson:"labor_hours"` // for the whole quantity, in tenths of an hour
	PartsUsed   []string `bson:"parts_used"`  // name and part number; they fit the service, the engine and the platform
}

// WarrantyInfo is as of the service date. Covered means service_date is before ExpiryDate.
type WarrantyInfo struct {
	Covered      bool      `bson:"covered"`
	WarrantyType string    `bson:"warranty_type"` // factory, extended, battery, or none when all have run out
	ExpiryDate   time.Time `bson:"expiry_date"`   // of the warranty that covers, else of the last that did
}
