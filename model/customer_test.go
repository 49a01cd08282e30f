package model_test

import (
	"regexp"
	"strings"
	"testing"

	"vida/model"
)

func TestCustomerKeepsEverything(t *testing.T) {
	customers := map[string]model.Customer{}
	emails := map[string]string{}
	for _, o := range decoded(t) {
		c := o.Customer
		if first, ok := customers[c.CustomerID]; ok && first != c {
			t.Fatalf("%s is %+v and later %+v", c.CustomerID, first, c)
		}
		customers[c.CustomerID] = c
		if other, ok := emails[c.Email]; ok && other != c.CustomerID {
			t.Fatalf("%s and %s share the address %s", other, c.CustomerID, c.Email)
		}
		emails[c.Email] = c.CustomerID
	}
	if len(customers) < whole/40 {
		t.Errorf("only %d customers in %d orders", len(customers), whole)
	}
}

func TestCustomersOwnOneToAFleet(t *testing.T) {
	owned := map[string]map[string]bool{}
	types := map[string]string{}
	for _, o := range decoded(t) {
		id := o.Customer.CustomerID
		if owned[id] == nil {
			owned[id] = map[string]bool{}
		}
		owned[id][o.Vehicle.VIN] = true
		types[id] = o.Customer.CustomerType
	}
	bounds := map[string][2]int{"individual": {1, 3}, "corporate": {2, 8}, "fleet": {10, 24}}
	counts := map[string]int{}
	for id, vehicles := range owned {
		b, ok := bounds[types[id]]
		if !ok {
			t.Fatalf("%s is of the type %q", id, types[id])
		}
		if len(vehicles) < b[0] || len(vehicles) > b[1] {
			t.Errorf("%s, %s, has %d vehicles", id, types[id], len(vehicles))
		}
		counts[types[id]]++
	}
	if len(counts) != 3 || counts["individual"] < counts["corporate"] || counts["corporate"] < counts["fleet"] {
		t.Errorf("the types of customers are %v", counts)
	}
}

func TestCustomerFields(t *testing.T) {
	email := regexp.MustCompile(`^[a-z0-9.-]+@[a-z-]+\.example$`)
	phone := regexp.MustCompile(`^\+46 (7[0236]|10) \d{3} \d{2} \d{2}$`)
	zip := regexp.MustCompile(`^[1-9]\d\d \d\d$`)
	street := regexp.MustCompile(`^[A-ZÅÄÖ][A-Za-zåäöÅÄÖé ]+ \d{1,2}$`)
	for _, o := range decoded(t) {
		c := o.Customer
		if !email.MatchString(c.Email) || !phone.MatchString(c.Phone) || !zip.MatchString(c.Address.ZipCode) ||
			!street.MatchString(c.Address.Street) || c.Address.Country != "Sweden" {
			t.Fatalf("%+v", c)
		}
		if company := strings.HasSuffix(c.Name, " AB"); company == (c.CustomerType == "individual") {
			t.Fatalf("%s is a customer of the type %s", c.Name, c.CustomerType)
		}
	}
}
