package model

// vehicle is what a vehicle number stands for.
type vehicle struct {
	number     uint64
	car        *car
	year       int // model year
	registered day
	colour     string
	plate      uint64
	perDay     int // kilometres
	delivery   int // kilometres on the day of registration
	extended   bool
	calendar   calendar
}

func (g *Generator) vehicle(at place) vehicle {
	draw := newStream(g.seed, ofVehicle, at.vehicle)
	v := vehicle{number: at.vehicle, plate: g.plate(at.vehicle)}

	// Odd vehicles bear the newer sort of plate, so each sort is dealt out without gaps. One with many visits
	// needs years enough for them.
	switch {
	case at.vehicle%2 == 0:
		v.year = draw.between(firstYear, newPlates-1)
	case at.visits > 6:
		v.year = draw.between(newPlates, lastYear-2)
	default:
		v.year = draw.between(newPlates, lastYear)
	}
	garage := g.garage[v.year-firstYear]
	v.car = garage[draw.below(len(garage))]
	if v.car.platform == classic {
		v.colour = earlyColours[draw.below(len(earlyColours))]
	} else {
		v.colour = lateColours[draw.below(len(lateColours))]
	}
	v.registered = newYear(v.year) + day(draw.below(300))
	switch at.kind {
	case individual:
		v.perDay = draw.between(24, 60)
	case corporate:
		v.perDay = draw.between(45, 95)
	case fleet:
		v.perDay = draw.between(70, 150)
	}
	v.delivery = draw.between(4, 60)
	v.extended = draw.percent(30)
	v.calendar = newCalendar(&draw, v.registered, at.visits)
	return v
}

// mileage rises from visit to visit: what the draw adds is less than is driven between two of them.
func (v *vehicle) mileage(on day, draw *stream) int {
	return v.delivery + int(on-v.registered)*v.perDay + draw.below(200)
}

func (v *vehicle) append(dst []byte, g *Generator, mileage int) []byte {
	dst, document := openDocument(dst, typeDocument, "vehicle")
	dst, text := openString(dst, "vin")
	dst = closeString(g.appendVIN(dst, v), text)
	dst = appendString(dst, "make", "Volvo")
	dst = appendString(dst, "model", v.car.model)
	dst = appendInt32(dst, "year", v.year)
	dst = appendInt32(dst, "mileage", mileage)
	dst = appendString(dst, "engine_type", v.car.engine.String())
	dst = appendString(dst, "color", v.colour)
	dst, text = openString(dst, "license_plate")
	dst = closeString(v.appendPlate(dst), text)
	return closeDocument(dst, document)
}
