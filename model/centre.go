package model

// centre is a service centre, one of its county's.
type centre struct {
	county *county
	number int // from 1
}

// centre is the customer's own, or now and then another one of the same county.
func (c *customer) centreFor(draw *stream) centre {
	number := c.centre
	if draw.percent(15) {
		number = draw.between(1, c.home.county.centres)
	}
	return centre{county: c.home.county, number: number}
}

// rate is what an hour costs there, in öre without VAT: a multiple of ten.
func (c centre) rate(yearsOn int) int { return c.county.rate + 1_500*(c.number-1) + 3_500*yearsOn }

// technicians is how many work there; they are numbered from 1.
func (c centre) technicians() int { return 6 + (c.number*5+len(c.county.name))%9 }

func (c centre) append(dst []byte, draw *stream) []byte {
	dst, text := openString(dst, "technician_id")
	dst = append(dst, "TEC-"...)
	dst = append(dst, c.county.letter...)
	dst = appendDigits(dst, uint64(c.number), 2)
	dst = append(dst, '-')
	dst = closeString(appendDigits(dst, uint64(draw.between(1, c.technicians())), 2), text)

	dst, text = openString(dst, "service_center_id")
	dst = append(dst, "SC-"...)
	dst = append(dst, c.county.letter...)
	dst = append(dst, '-')
	return closeString(appendDigits(dst, uint64(c.number), 2), text)
}
