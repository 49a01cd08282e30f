package model

// Years a warranty lasts from the vehicle's registration.
const (
	factoryYears  = 3
	extendedYears = 5 // where it was bought
	batteryYears  = 8 // of a plug-in hybrid's or an electric car's high-voltage battery
)

// warranty is the vehicle's on some day.
type warranty struct {
	kind    string
	covered bool
	expiry  day
}

// warranty is the shortest one that still covers the vehicle; when none does, the one that ran out last.
func (v *vehicle) warranty(on day) warranty {
	w := warranty{kind: "factory", expiry: v.after(factoryYears)}
	if on >= w.expiry && v.extended {
		w = warranty{kind: "extended", expiry: v.after(extendedYears)}
	}
	if on >= w.expiry && v.car.engine&(plugIn|electric) != 0 {
		w = warranty{kind: "battery", expiry: v.after(batteryYears)}
	}
	if w.covered = on < w.expiry; !w.covered {
		w.kind = "none"
	}
	return w
}

// after is the registration's day of the year, some years on.
func (v *vehicle) after(years int) day {
	return newYear(v.year+years) + v.registered - newYear(v.year)
}

func (w *warranty) append(dst []byte) []byte {
	dst, document := openDocument(dst, typeDocument, "warranty_info")
	dst = appendBool(dst, "covered", w.covered)
	dst = appendString(dst, "warranty_type", w.kind)
	dst = appendDate(dst, "expiry_date", w.expiry.at(0))
	return closeDocument(dst, document)
}
