package expression

import (
	"errors"
	"math"
	"math/big"
	"slices"

	"go.mongodb.org/mongo-driver/bson/primitive"
)

var numberFunctions = []function{
	{name: "abs", call: absolute, types: []any{new(anyToAny)}},
	{name: "ceil", call: rounding(math.Ceil, 1), types: []any{new(anyToAny)}},
	{name: "floor", call: rounding(math.Floor, -1), types: []any{new(anyToAny)}},
	{name: "round", call: round, types: []any{new(anyToAny), new(func(any, int) any)}},
	{name: "min", call: extreme("<"), nulls: true, types: []any{new(func(...any) any)}},
	{name: "max", call: extreme(">"), nulls: true, types: []any{new(func(...any) any)}},
	{name: "mean", call: mean, nulls: true, types: []any{new(func(...any) any)}},
	{name: "median", call: median, nulls: true, types: []any{new(func(...any) any)}},
	{name: "bitand", call: own("bitand"), types: []any{new(func(int, int) int)}},
	{name: "bitor", call: own("bitor"), types: []any{new(func(int, int) int)}},
	{name: "bitxor", call: own("bitxor"), types: []any{new(func(int, int) int)}},
	{name: "bitnand", call: own("bitnand"), types: []any{new(func(int, int) int)}},
	{name: "bitshl", call: own("bitshl"), types: []any{new(func(int, int) int)}},
	{name: "bitshr", call: own("bitshr"), types: []any{new(func(int, int) int)}},
	{name: "bitushr", call: own("bitushr"), types: []any{new(func(int, int) int)}},
	{name: "bitnot", call: own("bitnot"), types: []any{new(func(int) int)}},
}

var errNoNumber = errors.New("not a number")

func absolute(args []any) (any, error) {
	n, ok := numberOf(args[0])
	if !ok {
		return nil, errors.New("not a number but " + describe(args[0]))
	}
	if order, _ := compareNumbers(n, number{}); order < 0 {
		return negative(args[0])
	}
	return args[0], nil
}

// rounding rounds doubles and decimals to whole ones of their type, decimals up (1) or down (-1).
func rounding(double func(float64) float64, direction int) func(args []any) (any, error) {
	return func(args []any) (any, error) {
		switch x := args[0].(type) {
		case int, int32, int64:
			return x, nil
		case float64:
			return double(x), nil
		case primitive.Decimal128:
			n := number{kind: decimalKind, decimal: x}
			if n.isNaN() || infinity(n) != 0 {
				return x, nil
			}
			exact := exactly(n)
			whole := exact.cut(0)
			if exact.exponent < 0 && exact.digits.Sign() == direction && whole.aligned(exact.exponent).Cmp(exact.digits) != 0 {
				whole.digits.Add(whole.digits, big.NewInt(int64(direction)))
			}
			return whole.decimal()
		}
		return nil, errors.New("not a number but " + describe(args[0]))
	}
}

// round rounds to so many digits behind the point, none unless given; halves go away from zero.
func round(args []any) (any, error) {
	digits := 0
	if len(args) > 1 {
		digits = args[1].(int)
	}
	if digits < -400 || digits > 400 {
		return nil, errors.New("that many digits are not there")
	}
	switch x := args[0].(type) {
	case int, int32, int64:
		if digits >= 0 {
			return x, nil
		}
		return nil, errors.New("a whole number has no digits to round away: convert with double")
	case float64:
		if digits == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
			return math.Round(x), nil
		}
		rounded := doubleExactly(x).rounded(-digits, false)
		d, err := rounded.decimal()
		if err != nil {
			return nil, err
		}
		return doubleFrom(number{kind: decimalKind, decimal: d.(primitive.Decimal128)}), nil
	case primitive.Decimal128:
		n := number{kind: decimalKind, decimal: x}
		if n.isNaN() || infinity(n) != 0 {
			return x, nil
		}
		return exactly(n).rounded(-digits, false).decimal()
	}
	return nil, errors.New("not a number but " + describe(args[0]))
}

// flat returns the numbers among the arguments and inside of arrays among them; null is passed over.
func flat(args []any) ([]any, error) {
	var list []any
	for _, a := range args {
		if a == nil {
			continue
		}
		if inner, ok := arrayOf(a); ok {
			more, err := flat(inner)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
			continue
		}
		list = append(list, a)
	}
	return list, nil
}

// extreme returns the least or the greatest of values that can be compared; null when there are none.
func extreme(operator string) func(args []any) (any, error) {
	return func(args []any) (any, error) {
		list, err := flat(args)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		best := list[0]
		for _, v := range list[1:] {
			result, ok := order(v, best)
			if !ok {
				return nil, errors.New(describe(v) + " and " + describe(best) + " have no order")
			}
			if holds(operator, result) {
				best = v
			}
		}
		return best, nil
	}
}

// sum adds up numbers; null is passed over, and the sum of nothing is 0.
func sum(args []any) (any, error) {
	list, err := flat(args)
	if err != nil {
		return nil, err
	}
	var total any = 0
	for _, v := range list {
		if _, ok := numberOf(v); !ok {
			return nil, errors.New("sum: " + describe(v) + " is not a number")
		}
		if total, err = arithmetic("+", total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func mean(args []any) (any, error) {
	list, err := flat(args)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	total, err := sum(list)
	if err != nil {
		return nil, err
	}
	return arithmetic("/", total, len(list))
}

func median(args []any) (any, error) {
	list, err := flat(args)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	for _, v := range list {
		if n, ok := numberOf(v); !ok || n.isNaN() {
			return nil, errNoNumber
		}
	}
	slices.SortStableFunc(list, func(a, b any) int {
		result, _ := order(a, b)
		return result
	})
	middle := len(list) / 2
	if len(list)%2 == 1 {
		return list[middle], nil
	}
	return mean(list[middle-1 : middle+1])
}
