package model

// VINs have neither I, O nor Q.
const vinLetters = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"

// vins is how many VINs the six free positions 7, 8, 12 and 13 (any letter) and 14 to 17 (digits) make.
const vins = 33 * 33 * 33 * 33 * 10_000

// vinYears are the codes of the model years from [firstYear] on.
const vinYears = "CDEFGHJKLMNPR"

// vinWeights are those of ISO 3779; the check digit itself, at position 9, counts nothing.
var vinWeights = [17]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}

// vinValues has the value of each letter that may stand in a VIN.
var vinValues = [256]int{
	'1': 1, '2': 2, '3': 3, '4': 4, '5': 5, '6': 6, '7': 7, '8': 8, '9': 9,
	'A': 1, 'B': 2, 'C': 3, 'D': 4, 'E': 5, 'F': 6, 'G': 7, 'H': 8,
	'J': 1, 'K': 2, 'L': 3, 'M': 4, 'N': 5, 'P': 7, 'R': 9,
	'S': 2, 'T': 3, 'U': 4, 'V': 5, 'W': 6, 'X': 7, 'Y': 8, 'Z': 9,
}

// appendVIN writes the manufacturer, the model, the engine, two free letters, the check digit, the model year,
// the plant and a serial of two letters and four digits.
func (g *Generator) appendVIN(dst []byte, v *vehicle) []byte {
	const stride = 1_000_000_007 // a prime
	serial := scatter(v.number, g.offset%vins, stride, vins)
	letter := func() byte {
		l := vinLetters[serial%33]
		serial /= 33
		return l
	}
	start := len(dst)
	dst = append(dst, v.car.maker...)
	dst = append(dst, v.car.code...)
	dst = append(dst, engineCode(v.car.engine), letter(), letter())
	dst = append(dst, '0', vinYears[v.year-firstYear], v.car.plant)
	dst = append(dst, letter(), letter())
	dst = appendDigits(dst, serial, 4)
	dst[start+8] = checkDigit(dst[start:])
	return dst
}

func checkDigit(vin []byte) byte {
	sum := 0
	for n, weight := range vinWeights {
		sum += vinValues[vin[n]] * weight
	}
	return "0123456789X"[sum%11]
}

func engineCode(e engine) byte {
	switch e {
	case petrol:
		return 'A'
	case diesel:
		return 'C'
	case mildHybrid:
		return 'L'
	case plugIn:
		return 'B'
	default:
		return 'E'
	}
}
