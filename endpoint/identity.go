package endpoint

import (
	"math"
	"math/big"
	"strconv"

	"go.mongodb.org/mongo-driver/bson"
)

// SameID tells whether two values are one and the same _id to a server: 5 and 5.0 are.
func SameID(a, b bson.RawValue) bool {
	if SameValue(a, b) {
		return true
	}
	if a.Type == b.Type {
		switch a.Type {
		case bson.TypeDouble, bson.TypeDecimal128, bson.TypeEmbeddedDocument: // two forms of one value
		default:
			return false
		}
	}
	return IDKey(a) == IDKey(b)
}

// IDKey is equal for values that are one and the same _id to a server.
func IDKey(id bson.RawValue) string { return string(appendIDKey(nil, id)) }

func appendIDKey(key []byte, id bson.RawValue) []byte {
	switch id.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return strconv.AppendInt(append(key, 'n'), id.AsInt64(), 10)
	case bson.TypeDouble:
		return append(append(key, 'n'), doubleKey(id.Double())...)
	case bson.TypeDecimal128:
		return append(append(key, 'n'), decimalKey(id)...)
	case bson.TypeSymbol:
		key = append(key, byte(bson.TypeString))
		return append(key, id.Value...)
	case bson.TypeEmbeddedDocument:
		elements, err := id.Document().Elements()
		if err != nil {
			break
		}
		key = append(key, byte(bson.TypeEmbeddedDocument))
		for _, e := range elements {
			value := e.Value()
			inner := appendIDKey(nil, value)
			key = append(key, e.Key()...)
			key = append(key, 0)
			key = strconv.AppendInt(key, int64(len(inner)), 10)
			key = append(append(key, ':'), inner...)
		}
		return append(key, 0)
	}
	key = append(key, byte(id.Type))
	return append(key, id.Value...)
}

func doubleKey(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 0):
		return strconv.FormatFloat(f, 'g', -1, 64)
	case f == math.Trunc(f) && math.Abs(f) < 1<<62:
		return strconv.FormatInt(int64(f), 10)
	}
	return rationalKey(new(big.Rat).SetFloat64(f))
}

func decimalKey(id bson.RawValue) string {
	d := id.Decimal128()
	if d.IsNaN() {
		return "NaN"
	}
	if sign := d.IsInf(); sign != 0 {
		return strconv.FormatFloat(math.Inf(sign), 'g', -1, 64)
	}
	coefficient, exponent, err := d.BigInt()
	if err != nil {
		return d.String()
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	if exponent < 0 {
		return rationalKey(new(big.Rat).SetFrac(coefficient, power))
	}
	return rationalKey(new(big.Rat).SetInt(coefficient.Mul(coefficient, power)))
}

func rationalKey(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return r.String()
}
