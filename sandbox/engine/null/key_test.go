package null

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func TestKeysRiseAndAreReadAgain(t *testing.T) {
	for _, kind := range IDKinds() {
		for _, room := range []int64{1, 1000, MaxDocuments * skewRoom} {
			k := newKey(kind, room)
			var positions []int64
			for _, near := range []int64{0, 1, 9, 10, 255, 256, 4095, 4096, 1 << 24, room / 3, room - 1} {
				if near < room && (len(positions) == 0 || near > positions[len(positions)-1]) {
					positions = append(positions, near)
				}
			}
			for n, position := range positions {
				value := k.append(nil, position)
				if len(value) != k.bytes {
					t.Fatalf("%s: the value at %d has %d bytes; want %d", kind, position, len(value), k.bytes)
				}
				if got := k.position(value); got != position {
					t.Fatalf("%s in a room of %d: the value at %d is read as %d", kind, room, position, got)
				}
				raw := bson.RawValue{Type: k.kind, Value: value}
				if err := raw.Validate(); err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				for other, at := range positions {
					if got := k.compare(at, raw); (got < 0) != (other < n) || (got > 0) != (other > n) {
						t.Errorf("%s in a room of %d: position %d compares to the value at %d as %d", kind, room, at, position, got)
					}
				}
			}
		}
	}
}

func TestKeysSortAsTheirBytesDo(t *testing.T) {
	for _, kind := range []IDKind{ObjectID, String, UUID} {
		k := newKey(kind, 100_000)
		previous := k.append(nil, 0)
		for position := int64(1); position < 100_000; position += 7 {
			value := k.append(nil, position)
			if bytes.Compare(previous, value) >= 0 {
				t.Fatalf("%s: the value at %d is not above the one before", kind, position)
			}
			previous = value
		}
	}
}

func TestUUIDsHaveAVersionAndAVariant(t *testing.T) {
	k := newKey(UUID, 1000)
	for position := range int64(1000) {
		uuid := k.append(nil, position)[5:]
		if uuid[6]>>4 != 4 || uuid[8]>>6 != 2 {
			t.Fatalf("the UUID at %d is %x: not of version 4 and the variant of RFC 9562", position, uuid)
		}
	}
}
