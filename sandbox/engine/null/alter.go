package null

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
)

// Kind of an [Alteration].
const (
	Missing       = "missing"        // it is not there
	FlippedByte   = "flipped-byte"   // one bit of the text at its end
	SwappedFields = "swapped-fields" // check and total_amount, in the other order
	One           = "one"            // total_amount is a 64-bit integer 1
	OneAsDouble   = "one-as-double"  // total_amount is a double 1
	NaN           = "nan"            // total_amount is not a number
	Zero          = "zero"           // total_amount is a double 0
	NegativeZero  = "negative-zero"  // total_amount is a double -0
)

// AlterationKinds returns every kind of alteration.
func AlterationKinds() []string {
	return []string{Missing, FlippedByte, SwappedFields, One, OneAsDouble, NaN, Zero, NegativeZero}
}

// Alteration makes a document of a server unlike what its _id makes it: for judging what compares two servers. A
// document keeps its size. What is written to the server must be as the _id says all the same.
type Alteration struct {
	Kind     string
	Document int64 // its number in the order of _id, from 0
	All      bool  // every document instead
}

// ParseAlteration reads KIND=N or KIND=all.
func ParseAlteration(text string) (Alteration, error) {
	kind, which, _ := strings.Cut(text, "=")
	a := Alteration{Kind: kind, All: which == "all"}
	var err error
	if !a.All {
		a.Document, err = strconv.ParseInt(which, 10, 64)
	}
	if err != nil || !slices.Contains(AlterationKinds(), kind) {
		return a, fmt.Errorf("alteration %q: want KIND=N or KIND=all with one of %v", text, AlterationKinds())
	}
	return a, nil
}

// alterations are those of a collection, by document.
type alterations struct {
	every string
	one   map[int64]string
}

func newAlterations(list []Alteration) alterations {
	var a alterations
	for _, one := range list {
		switch {
		case one.All:
			a.every = one.Kind
		case a.one == nil:
			a.one = map[int64]string{one.Document: one.Kind}
		default:
			a.one[one.Document] = one.Kind
		}
	}
	return a
}

// of returns the kind of a document's alteration, or nothing.
func (a alterations) of(i int64) string {
	if kind, ok := a.one[i]; ok {
		return kind
	}
	return a.every
}

// removes tells whether some document is missing.
func (a alterations) removes() bool {
	if a.every == Missing {
		return true
	}
	for _, kind := range a.one {
		if kind == Missing {
			return true
		}
	}
	return false
}

// appendAltered appends document i as an alteration has it.
func (l layout) appendAltered(dst []byte, i int64, kind string) []byte {
	start := len(dst)
	dst = append(l.appendHead(dst, i), l.tail...)
	document := dst[start:]
	amount := document[l.head-8-len(l.beforeAmount) : l.head]
	set := func(t byte, bits uint64) {
		amount[0] = t
		binary.LittleEndian.PutUint64(amount[len(l.beforeAmount):], bits)
	}
	switch kind {
	case FlippedByte:
		document[len(document)-3] ^= 1
	case SwappedFields:
		check := slices.Clone(document[l.idEnd : l.head-len(amount)])
		copy(document[l.idEnd+copy(document[l.idEnd:], amount):], check)
	case One:
		set(byte(bson.TypeInt64), 1)
	case OneAsDouble:
		set(byte(bson.TypeDouble), math.Float64bits(1))
	case NaN:
		set(byte(bson.TypeDouble), math.Float64bits(math.NaN()))
	case Zero:
		set(byte(bson.TypeDouble), 0)
	case NegativeZero:
		set(byte(bson.TypeDouble), math.Float64bits(math.Copysign(0, -1)))
	}
	return dst
}
