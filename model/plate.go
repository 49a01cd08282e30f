package model

// Swedish plates leave out the letters I, Q and V and those with dots or a ring.
const plateLetters = "ABCDEFGHJKLMNOPRSTUWXYZ"

// Until 2018 a plate is three letters and three digits; from 2019 on a letter other than O may stand last.
const (
	plateWords   = uint64(len(plateLetters) * len(plateLetters) * len(plateLetters))
	oldPlates    = plateWords * 1000
	letterPlates = plateWords * 100 * uint64(len(plateLetters)-1)
)

// plate is the number of a vehicle's plate among those of its sort. No two vehicles share one before the
// sort has run out.
func (g *Generator) plate(vehicle uint64) uint64 {
	const stride = 754_974_721 // a prime
	if vehicle%2 == 0 {
		return scatter(vehicle/2, g.offset%oldPlates, stride, oldPlates)
	}
	return scatter(vehicle/2, g.offset%letterPlates, stride, letterPlates)
}

func (v *vehicle) appendPlate(dst []byte) []byte {
	const letters = uint64(len(plateLetters))
	word := v.plate % plateWords
	rest := v.plate / plateWords
	dst = append(dst, plateLetters[word/letters/letters], plateLetters[word/letters%letters], plateLetters[word%letters], ' ')
	if v.year < newPlates {
		return appendDigits(dst, rest, 3)
	}
	dst = appendDigits(dst, rest%100, 2)
	last := plateLetters[rest/100]
	if last >= 'O' {
		last = plateLetters[rest/100+1]
	}
	return append(dst, last)
}
