package expression

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
)

var textFunctions = []function{
	{name: "lower", call: own("lower"), types: []any{new(textToText)}},
	{name: "upper", call: own("upper"), types: []any{new(textToText)}},
	{name: "trim", call: own("trim"), types: []any{new(textToText), new(func(string, string) string)}},
	{name: "trimPrefix", call: own("trimPrefix"), types: []any{new(func(string, string) string)}},
	{name: "trimSuffix", call: own("trimSuffix"), types: []any{new(func(string, string) string)}},
	{name: "replace", call: own("replace"), types: []any{new(func(string, string, string) string), new(func(string, string, string, int) string)}},
	{name: "repeat", call: repeat, types: []any{new(func(string, int) string)}},
	{name: "split", call: split("split"), types: []any{new(func(string, string) []any), new(func(string, string, int) []any)}},
	{name: "splitAfter", call: split("splitAfter"), types: []any{new(func(string, string) []any), new(func(string, string, int) []any)}},
	{name: "join", call: join, types: []any{new(func([]any) string), new(func([]any, string) string)}},
	{name: "indexOf", call: own("indexOf"), types: []any{new(func(string, string) int)}},
	{name: "lastIndexOf", call: own("lastIndexOf"), types: []any{new(func(string, string) int)}},
	{name: "hasPrefix", call: own("hasPrefix"), types: []any{new(func(string, string) bool)}},
	{name: "hasSuffix", call: own("hasSuffix"), types: []any{new(func(string, string) bool)}},
	{name: "toBase64", call: own("toBase64"), types: []any{new(textToText)}},
	{name: "fromBase64", call: own("fromBase64"), types: []any{new(textToText)}},
	{name: "hash", call: hash, types: []any{new(func(any) string), new(func(any, string) string)}},
}

// longestText bounds what an expression can make of a document: no field is larger.
const longestText = 16 << 20

func repeat(args []any) (any, error) {
	s, n := args[0].(string), args[1].(int)
	if n < 0 || len(s) > 0 && n > longestText/len(s) {
		return nil, errors.New("the result would not fit into a document")
	}
	return own("repeat")(args)
}

// split returns an array as documents have it.
func split(name string) func(args []any) (any, error) {
	f := own(name)
	return func(args []any) (any, error) {
		parts, err := f(args)
		if err != nil {
			return nil, err
		}
		list, _ := arrayOf(parts)
		return list, nil
	}
}

func join(args []any) (any, error) {
	glue := ""
	if len(args) > 1 {
		glue = args[1].(string)
	}
	joined := ""
	for n, v := range args[0].([]any) {
		if n > 0 {
			joined += glue
		}
		if v == nil {
			continue
		}
		part, err := text(v)
		if err != nil {
			return nil, err
		}
		joined += part
	}
	return joined, nil
}

// hash is SHA-256 of a value's text, or with a key HMAC-SHA-256, in hexadecimal digits. It is the same everywhere and
// for ever: of a string it is what `printf %s TEXT | sha256sum` prints.
func hash(args []any) (any, error) {
	var content string
	if b, ok := args[0].(Opaque); ok && b.Type == bson.TypeBinary {
		_, content = b.binary()
	} else {
		var err error
		if content, err = text(args[0]); err != nil {
			return nil, err
		}
	}
	if len(args) == 1 {
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:]), nil
	}
	mac := hmac.New(sha256.New, []byte(args[1].(string)))
	mac.Write([]byte(content))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// slice returns a part of a string, by characters, or of an array. Bounds outside of it are moved to its ends;
// negative ones count from the end.
func slice(args []any) (any, error) {
	whole, from, to := args[0], args[1], args[2]
	if whole == nil {
		return nil, nil
	}
	size, runes := 0, []rune(nil)
	list, isList := arrayOf(whole)
	if s, ok := stringOf(whole); ok {
		if !utf8.ValidString(s) {
			return nil, errors.New("the string is not valid UTF-8")
		}
		runes = []rune(s)
		size = len(runes)
	} else if isList {
		size = len(list)
	} else {
		return nil, errors.New("only a string or an array has parts, not " + describe(whole))
	}
	low, err := bound(from, 0, size)
	if err != nil {
		return nil, err
	}
	high, err := bound(to, size, size)
	if err != nil {
		return nil, err
	}
	high = max(low, high)
	if isList {
		return list[low:high], nil
	}
	return string(runes[low:high]), nil
}

func bound(v any, fallback, size int) (int, error) {
	if v == nil {
		return fallback, nil
	}
	n, ok := numberOf(v)
	if !ok || !n.isInteger() {
		return 0, errors.New("the bound of a part is a whole number, not " + describe(v))
	}
	at := n.integer
	if at < 0 {
		at += int64(size)
	}
	return int(min(max(at, 0), int64(size))), nil
}
