package model

import "math/bits"

// engine is an engine type, or several: the engines that a service or a part is for.
type engine uint8

const (
	petrol engine = 1 << iota
	diesel
	mildHybrid
	plugIn
	electric

	petrolled  = petrol | mildHybrid | plugIn // has spark plugs
	combustion = petrolled | diesel
	anyEngine  = combustion | electric
)

var engines = [...]engine{petrol, diesel, mildHybrid, plugIn, electric}

// index is where a single engine stands in engines.
func (e engine) index() int { return bits.TrailingZeros8(uint8(e)) }

func (e engine) String() string {
	switch e {
	case petrol:
		return "petrol"
	case diesel:
		return "diesel"
	case mildHybrid:
		return "mild_hybrid"
	case plugIn:
		return "plug_in_hybrid"
	case electric:
		return "electric"
	}
	return "several"
}

// platform is what cars share parts by.
type platform uint8

const (
	classic  platform = iota // P1, P2 and P3
	scalable                 // SPA
	compact                  // CMA and SEA
	platforms
)

// car is a model with one sort of engine, over the model years it was sold with it.
type car struct {
	model       string
	code        string // positions 4 and 5 of the VIN
	maker       string // world manufacturer identifier: YV1 cars, YV4 sport utility vehicles
	plant       byte   // position 11 of the VIN
	engine      engine
	platform    platform
	first, last int // model years
	weight      int // how many were sold, relative to the others
}

var cars = [...]car{
	{"V40", "MV", "YV1", '2', petrol, classic, 2013, 2019, 5},
	{"V40", "MV", "YV1", '2', diesel, classic, 2013, 2019, 8},
	{"S60", "FS", "YV1", '2', petrol, classic, 2012, 2018, 3},
	{"S60", "FS", "YV1", '2', diesel, classic, 2012, 2018, 4},
	{"V60", "FW", "YV1", '2', petrol, classic, 2012, 2018, 6},
	{"V60", "FW", "YV1", '2', diesel, classic, 2012, 2018, 12},
	{"V60", "FW", "YV1", '2', plugIn, classic, 2013, 2018, 4},
	{"S80", "AS", "YV1", '1', diesel, classic, 2012, 2016, 2},
	{"V70", "BW", "YV1", '1', petrol, classic, 2012, 2016, 8},
	{"V70", "BW", "YV1", '1', diesel, classic, 2012, 2016, 16},
	{"XC70", "BZ", "YV4", '1', diesel, classic, 2012, 2016, 7},
	{"XC60", "DZ", "YV4", '2', petrol, classic, 2012, 2017, 4},
	{"XC60", "DZ", "YV4", '2', diesel, classic, 2012, 2017, 12},
	{"XC90", "LF", "YV4", '1', petrol, scalable, 2016, 2019, 3},
	{"XC90", "LF", "YV4", '1', diesel, scalable, 2016, 2019, 6},
	{"XC90", "LF", "YV4", '1', mildHybrid, scalable, 2020, 2024, 6},
	{"XC90", "LF", "YV4", '1', plugIn, scalable, 2016, 2024, 5},
	{"S90", "PS", "YV1", '1', diesel, scalable, 2017, 2020, 3},
	{"V90", "PW", "YV1", '1', petrol, scalable, 2017, 2020, 4},
	{"V90", "PW", "YV1", '1', diesel, scalable, 2017, 2020, 12},
	{"V90", "PW", "YV1", '1', mildHybrid, scalable, 2020, 2024, 6},
	{"V90", "PW", "YV1", '1', plugIn, scalable, 2018, 2024, 6},
	{"V90 Cross Country", "PZ", "YV4", '1', diesel, scalable, 2017, 2020, 5},
	{"V90 Cross Country", "PZ", "YV4", '1', mildHybrid, scalable, 2020, 2024, 4},
	{"XC60", "UZ", "YV4", '1', petrol, scalable, 2018, 2019, 4},
	{"XC60", "UZ", "YV4", '1', diesel, scalable, 2018, 2020, 8},
	{"XC60", "UZ", "YV4", '1', mildHybrid, scalable, 2020, 2024, 10},
	{"XC60", "UZ", "YV4", '1', plugIn, scalable, 2018, 2024, 11},
	{"S60", "ZR", "YV1", '1', petrol, scalable, 2019, 2020, 2},
	{"S60", "ZR", "YV1", '1', mildHybrid, scalable, 2021, 2024, 2},
	{"S60", "ZR", "YV1", '1', plugIn, scalable, 2020, 2024, 3},
	{"V60", "ZW", "YV1", '1', petrol, scalable, 2019, 2020, 5},
	{"V60", "ZW", "YV1", '1', diesel, scalable, 2019, 2020, 9},
	{"V60", "ZW", "YV1", '1', mildHybrid, scalable, 2021, 2024, 9},
	{"V60", "ZW", "YV1", '1', plugIn, scalable, 2020, 2024, 10},
	{"XC40", "XZ", "YV4", '2', petrol, compact, 2018, 2022, 8},
	{"XC40", "XZ", "YV4", '2', diesel, compact, 2018, 2020, 4},
	{"XC40", "XZ", "YV4", '2', mildHybrid, compact, 2020, 2024, 6},
	{"XC40", "XZ", "YV4", '2', plugIn, compact, 2020, 2023, 10},
	{"XC40 Recharge", "XK", "YV4", '2', electric, compact, 2021, 2024, 12},
	{"C40 Recharge", "XE", "YV4", '2', electric, compact, 2022, 2024, 6},
	{"EX30", "EA", "YV1", '2', electric, compact, 2024, 2024, 14},
}

const (
	firstYear  = 2012 // model years
	newPlates  = 2019 // the first year of the plates that end in a letter
	lastYear   = 2024
	modelYears = lastYear - firstYear + 1
)

// newGarage lists the cars sold in each model year, each as often as its weight.
func newGarage() [modelYears][]*car {
	var garage [modelYears][]*car
	for n := range cars {
		c := &cars[n]
		for year := c.first; year <= c.last; year++ {
			for range c.weight {
				garage[year-firstYear] = append(garage[year-firstYear], c)
			}
		}
	}
	return garage
}

// earlyColours were to be had on the classic platform, lateColours on the others.
var (
	earlyColours = [...]string{
		"Black Stone", "Ice White", "Electric Silver", "Savile Grey", "Power Blue", "Flamenco Red", "Twilight Bronze",
		"Crystal White Pearl", "Caspian Blue", "Rich Java", "Seashell", "Raw Copper",
	}
	lateColours = [...]string{
		"Onyx Black", "Crystal White Pearl", "Ice White", "Bright Silver", "Osmium Grey", "Thunder Grey", "Denim Blue",
		"Pine Grey", "Fusion Red", "Platinum Grey", "Birch Light", "Maple Brown", "Black Stone", "Silver Dawn",
	}
)
