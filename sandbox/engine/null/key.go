package null

import (
	"encoding/binary"
	"math/bits"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
)

// key is how a kind of _id writes positions as BSON values: in the same order, and always as long.
type key struct {
	kind  bsontype.Type
	bytes int // of the value
	shift int // of a UUID: the room for what varies below the position
}

const (
	objectIDEpoch     = 1_500_000_000 // July 2017
	objectIDPerSecond = 4096

	stringPrefix = "order-"
	stringDigits = 14
	stringBytes  = len(stringPrefix) + stringDigits

	uuidBytes   = 16
	uuidSubtype = 4
)

// objectIDMachine are the five bytes that a driver draws once a process.
var objectIDMachine = [5]byte{0x5e, 0xed, 0x0a, 0x11, 0xda}

func newKey(kind IDKind, room int64) key {
	switch kind {
	case Int:
		return key{kind: bson.TypeInt64, bytes: 8}
	case String:
		return key{kind: bson.TypeString, bytes: 4 + stringBytes + 1}
	case UUID:
		return key{kind: bson.TypeBinary, bytes: 4 + 1 + uuidBytes, shift: 64 - bits.Len64(uint64(room))}
	}
	return key{kind: bson.TypeObjectID, bytes: 12}
}

// append appends the value at a position.
func (k key) append(dst []byte, position int64) []byte {
	switch k.kind {
	case bson.TypeInt64:
		return binary.LittleEndian.AppendUint64(dst, uint64(position))
	case bson.TypeString:
		dst = binary.LittleEndian.AppendUint32(dst, uint32(stringBytes+1))
		return append(appendString(dst, position), 0)
	case bson.TypeBinary:
		dst = binary.LittleEndian.AppendUint32(dst, uuidBytes)
		return k.appendUUID(append(dst, uuidSubtype), position)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(objectIDEpoch+position/objectIDPerSecond))
	dst = append(dst, objectIDMachine[:]...)
	count := position % objectIDPerSecond
	return append(dst, byte(count>>16), byte(count>>8), byte(count))
}

// position reads the position off a value that append may have written; whoever asks appends again and compares.
func (k key) position(value []byte) int64 {
	switch k.kind {
	case bson.TypeInt64:
		return int64(binary.LittleEndian.Uint64(value))
	case bson.TypeString:
		position := int64(0)
		for _, digit := range value[4+len(stringPrefix) : 4+stringBytes] {
			position = position*10 + int64(digit) - '0'
		}
		return position
	case bson.TypeBinary:
		return int64(binary.BigEndian.Uint64(value[5:]) >> k.shift)
	}
	second := int64(binary.BigEndian.Uint32(value)) - objectIDEpoch
	count := int64(value[9])<<16 | int64(value[10])<<8 | int64(value[11])
	return second*objectIDPerSecond + count
}

func appendString(dst []byte, position int64) []byte {
	dst = append(dst, stringPrefix...)
	var digits [stringDigits]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + position%10)
		position /= 10
	}
	return append(dst, digits[:]...)
}

// appendUUID spreads the positions evenly over all UUIDs; the bits below look random, but for those
// that tell the version and the variant.
func (k key) appendUUID(dst []byte, position int64) []byte {
	noise := mix(uint64(position))
	high := uint64(position)<<k.shift | noise&(1<<k.shift-1)
	high = high&^0xf000 | 0x4000
	low := mix(noise)&^(3<<62) | 2<<62
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, high), low)
}

// mix is the finalizer of SplitMix64: every bit of x changes about half of the result's.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
