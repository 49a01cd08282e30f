package expression

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// text is what string(x) makes of a value.
func text(v any) (string, error) {
	if s, ok := stringOf(v); ok {
		return s, nil
	}
	switch x := v.(type) {
	case bool:
		return strconv.FormatBool(x), nil
	case int:
		return strconv.Itoa(x), nil
	case int32:
		return strconv.Itoa(int(x)), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case float64:
		return doubleText(x), nil
	case primitive.Decimal128:
		return x.String(), nil
	case time.Time:
		return x.Format("2006-01-02T15:04:05.000Z07:00"), nil
	case time.Duration:
		return x.String(), nil
	case primitive.ObjectID:
		return x.Hex(), nil
	case Opaque:
		if x.Type == bson.TypeBinary {
			return binaryText(x), nil
		}
	}
	return extendedJSON(v)
}

// doubleText has no exponent where JSON has none.
func doubleText(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) || math.IsNaN(f) || math.IsInf(f, 0) {
		return strings.ToLower(doubleDecimalText(f))
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func binaryText(b Opaque) string {
	subtype, data := b.binary()
	if subtype == bson.TypeBinaryUUID && len(data) == 16 {
		h := hex.EncodeToString([]byte(data))
		return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
	}
	return base64.StdEncoding.EncodeToString([]byte(data))
}

// binary returns the subtype and the bytes of a binary value.
func (o Opaque) binary() (subtype byte, data string) {
	if len(o.Value) < 5 {
		return 0, ""
	}
	return o.Value[4], o.Value[5:]
}

// extendedJSON writes any value as relaxed extended JSON.
func extendedJSON(v any) (string, error) {
	document, err := object([]any{"v", v})
	if err != nil {
		return "", err
	}
	whole, err := bson.MarshalExtJSON(bson.Raw(document), false, false)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(whole), `{"v":`), "}"), nil
}

// fromExtendedJSON reads a value from extended JSON.
func fromExtendedJSON(s string) (any, error) {
	var document bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+s+`}`), false, &document); err != nil {
		return nil, fmt.Errorf("not extended JSON: %w", err)
	}
	_, values, err := fields(Document(document))
	if err != nil || len(values) != 1 {
		return nil, errors.New("not one value of extended JSON")
	}
	return values[0], nil
}

// integer converts to a whole number, cutting off a fraction.
func integer(v any) (int64, error) {
	n, ok := numberOf(v)
	if !ok {
		switch x := v.(type) {
		case bool:
			return int64(truth(x)), nil
		case time.Time:
			return x.UnixMilli(), nil
		case time.Duration:
			return x.Milliseconds(), nil
		case string:
			parsed, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%q is not a whole number", short(x))
			}
			return parsed, nil
		}
		return 0, fmt.Errorf("%s is not a number", describe(v))
	}
	switch {
	case n.isInteger():
		return n.integer, nil
	case n.isNaN() || infinity(n) != 0:
		return 0, errors.New("NaN and the infinities are no whole numbers")
	case n.kind == doubleKind:
		if n.double >= 1<<63 || n.double < -1<<63 {
			return 0, errTooLarge
		}
		return int64(n.double), nil
	}
	exact := exactly(n)
	if exact.digits.Sign() == 0 {
		return 0, nil
	}
	if exact.magnitude() > 19 {
		return 0, errTooLarge
	}
	if exact.exponent > 0 {
		exact = scaled{exact.aligned(0), 0}
	}
	if whole := exact.cut(0); whole.digits.IsInt64() {
		return whole.digits.Int64(), nil
	}
	return 0, errTooLarge
}

func double(v any) (float64, error) {
	if n, ok := numberOf(v); ok {
		return doubleFrom(n), nil
	}
	if s, ok := v.(string); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not a number", short(s))
		}
		return f, nil
	}
	n, err := integer(v)
	return float64(n), err
}

func decimal(v any) (any, error) {
	if n, ok := numberOf(v); ok {
		return decimalFrom(n), nil
	}
	if s, ok := v.(string); ok {
		d, err := primitive.ParseDecimal128(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("%q is not a decimal number", short(s))
		}
		return d, nil
	}
	n, err := integer(v)
	return decimalFrom(number{integer: n}), err
}

// The forms of a date that date(x) reads where no layout is given; without a zone it is UTC.
var dateLayouts = []string{
	time.DateOnly, time.DateTime, "2006-01-02T15:04:05", time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04", time.RFC1123, time.RFC1123Z, time.RFC822, time.RFC850,
}

func date(args []any) (any, error) {
	zone := time.UTC
	if z, ok := args[0].(*time.Location); ok {
		zone, args = z, args[1:]
	}
	if len(args) == 0 {
		return nil, errors.New("date needs a value")
	}
	layouts := dateLayouts
	if len(args) > 1 {
		layout, ok := args[1].(string)
		if !ok {
			return nil, errors.New("the layout of a date is a string such as 2006-01-02")
		}
		layouts = []string{layout}
	}
	if len(args) > 2 {
		name, _ := args[2].(string)
		z, err := time.LoadLocation(name)
		if err != nil {
			return nil, fmt.Errorf("there is no time zone %q", name)
		}
		zone = z
	}
	switch x := args[0].(type) {
	case nil:
		return nil, nil
	case time.Time:
		return x, nil
	case primitive.ObjectID:
		return x.Timestamp().UTC(), nil
	case string:
		for _, layout := range layouts {
			if t, err := time.ParseInLocation(layout, x, zone); err == nil {
				return t.Truncate(time.Millisecond), nil
			}
		}
		return nil, fmt.Errorf("%q is not a date such as 2026-01-31 or 2026-01-31T12:00:00Z", short(x))
	}
	if _, ok := numberOf(args[0]); ok {
		ms, err := integer(args[0])
		return time.UnixMilli(ms).In(zone), err
	}
	return nil, fmt.Errorf("%s is not a date", describe(args[0]))
}

func objectID(s string) (any, error) {
	id, err := primitive.ObjectIDFromHex(s)
	if err != nil {
		return nil, fmt.Errorf("%q is not the 24 hexadecimal digits of an ObjectId", short(s))
	}
	return id, nil
}

func uuid(s string) (any, error) {
	data, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(data) != 16 {
		return nil, fmt.Errorf("%q is not a UUID", short(s))
	}
	return Opaque{Type: bson.TypeBinary, Value: "\x10\x00\x00\x00\x04" + string(data)}, nil
}

// short is a text of a document as a message quotes it.
func short(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
