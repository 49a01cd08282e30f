package model

// bill is what an order comes to, in öre.
type bill struct{ labor, parts, tax, total int }

// invoice prices every line and adds them up. A rate and a price per unit are whole öre, and a rate is a
// multiple of ten, so a tenth of an hour is whole öre too: nothing but the tax is ever rounded.
func (w *work) invoice(rate, yearsOn int) bill {
	var b bill
	for n := range w.n {
		l := &w.lines[n]
		parts := l.price * (100 + 3*yearsOn) / 100
		l.unit = l.service.hours*rate/10 + parts
		l.labor = l.hours * rate / 10
		b.labor += l.labor
		b.parts += parts * l.quantity
	}
	net := b.labor + b.parts
	b.tax = vat(net)
	b.total = net + b.tax
	return b
}

// vat is 25 %, rounded half up.
func vat(net int) int { return (net + 2) / 4 }

// kronor is the double nearest to an amount, the one that prints with two decimals at most.
func kronor(ore int) float64 { return float64(ore) / 100 }

func (b *bill) append(dst []byte) []byte {
	dst = appendDouble(dst, "total_amount", kronor(b.total))
	dst = appendDouble(dst, "labor_cost", kronor(b.labor))
	dst = appendDouble(dst, "parts_cost", kronor(b.parts))
	return appendDouble(dst, "tax_amount", kronor(b.tax))
}
