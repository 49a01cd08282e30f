package expression

import (
	"bytes"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
)

// elements calls visit for each element of a document or an array, until it returns false. Nothing is decoded but
// lengths.
func elements(document []byte, visit func(name []byte, e element) (more bool, err error)) error {
	return elementsFrom(document, func(_ int, name []byte, e element) (bool, error) { return visit(name, e) })
}

// elementsFrom is elements that also tells where the element starts.
func elementsFrom(document []byte, visit func(at int, name []byte, e element) (more bool, err error)) error {
	if len(document) < 5 || int64(binary.LittleEndian.Uint32(document)) != int64(len(document)) || document[len(document)-1] != 0 {
		return errMalformed
	}
	at, end := 4, len(document)-1
	for at < end {
		start := at
		kind := bsontype.Type(document[at])
		at++
		length := bytes.IndexByte(document[at:end], 0)
		if length < 0 {
			return errMalformed
		}
		name := document[at : at+length]
		at += length + 1
		size := valueSize(kind, document[at:end])
		if size < 0 || size > end-at {
			return errMalformed
		}
		more, err := visit(start, name, element{kind: kind, value: document[at : at+size : at+size]})
		if err != nil || !more {
			return err
		}
		at += size
	}
	return nil
}

// valueSize is how many bytes a value takes; negative where it cannot be told. It may be more than there are.
func valueSize(kind bsontype.Type, rest []byte) int {
	switch kind {
	case bson.TypeNull, bson.TypeUndefined, bson.TypeMinKey, bson.TypeMaxKey:
		return 0
	case bson.TypeBoolean:
		return 1
	case bson.TypeInt32:
		return 4
	case bson.TypeDouble, bson.TypeDateTime, bson.TypeInt64, bson.TypeTimestamp:
		return 8
	case bson.TypeObjectID:
		return 12
	case bson.TypeDecimal128:
		return 16
	case bson.TypeString, bson.TypeSymbol, bson.TypeJavaScript:
		n := length(rest)
		if n < 1 || n+4 > len(rest) || rest[n+3] != 0 {
			return -1
		}
		return n + 4
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		if n := length(rest); n >= 5 {
			return n
		}
		return -1
	case bson.TypeCodeWithScope:
		if n := length(rest); n >= 14 {
			return n
		}
		return -1
	case bson.TypeBinary:
		if n := length(rest); n >= 0 {
			return n + 5
		}
		return -1
	case bson.TypeDBPointer:
		if n := length(rest); n >= 1 {
			return n + 16
		}
		return -1
	case bson.TypeRegex:
		pattern := bytes.IndexByte(rest, 0)
		if pattern < 0 {
			return -1
		}
		options := bytes.IndexByte(rest[pattern+1:], 0)
		if options < 0 {
			return -1
		}
		return pattern + options + 2
	}
	return -1
}

func length(rest []byte) int {
	if len(rest) < 4 {
		return -1
	}
	n := binary.LittleEndian.Uint32(rest)
	if n > 1<<30 {
		return -1
	}
	return int(n)
}

// fieldTree is the paths that the expressions of a transform read.
type fieldTree struct {
	slot   int // where the value goes; -1: only fields below are read
	fields []fieldBranch
}

type fieldBranch struct {
	name string
	tree *fieldTree
}

// add returns the slot of a path, a new one where next says so.
func (t *fieldTree) add(path []string, next *int) int {
	if len(path) == 0 {
		if t.slot < 0 {
			t.slot = *next
			*next++
		}
		return t.slot
	}
	for _, f := range t.fields {
		if f.name == path[0] {
			return f.tree.add(path[1:], next)
		}
	}
	below := &fieldTree{slot: -1}
	t.fields = append(t.fields, fieldBranch{name: path[0], tree: below})
	return below.add(path[1:], next)
}

// locate finds the fields of the tree in a document, in one pass that ends with the last of them. Of two fields of
// one name the first counts.
func (t *fieldTree) locate(document []byte, slots []element) error {
	var found uint64 // by place in t.fields; beyond 64 fields a pass goes to the end
	remaining := len(t.fields)
	return elements(document, func(name []byte, e element) (bool, error) {
		for n := range t.fields {
			f := &t.fields[n]
			if f.name != string(name) {
				continue
			}
			bit := uint64(1) << (n & 63)
			if len(t.fields) <= 64 {
				if found&bit != 0 {
					break
				}
				found |= bit
			} else if f.tree.slot >= 0 && slots[f.tree.slot].kind != 0 {
				break
			}
			if f.tree.slot >= 0 {
				slots[f.tree.slot] = e
			}
			remaining--
			if len(f.tree.fields) > 0 && e.kind == bson.TypeEmbeddedDocument {
				if err := f.tree.locate(e.value, slots); err != nil {
					return false, err
				}
			}
			break
		}
		return remaining > 0, nil
	})
}
