package expression

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/bson/primitive"
)

// number is a number of any BSON type.
type number struct {
	kind    numberKind
	integer int64
	double  float64
	decimal primitive.Decimal128
}

type numberKind byte

const (
	plainKind numberKind = iota // written in the expression, or counted: int
	int32Kind
	int64Kind
	doubleKind
	decimalKind
)

func numberOf(v any) (number, bool) {
	switch v := v.(type) {
	case int:
		return number{kind: plainKind, integer: int64(v)}, true
	case int32:
		return number{kind: int32Kind, integer: int64(v)}, true
	case int64:
		return number{kind: int64Kind, integer: v}, true
	case float64:
		return number{kind: doubleKind, double: v}, true
	case primitive.Decimal128:
		return number{kind: decimalKind, decimal: v}, true
	}
	return number{}, false
}

func (n number) isInteger() bool { return n.kind <= int64Kind }

func (n number) isNaN() bool {
	return n.kind == doubleKind && math.IsNaN(n.double) || n.kind == decimalKind && n.decimal.IsNaN()
}

// compareNumbers compares by value, exactly, whatever the types. NaN is equal to NaN and has no order.
func compareNumbers(a, b number) (order int, comparable bool) {
	if a.isNaN() || b.isNaN() {
		return 0, a.isNaN() && b.isNaN()
	}
	switch {
	case a.isInteger() && b.isInteger():
		return cmp.Compare(a.integer, b.integer), true
	case a.kind == doubleKind && b.kind == doubleKind:
		return cmp.Compare(a.double, b.double), true
	case a.isInteger() && b.kind == doubleKind:
		return compareIntegerDouble(a.integer, b.double), true
	case a.kind == doubleKind && b.isInteger():
		return -compareIntegerDouble(b.integer, a.double), true
	}
	return compareDecimals(a, b), true
}

func compareIntegerDouble(n int64, f float64) int {
	switch {
	case f >= 1<<63:
		return -1
	case f < -1<<63:
		return 1
	}
	whole := int64(f) // towards zero
	if n != whole {
		return cmp.Compare(n, whole)
	}
	return cmp.Compare(0, f-math.Trunc(f))
}

// compareDecimals compares two numbers of which one is a decimal; neither is NaN.
func compareDecimals(a, b number) int {
	x, y := infinity(a), infinity(b)
	if x != 0 || y != 0 {
		return cmp.Compare(x, y)
	}
	dx, dy := exactly(a), exactly(b)
	if s, t := dx.digits.Sign(), dy.digits.Sign(); s != t || s == 0 {
		return cmp.Compare(s, t)
	}
	return dx.compare(dy)
}

func infinity(n number) int {
	switch n.kind {
	case doubleKind:
		if math.IsInf(n.double, 0) {
			return int(math.Copysign(1, n.double))
		}
	case decimalKind:
		return n.decimal.IsInf()
	}
	return 0
}

// scaled is digits × 10^exponent.
type scaled struct {
	digits   *big.Int
	exponent int
}

// exactly returns a finite number's exact value.
func exactly(n number) scaled {
	switch n.kind {
	case decimalKind:
		digits, exponent, err := n.decimal.BigInt()
		if err != nil { // NaN or an infinity, which do not come here
			return scaled{digits: new(big.Int)}
		}
		return scaled{digits, exponent}
	case doubleKind:
		return doubleExactly(n.double)
	}
	return scaled{digits: big.NewInt(n.integer)}
}

// doubleExactly writes m × 2^e as digits × 10^exponent: 2^-k is 5^k × 10^-k.
func doubleExactly(f float64) scaled {
	fraction, exponent := math.Frexp(f)
	mantissa := int64(fraction * (1 << 53))
	exponent -= 53
	for mantissa != 0 && mantissa%2 == 0 {
		mantissa, exponent = mantissa/2, exponent+1
	}
	digits := big.NewInt(mantissa)
	switch {
	case mantissa == 0:
		return scaled{digits: digits}
	case exponent >= 0:
		return scaled{digits: digits.Lsh(digits, uint(exponent))}
	}
	five := new(big.Int).Exp(big.NewInt(5), big.NewInt(int64(-exponent)), nil)
	return scaled{digits: digits.Mul(digits, five), exponent: exponent}
}

// compare compares two numbers of one sign, not zero. Their magnitudes are looked at first, since a decimal has
// exponents up to 6144.
func (s scaled) compare(t scaled) int {
	sign := s.digits.Sign()
	if order := cmp.Compare(s.magnitude(), t.magnitude()); order != 0 {
		return order * sign
	}
	low := min(s.exponent, t.exponent)
	return s.aligned(low).Cmp(t.aligned(low))
}

func (s scaled) magnitude() int {
	return len(strings.TrimPrefix(s.digits.String(), "-")) + s.exponent
}

// aligned returns the digits for a lower exponent.
func (s scaled) aligned(exponent int) *big.Int {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.exponent-exponent)), nil)
	return ten.Mul(ten, s.digits)
}

// decimalFrom converts a number to a decimal as it is written: 0.1 becomes 0.1.
func decimalFrom(n number) primitive.Decimal128 {
	switch n.kind {
	case decimalKind:
		return n.decimal
	case doubleKind:
		d, _ := primitive.ParseDecimal128(doubleDecimalText(n.double)) // every double's shortest text is a decimal
		return d
	}
	d, _ := primitive.ParseDecimal128(strconv.FormatInt(n.integer, 10))
	return d
}

func doubleDecimalText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'G', -1, 64)
}

// doubleFrom converts a number to the nearest double.
func doubleFrom(n number) float64 {
	switch n.kind {
	case doubleKind:
		return n.double
	case decimalKind:
		f, _ := strconv.ParseFloat(strings.Replace(n.decimal.String(), "Infinity", "Inf", 1), 64) // beyond its range an infinity
		return f
	}
	return float64(n.integer)
}
