package model

// customer is who a customer number stands for.
type customer struct {
	number uint64
	kind   customerKind
	home   *town
	first  *name // of a person, the trade of a company, the sort of a fleet
	last   *name // of a person or of a company's founder; a fleet goes by its town
	street string
	house  int
	zip    int // two last digits
	prefix int // three first digits
	phone  int // seven digits
	centre int // where they usually go, from 1
}

func (g *Generator) customer(number uint64, kind customerKind) customer {
	draw := newStream(g.seed, ofCustomer, number)
	home := &g.towns[draw.below(len(g.towns))]
	c := customer{
		number: number,
		kind:   kind,
		home:   home,
		prefix: draw.between(home.low, home.high),
		zip:    draw.between(10, 69),
		house:  draw.between(1, 98),
		phone:  draw.between(2_000_000, 9_999_999),
		centre: draw.between(1, home.county.centres),
		last:   &g.lastNames[draw.below(len(g.lastNames))],
	}
	switch kind {
	case individual:
		c.first = &g.firstNames[draw.below(len(g.firstNames))]
		c.street = streets[draw.below(len(streets))]
	case corporate:
		c.first = &g.trades[draw.below(len(g.trades))]
		c.street = industrialStreets[draw.below(len(industrialStreets))]
	case fleet:
		c.first = &g.fleets[draw.below(len(g.fleets))]
		c.street = industrialStreets[draw.below(len(industrialStreets))]
	}
	return c
}

func (c *customer) append(dst []byte) []byte {
	dst, document := openDocument(dst, typeDocument, "customer")
	dst, text := openString(dst, "customer_id")
	dst = append(dst, "CUST-"...)
	dst = closeString(appendDigits(dst, c.number, 9), text)
	dst = c.appendName(dst)
	dst = c.appendEmail(dst)
	dst = c.appendPhone(dst)

	dst, address := openDocument(dst, typeDocument, "address")
	dst, text = openString(dst, "street")
	dst = append(dst, c.street...)
	dst = append(dst, ' ')
	dst = closeString(appendDigits(dst, uint64(c.house), 1), text)
	dst = appendString(dst, "city", c.home.name)
	dst = appendString(dst, "state", c.home.county.name)
	dst, text = openString(dst, "zip_code")
	dst = appendDigits(dst, uint64(c.prefix), 3)
	dst = append(dst, ' ')
	dst = closeString(appendDigits(dst, uint64(c.zip), 2), text)
	dst = appendString(dst, "country", "Sweden")
	dst = closeDocument(dst, address)

	dst = appendString(dst, "customer_type", c.kind.String())
	return closeDocument(dst, document)
}

// appendName writes Anna Lindberg, Lindberg Bygg AB or Taxi Umeå AB.
func (c *customer) appendName(dst []byte) []byte {
	dst, text := openString(dst, "name")
	switch c.kind {
	case individual:
		dst = append(dst, c.first.text...)
		dst = append(dst, ' ')
		dst = append(dst, c.last.text...)
	case corporate:
		dst = append(dst, c.last.text...)
		dst = append(dst, ' ')
		dst = append(dst, c.first.text...)
		dst = append(dst, " AB"...)
	case fleet:
		dst = append(dst, c.first.text...)
		dst = append(dst, ' ')
		dst = append(dst, c.home.name...)
		dst = append(dst, " AB"...)
	}
	return closeString(dst, text)
}

// appendEmail writes an address that no other customer has. The top-level domain .example is reserved, so no
// mail sent to one ever reaches anybody.
func (c *customer) appendEmail(dst []byte) []byte {
	dst, text := openString(dst, "email")
	switch c.kind {
	case individual:
		dst = append(dst, c.first.fold...)
		dst = append(dst, '.')
		dst = append(dst, c.last.fold...)
		dst = appendDigits(dst, c.number, 1)
		dst = append(dst, "@epost"...)
	case corporate:
		dst = append(dst, "bilar"...)
		dst = appendDigits(dst, c.number, 1)
		dst = append(dst, '@')
		dst = append(dst, c.last.fold...)
		dst = append(dst, '-')
		dst = append(dst, c.first.fold...)
	case fleet:
		dst = append(dst, "fordon"...)
		dst = appendDigits(dst, c.number, 1)
		dst = append(dst, '@')
		dst = append(dst, c.first.fold...)
		dst = append(dst, '-')
		dst = append(dst, c.home.fold...)
	}
	return closeString(append(dst, ".example"...), text)
}

// appendPhone writes a mobile number for a person and a switchboard for a company.
func (c *customer) appendPhone(dst []byte) []byte {
	dst, text := openString(dst, "phone")
	if c.kind == individual {
		dst = append(dst, "+46 7"...)
		dst = append(dst, "0236"[c.phone&3])
	} else {
		dst = append(dst, "+46 10"...)
	}
	number := uint64(c.phone)
	dst = append(dst, ' ')
	dst = appendDigits(dst, number/10_000, 3)
	dst = append(dst, ' ')
	dst = appendDigits(dst, number/100%100, 2)
	dst = append(dst, ' ')
	return closeString(appendDigits(dst, number%100, 2), text)
}
