package model_test

import (
	"regexp"
	"strings"
	"testing"
)

var letters = map[string]string{
	"Stockholm": "AB", "Uppsala": "C", "Södermanland": "D", "Östergötland": "E", "Jönköping": "F", "Kronoberg": "G",
	"Kalmar": "H", "Gotland": "I", "Blekinge": "K", "Skåne": "M", "Halland": "N", "Västra Götaland": "O", "Värmland": "S",
	"Örebro": "T", "Västmanland": "U", "Dalarna": "W", "Gävleborg": "X", "Västernorrland": "Y", "Jämtland": "Z",
	"Västerbotten": "AC", "Norrbotten": "BD",
}

func TestCentresAreInTheCustomersRegion(t *testing.T) {
	centre := regexp.MustCompile(`^SC-([A-Z]{1,2})-(\d\d)$`)
	regions := map[string]bool{}
	home, visits := map[string]map[string]int{}, 0
	for _, o := range decoded(t) {
		m := centre.FindStringSubmatch(o.ServiceCenterID)
		if m == nil || m[1] != letters[o.Customer.Address.State] {
			t.Fatalf("%s: a customer in %s went to %s", o.OrderID, o.Customer.Address.State, o.ServiceCenterID)
		}
		if !regexp.MustCompile(`^TEC-` + m[1] + m[2] + `-(0[1-9]|1\d)$`).MatchString(o.TechnicianID) {
			t.Fatalf("%s: %s works at %s", o.OrderID, o.TechnicianID, o.ServiceCenterID)
		}
		regions[m[1]] = true
		if home[o.Customer.CustomerID] == nil {
			home[o.Customer.CustomerID] = map[string]int{}
		}
		home[o.Customer.CustomerID][o.ServiceCenterID]++
		visits++
	}
	if len(regions) != len(letters) {
		t.Errorf("customers come from %d of %d counties", len(regions), len(letters))
	}
	usual := 0
	for _, centres := range home {
		most := 0
		for _, n := range centres {
			most = max(most, n)
		}
		usual += most
	}
	if usual*100/visits < 80 {
		t.Errorf("only %d of %d visits are to the customer's usual centre", usual, visits)
	}
}

// The zip codes of Swedish postal regions begin with digits of their own.
func TestZipCodesAreTheCitys(t *testing.T) {
	prefixes := map[string]string{"Stockholm": "11", "Göteborg": "41", "Malmö": "21", "Uppsala": "75", "Linköping": "58",
		"Örebro": "70", "Västerås": "72", "Umeå": "90", "Luleå": "97", "Kiruna": "981", "Visby": "621", "Lund": "22", "Gävle": "80"}
	states := map[string]string{}
	for _, o := range decoded(t) {
		a := o.Customer.Address
		if !strings.HasPrefix(a.ZipCode, prefixes[a.City]) {
			t.Fatalf("%s %s", a.ZipCode, a.City)
		}
		if other, ok := states[a.City]; ok && other != a.State {
			t.Fatalf("%s is in %s and %s", a.City, other, a.State)
		}
		states[a.City] = a.State
	}
}
