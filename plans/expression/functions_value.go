package expression

import (
	"errors"
	"time"
)

var valueFunctions = []function{
	{name: "int", call: func(args []any) (any, error) { n, err := integer(args[0]); return int(n), err }, types: []any{new(func(any) int)}},
	{name: "long", call: func(args []any) (any, error) { return orNil(integer(args[0])) }, types: []any{new(func(any) int64)}},
	{name: "double", call: func(args []any) (any, error) { return orNil(double(args[0])) }, types: []any{new(func(any) float64)}},
	{name: "float", call: func(args []any) (any, error) { return orNil(double(args[0])) }, types: []any{new(func(any) float64)}},
	{name: "decimal", call: func(args []any) (any, error) { return decimal(args[0]) }, types: []any{new(anyToAny)}},
	{name: "string", call: func(args []any) (any, error) { return orNil(text(args[0])) }, types: []any{new(func(any) string)}},
	{name: "objectId", call: func(args []any) (any, error) { return objectID(args[0].(string)) }, types: []any{new(func(string) any)}},
	{name: "uuid", call: func(args []any) (any, error) { return uuid(args[0].(string)) }, types: []any{new(func(string) any)}},
	{name: "date", call: date, types: []any{
		new(func(any) time.Time), new(func(any, string) time.Time), new(func(any, string, string) time.Time),
		new(func(*time.Location, any) time.Time), new(func(*time.Location, any, string) time.Time),
	}},
	{name: "duration", call: own("duration"), types: []any{new(func(string) time.Duration)}},
	{name: "timezone", call: own("timezone"), types: []any{new(func(string) *time.Location)}},
	{name: "type", nulls: true, call: func(args []any) (any, error) { return typeName(args[0]), nil }, types: []any{new(func(any) string)}},
	{name: "exists", nulls: true, call: func([]any) (any, error) {
		return nil, errors.New("it takes a field, such as doc.customer.email")
	}, types: []any{new(func(any) bool)}},
	{name: "toJSON", nulls: true, call: func(args []any) (any, error) { return orNil(extendedJSON(args[0])) }, types: []any{new(func(any) string)}},
	{name: "fromJSON", call: func(args []any) (any, error) { return fromExtendedJSON(args[0].(string)) }, types: []any{new(func(string) any)}},
	{name: "get", nulls: true, call: func(args []any) (any, error) { return member(args[0], args[1]) }, types: []any{new(func(any, any) any)}},
}

func orNil[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// member returns a field of an object or an element of an array; null where there is none.
func member(v, key any) (any, error) {
	if name, ok := key.(string); ok {
		d, ok := v.(Document)
		if !ok {
			return nil, nil
		}
		return field(d, name)
	}
	if n, ok := numberOf(key); ok && n.isInteger() {
		list, _ := arrayOf(v)
		at := n.integer
		if at < 0 {
			at += int64(len(list))
		}
		if at < 0 || at >= int64(len(list)) {
			return nil, nil
		}
		return list[at], nil
	}
	return nil, errors.New("a field has a name and an element a number, not " + describe(key))
}

func field(d Document, wanted string) (found any, err error) {
	err = elements(d, func(name []byte, e element) (bool, error) {
		if string(name) != wanted {
			return true, nil
		}
		found, err = decode(e)
		return false, err
	})
	return found, err
}

// method calls one of the methods of dates and durations.
func method(name string, v any, args []any) (any, error) {
	if v == nil {
		return nil, nil
	}
	for _, a := range args {
		if a == nil {
			return nil, nil
		}
	}
	switch x := v.(type) {
	case time.Time:
		if f, ok := dateMethods[name]; ok {
			return f(x, args)
		}
	case time.Duration:
		if f, ok := durationMethods[name]; ok {
			return f(x), nil
		}
	}
	return nil, errors.New(describe(v) + " has no method " + name)
}

var dateMethods = map[string]func(t time.Time, args []any) (any, error){
	"Year":        part(time.Time.Year),
	"Month":       part(func(t time.Time) int { return int(t.Month()) }),
	"Day":         part(time.Time.Day),
	"Hour":        part(time.Time.Hour),
	"Minute":      part(time.Time.Minute),
	"Second":      part(time.Time.Second),
	"Millisecond": part(func(t time.Time) int { return t.Nanosecond() / 1e6 }),
	"Weekday":     part(func(t time.Time) int { return int(t.Weekday()) }),
	"YearDay":     part(time.Time.YearDay),
	"Unix":        func(t time.Time, _ []any) (any, error) { return t.Unix(), nil },
	"UnixMilli":   func(t time.Time, _ []any) (any, error) { return t.UnixMilli(), nil },
	"UTC":         func(t time.Time, _ []any) (any, error) { return t.UTC(), nil },
	"Format": func(t time.Time, args []any) (any, error) {
		if len(args) == 1 {
			if layout, ok := args[0].(string); ok {
				return t.Format(layout), nil
			}
		}
		return nil, errors.New(`the method Format takes a layout such as "2006-01-02"`)
	},
	"In": func(t time.Time, args []any) (any, error) {
		if len(args) == 1 {
			if zone, ok := args[0].(*time.Location); ok {
				return t.In(zone), nil
			}
		}
		return nil, errors.New(`the method In takes a time zone such as timezone("Europe/Stockholm")`)
	},
	"AddDate": func(t time.Time, args []any) (any, error) {
		var by [3]int
		for n, a := range args {
			number, ok := numberOf(a)
			if !ok || !number.isInteger() || len(args) != 3 {
				return nil, errors.New("the method AddDate takes years, months and days")
			}
			by[n] = int(number.integer)
		}
		return t.AddDate(by[0], by[1], by[2]), nil
	},
}

func part(f func(time.Time) int) func(t time.Time, args []any) (any, error) {
	return func(t time.Time, _ []any) (any, error) { return f(t), nil }
}

var durationMethods = map[string]func(d time.Duration) any{
	"Hours":        func(d time.Duration) any { return d.Hours() },
	"Minutes":      func(d time.Duration) any { return d.Minutes() },
	"Seconds":      func(d time.Duration) any { return d.Seconds() },
	"Milliseconds": func(d time.Duration) any { return d.Milliseconds() },
}
