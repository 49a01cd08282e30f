package endpoint

import (
	"encoding/binary"
	"math"
	"math/big"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// The key space of a bracket is a line on which its values have positions, so that there is a middle between
// two of them. A middle need not be the _id of any document: it is looked up in the index afterwards.

// middle returns a value above low and not above high that lies about half way in the key space, and whether
// there is one: brackets without a key space have none, nor have neighbours.
func middle(low, high bson.RawValue) (bson.RawValue, bool) {
	return between(low, high, 0.5)
}

// between is middle for any fraction of the way, 0 to 1.
func between(low, high bson.RawValue, fraction float64) (bson.RawValue, bool) {
	if bracketOf(low) != bracketOf(high) {
		return bson.RawValue{}, false
	}
	switch bracketOf(low) {
	case BracketNumber:
		return betweenNumbers(low, high, fraction)
	case BracketDate:
		n, ok := betweenIntegers(low.DateTime(), high.DateTime(), fraction)
		return valueOf(primitive.DateTime(n)), ok
	case BracketTimestamp:
		lowT, lowI := low.Timestamp()
		highT, highI := high.Timestamp()
		n, ok := betweenBytes(timestampBytes(lowT, lowI), timestampBytes(highT, highI), 8, fraction)
		if !ok {
			return bson.RawValue{}, false
		}
		return valueOf(primitive.Timestamp{T: binary.BigEndian.Uint32(n), I: binary.BigEndian.Uint32(n[4:])}), true
	case BracketObjectID:
		lowID, highID := low.ObjectID(), high.ObjectID()
		n, ok := betweenBytes(lowID[:], highID[:], 12, fraction)
		if !ok {
			return bson.RawValue{}, false
		}
		return valueOf(primitive.ObjectID(n)), true
	case BracketString:
		if low.Type != bson.TypeString || high.Type != bson.TypeString {
			return bson.RawValue{}, false
		}
		return betweenStrings(low.StringValue(), high.StringValue(), fraction)
	case BracketBinary:
		lowType, lowBytes := low.Binary()
		highType, highBytes := high.Binary()
		if lowType != highType || len(lowBytes) != len(highBytes) || len(lowBytes) == 0 {
			return bson.RawValue{}, false // binary sorts by length and subtype first
		}
		n, ok := betweenBytes(lowBytes, highBytes, len(lowBytes), fraction)
		if !ok {
			return bson.RawValue{}, false
		}
		return valueOf(primitive.Binary{Subtype: lowType, Data: n}), true
	}
	return bson.RawValue{}, false
}

// fractionOf is about how far v lies on the way from low to high, 0 to 1; 0.5 where the bracket has no key
// space.
func fractionOf(v, low, high bson.RawValue) float64 {
	var at, from, to *big.Int
	switch bracketOf(low) {
	case BracketNumber:
		a, f, t := float(v), float(low), float(high)
		return clamp((a - f) / (t - f))
	case BracketDate:
		at, from, to = big.NewInt(v.DateTime()), big.NewInt(low.DateTime()), big.NewInt(high.DateTime())
	default:
		raw := [3][]byte{keyBytes(v), keyBytes(low), keyBytes(high)}
		if raw[0] == nil || raw[1] == nil || raw[2] == nil {
			return 0.5
		}
		prefix := commonPrefix(raw[1], raw[2])
		width := prefix + 12
		at, from, to = digits(raw[0], width), digits(raw[1], width), digits(raw[2], width)
	}
	span := new(big.Float).SetInt(to.Sub(to, from))
	if span.Sign() <= 0 {
		return 0.5
	}
	part, _ := new(big.Float).Quo(new(big.Float).SetInt(at.Sub(at, from)), span).Float64()
	return clamp(part)
}

// DocumentsLeft reckons how many documents lie above at and below high, where so many lay above before and up to
// at. ok is false where the key space does not tell.
func DocumentsLeft(before, at, high bson.RawValue, documents int) (left int64, ok bool) {
	if documents < 2 || before.Type == 0 || high.Type == 0 || bracketOf(before) != bracketOf(high) || bracketOf(at) != bracketOf(high) {
		return 0, false
	}
	switch bracketOf(high) {
	case BracketNumber, BracketDate, BracketTimestamp, BracketObjectID, BracketString, BracketBinary:
	default:
		return 0, false
	}
	part := fractionOf(at, before, high)
	if part >= 1 {
		return 0, true
	}
	if part <= 0 {
		return 0, false
	}
	return int64(min(float64(documents)*(1-part)/part, math.MaxInt64/4)), true
}

func clamp(f float64) float64 {
	if math.IsNaN(f) {
		return 0.5
	}
	return max(0, min(1, f))
}

// keyBytes are a value's bytes in the order of the index; nil where there are none.
func keyBytes(v bson.RawValue) []byte {
	switch v.Type {
	case bson.TypeObjectID:
		id := v.ObjectID()
		return id[:]
	case bson.TypeString:
		return []byte(v.StringValue())
	case bson.TypeBinary:
		_, data := v.Binary()
		return data
	case bson.TypeTimestamp:
		return timestampBytes(v.Timestamp())
	}
	return nil
}

func betweenNumbers(low, high bson.RawValue, fraction float64) (bson.RawValue, bool) {
	if low.Type != bson.TypeDouble && low.Type != bson.TypeDecimal128 && high.Type != bson.TypeDouble && high.Type != bson.TypeDecimal128 {
		n, ok := betweenIntegers(low.AsInt64(), high.AsInt64(), fraction)
		return valueOf(n), ok
	}
	l, h := float(low), float(high)
	l, h = max(l, -math.MaxFloat64), min(h, math.MaxFloat64)
	m := l*(1-fraction) + h*fraction
	if !(m > l && m < h) {
		return bson.RawValue{}, false
	}
	return valueOf(m), true
}

// float is a number's value, as near as a double comes.
func float(v bson.RawValue) float64 {
	switch v.Type {
	case bson.TypeDouble:
		return v.Double()
	case bson.TypeDecimal128:
		unscaled, exponent, err := v.Decimal128().BigInt()
		if err != nil {
			return math.Inf(v.Decimal128().IsInf())
		}
		f, _ := new(big.Float).SetInt(unscaled).Float64()
		return f * math.Pow10(exponent)
	}
	return float64(v.AsInt64())
}

func betweenIntegers(low, high int64, fraction float64) (int64, bool) {
	if high <= low {
		return 0, false
	}
	step := uint64(float64(uint64(high)-uint64(low)) * fraction)
	return low + int64(max(1, min(step, uint64(high)-uint64(low)))), true
}

// betweenBytes treats strings of one length as large numbers.
func betweenBytes(low, high []byte, width int, fraction float64) ([]byte, bool) {
	from, to := digits(low, width), digits(high, width)
	span := new(big.Int).Sub(to, from)
	if span.Sign() <= 0 {
		return nil, false
	}
	const scale = 1 << 30
	step := new(big.Int).Mul(span, big.NewInt(int64(fraction*scale)))
	step.Rsh(step, 30)
	if step.Sign() == 0 {
		step.SetInt64(1)
	}
	return from.Add(from, step).FillBytes(make([]byte, width)), true
}

// betweenStrings looks at the first bytes after what both have in common, and returns valid UTF-8.
func betweenStrings(low, high string, fraction float64) (bson.RawValue, bool) {
	prefix := commonPrefix([]byte(low), []byte(high))
	const digitsUsed = 12
	n, ok := betweenBytes([]byte(low), []byte(high), prefix+digitsUsed, fraction)
	if !ok {
		return bson.RawValue{}, false
	}
	text := validPrefix(n)
	if text > low && text <= high {
		return valueOf(text), true
	}
	return bson.RawValue{}, false
}

// validPrefix turns bytes into a string at about the same place in the order: each byte that UTF-8 does not
// allow there becomes the last character below it, and what follows is cut.
func validPrefix(b []byte) string {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size <= 1 {
			if b[0] >= 0x80 {
				out = utf8.AppendRune(out, nearestRune(b))
			}
			break
		}
		if r == 0 { // the padding of a short string
			break
		}
		out = append(out, b[:size]...)
		b = b[size:]
	}
	return string(out)
}

// nearestRune is a character whose encoding begins about where b does.
func nearestRune(b []byte) rune {
	first := b[0]
	switch {
	case first < 0xc2:
		return 0x7f
	case first < 0xe0:
		return rune(first&0x1f)<<6 | 0x20
	case first < 0xed:
		return max(0x800, rune(first&0x0f)<<12|0x800)
	case first == 0xed:
		return 0xd7ff
	case first < 0xf0:
		return max(0xe000, rune(first&0x0f)<<12|0x800)
	case first < 0xf4:
		return max(0x10000, rune(first&0x07)<<18|0x20000)
	}
	return utf8.MaxRune
}

// digits reads the first width bytes, padded with zeros, as a number to the base 256.
func digits(b []byte, width int) *big.Int {
	padded := make([]byte, width)
	copy(padded, b)
	return new(big.Int).SetBytes(padded)
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func timestampBytes(t, i uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, t), i)
}

// valueOf encodes a value that always can be.
func valueOf(v any) bson.RawValue {
	t, data, err := bson.MarshalValue(v)
	if err != nil {
		panic(err) // only the literal types of this file come here
	}
	return bson.RawValue{Type: t, Value: data}
}
