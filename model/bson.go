package model

import (
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/bson"
)

// The types of BSON in use.
const (
	typeDouble   = byte(bson.TypeDouble)
	typeString   = byte(bson.TypeString)
	typeDocument = byte(bson.TypeEmbeddedDocument)
	typeArray    = byte(bson.TypeArray)
	typeObjectID = byte(bson.TypeObjectID)
	typeBoolean  = byte(bson.TypeBoolean)
	typeDateTime = byte(bson.TypeDateTime)
	typeNull     = byte(bson.TypeNull)
	typeInt32    = byte(bson.TypeInt32)
)

// The append functions write one BSON element each at the end of dst.

func appendKey(dst []byte, kind byte, key string) []byte {
	dst = append(dst, kind)
	dst = append(dst, key...)
	return append(dst, 0)
}

// openDocument starts an embedded document or array; what it returns second goes to closeDocument.
func openDocument(dst []byte, kind byte, key string) ([]byte, int) {
	dst = appendKey(dst, kind, key)
	return append(dst, 0, 0, 0, 0), len(dst)
}

func closeDocument(dst []byte, start int) []byte {
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

// openString starts a string of several parts; what it returns second goes to closeString.
func openString(dst []byte, key string) ([]byte, int) {
	dst = appendKey(dst, typeString, key)
	return append(dst, 0, 0, 0, 0), len(dst)
}

func closeString(dst []byte, start int) []byte {
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

func appendString(dst []byte, key, value string) []byte {
	dst = appendKey(dst, typeString, key)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(value)+1))
	dst = append(dst, value...)
	return append(dst, 0)
}

func appendInt32(dst []byte, key string, value int) []byte {
	dst = appendKey(dst, typeInt32, key)
	return binary.LittleEndian.AppendUint32(dst, uint32(int32(value)))
}

func appendDouble(dst []byte, key string, value float64) []byte {
	dst = appendKey(dst, typeDouble, key)
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(value))
}

func appendBool(dst []byte, key string, value bool) []byte {
	dst = appendKey(dst, typeBoolean, key)
	if value {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// appendDate writes a moment given in seconds since 1970.
func appendDate(dst []byte, key string, seconds int64) []byte {
	dst = appendKey(dst, typeDateTime, key)
	return binary.LittleEndian.AppendUint64(dst, uint64(seconds*1000))
}

func appendNull(dst []byte, key string) []byte { return appendKey(dst, typeNull, key) }

// appendDigits writes n in decimal, with leading zeros up to width; a longer number is written whole.
func appendDigits(dst []byte, n uint64, width int) []byte {
	var digits [20]byte
	at := len(digits)
	for n > 0 || width > 0 {
		at--
		digits[at] = byte('0' + n%10)
		n /= 10
		width--
	}
	return append(dst, digits[at:]...)
}
