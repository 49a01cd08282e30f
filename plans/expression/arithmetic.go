package expression

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"time"

	"go.mongodb.org/mongo-driver/bson/primitive"
)

var errTooLarge = errors.New("the result does not fit into 64 bits: convert with double or decimal")

// arithmetic computes a operator b. Null makes null. The result has the wider of the two types: decimal, double,
// long, int; whole numbers that are written in the expression take the type of the other side, and an int that
// does not fit into 32 bits becomes a long. A quotient is a double or a decimal.
func arithmetic(operator string, a, b any) (any, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	if v, ok := timeArithmetic(operator, a, b); ok {
		return v, nil
	}
	x, ok := numberOf(a)
	y, also := numberOf(b)
	if !ok || !also {
		s, ok := a.(string)
		t, also := b.(string)
		if operator == "+" && ok && also {
			return s + t, nil
		}
		return nil, fmt.Errorf("%s %s %s cannot be computed", describe(a), operator, describe(b))
	}
	switch {
	case x.kind == decimalKind || y.kind == decimalKind:
		return decimalArithmetic(operator, decimalFrom(x), decimalFrom(y))
	case operator == "**" || operator == "^":
		return math.Pow(doubleFrom(x), doubleFrom(y)), nil
	case operator == "/":
		if doubleFrom(y) == 0 {
			return nil, errors.New("division by zero")
		}
		return doubleFrom(x) / doubleFrom(y), nil
	case x.kind == doubleKind || y.kind == doubleKind:
		return doubleArithmetic(operator, doubleFrom(x), doubleFrom(y))
	}
	n, err := integerArithmetic(operator, x.integer, y.integer)
	if x.kind == int64Kind || y.kind == int64Kind {
		return n, err
	}
	return int(n), err
}

func timeArithmetic(operator string, a, b any) (any, bool) {
	switch x := a.(type) {
	case time.Time:
		switch y := b.(type) {
		case time.Time:
			return x.Sub(y), operator == "-"
		case time.Duration:
			if operator == "-" {
				return x.Add(-y), true
			}
			return x.Add(y), operator == "+"
		}
	case time.Duration:
		switch y := b.(type) {
		case time.Time:
			return y.Add(x), operator == "+"
		case time.Duration:
			if operator == "-" {
				return x - y, true
			}
			return x + y, operator == "+"
		case int:
			return x * time.Duration(y), operator == "*"
		}
	case int:
		if y, ok := b.(time.Duration); ok {
			return time.Duration(x) * y, operator == "*"
		}
	}
	return nil, false
}

func doubleArithmetic(operator string, x, y float64) (any, error) {
	switch operator {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	}
	if y == 0 {
		return nil, errors.New("division by zero")
	}
	return math.Mod(x, y), nil
}

func integerArithmetic(operator string, x, y int64) (int64, error) {
	switch operator {
	case "+":
		if sum := x + y; (sum > x) == (y > 0) {
			return sum, nil
		}
		return 0, errTooLarge
	case "-":
		if difference := x - y; (difference < x) == (y > 0) {
			return difference, nil
		}
		return 0, errTooLarge
	case "*":
		product := x * y
		if x != 0 && (product/x != y || x == -1 && y == math.MinInt64) {
			return 0, errTooLarge
		}
		return product, nil
	}
	if y == 0 {
		return 0, errors.New("division by zero")
	}
	if y == -1 {
		return 0, nil // the one that overflows in Go
	}
	return x % y, nil
}

const decimalDigits = 34

func decimalArithmetic(operator string, x, y primitive.Decimal128) (any, error) {
	nx, ny := number{kind: decimalKind, decimal: x}, number{kind: decimalKind, decimal: y}
	if operator == "**" || operator == "^" || operator == "%" {
		return nil, fmt.Errorf("%s is not there for decimals: convert with double", operator)
	}
	if nx.isNaN() || ny.isNaN() || infinity(nx) != 0 || infinity(ny) != 0 {
		var f any
		var err error
		if f, err = arithmetic(operator, doubleFrom(nx), doubleFrom(ny)); err != nil {
			return nil, err
		}
		return decimalFrom(number{kind: doubleKind, double: f.(float64)}), nil
	}
	a, b := exactly(nx), exactly(ny)
	switch operator {
	case "+", "-":
		low := min(a.exponent, b.exponent)
		if max(a.exponent, b.exponent)-low > 2*decimalDigits && a.digits.Sign() != 0 && b.digits.Sign() != 0 {
			low = max(a.exponent, b.exponent) - 2*decimalDigits // what is below cannot be seen in 34 digits
			a, b = a.cut(low), b.cut(low)
		}
		sum := a.aligned(low)
		if operator == "-" {
			sum.Sub(sum, b.aligned(low))
		} else {
			sum.Add(sum, b.aligned(low))
		}
		return scaled{sum, low}.decimal()
	case "*":
		return scaled{new(big.Int).Mul(a.digits, b.digits), a.exponent + b.exponent}.decimal()
	}
	if b.digits.Sign() == 0 {
		return nil, errors.New("division by zero")
	}
	return a.dividedBy(b).decimal()
}

// cut drops the digits below an exponent.
func (s scaled) cut(exponent int) scaled {
	if s.exponent >= exponent {
		return s
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent-s.exponent)), nil)
	return scaled{new(big.Int).Quo(s.digits, ten), exponent}
}

func (s scaled) dividedBy(t scaled) scaled {
	extra := decimalDigits + 2 + len(t.digits.String())
	dividend := s.aligned(s.exponent - extra)
	quotient, rest := new(big.Int).QuoRem(dividend, t.digits, new(big.Int))
	result := scaled{quotient, s.exponent - extra - t.exponent}
	if rest.Sign() != 0 {
		return result // more digits than are kept, the last of which does not decide
	}
	ten, ideal := big.NewInt(10), s.exponent-t.exponent
	for result.exponent < ideal {
		whole, digit := new(big.Int).QuoRem(result.digits, ten, new(big.Int))
		if digit.Sign() != 0 {
			break
		}
		result.digits, result.exponent = whole, result.exponent+1
	}
	return result
}

// decimal rounds to 34 digits, halves to even.
func (s scaled) decimal() (any, error) {
	if excess := len(new(big.Int).Abs(s.digits).String()) - decimalDigits; excess > 0 {
		s = s.rounded(s.exponent+excess, true)
	}
	d, ok := primitive.ParseDecimal128FromBigInt(s.digits, s.exponent)
	if !ok {
		return nil, errors.New("the result does not fit into a decimal")
	}
	return d, nil
}

// rounded rounds to a higher exponent, halves to even or away from zero.
func (s scaled) rounded(exponent int, toEven bool) scaled {
	if exponent <= s.exponent {
		return s
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent-s.exponent)), nil)
	whole, rest := new(big.Int).QuoRem(s.digits, ten, new(big.Int))
	half := new(big.Int).Abs(rest)
	up := half.Lsh(half, 1).Cmp(ten)
	if up > 0 || up == 0 && (!toEven || whole.Bit(0) == 1) {
		whole.Add(whole, big.NewInt(int64(s.digits.Sign())))
	}
	return scaled{whole, exponent}
}

func negative(v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case int:
		return -x, nil
	case int32:
		return -int(x), nil // -(-2147483648) is a long
	case int64:
		return arithmetic("-", int64(0), x)
	case float64:
		return -x, nil
	case time.Duration:
		return -x, nil
	case primitive.Decimal128:
		hi, lo := x.GetBytes()
		return primitive.NewDecimal128(hi^1<<63, lo), nil
	}
	return nil, fmt.Errorf("%s has no negative", describe(v))
}
