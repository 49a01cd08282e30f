package cosmos

import (
	"encoding/json"
	"errors"
	"math/bits"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// hashRange is a range of the hashes of _id, both ends included. A physical partition is one.
type hashRange struct {
	Min uint64 `json:"min"`
	Max uint64 `json:"max"`
}

// rangeOf is the range of one of count partitions.
func rangeOf(partition, count int) hashRange {
	low, _ := bits.Div64(uint64(partition), 0, uint64(count))
	if partition == count-1 {
		return hashRange{low, ^uint64(0)}
	}
	above, _ := bits.Div64(uint64(partition+1), 0, uint64(count))
	return hashRange{low, above - 1}
}

// position is how far a part of a collection has been read.
type position struct {
	Range hashRange `json:"range"`
	After int       `json:"after"` // entries of the feed
}

// token is where a change stream goes on: one position, or several after a partition has been split. Clients see
// it as an opaque document.
type token struct {
	Namespace string     `json:"ns"`
	Positions []position `json:"continuation"`
}

func (t token) document() (bson.Raw, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return bson.Marshal(bson.D{{Key: "_data", Value: primitive.Binary{Data: data}}, {Key: "_kind", Value: int32(1)}})
}

func parseToken(document bson.Raw, namespace string) (token, error) {
	var t token
	_, data, ok := document.Lookup("_data").BinaryOK()
	if !ok {
		return t, errors.New("no resume token of this account")
	}
	if err := json.Unmarshal(data, &t); err != nil || len(t.Positions) == 0 {
		return t, errors.New("no resume token of this account")
	}
	if t.Namespace != namespace {
		return t, errors.New("a resume token of another collection")
	}
	for _, p := range t.Positions {
		if p.Range.Min > p.Range.Max || p.After < 0 {
			return t, errors.New("no resume token of this account")
		}
	}
	return t, nil
}

// split cuts the positions where partitions have been split since.
func (t token) split(count int) token {
	var cut []position
	for _, p := range t.Positions {
		for partition := partitionIn(p.Range.Min, count); ; partition++ {
			whole := rangeOf(partition, count)
			piece := hashRange{max(whole.Min, p.Range.Min), min(whole.Max, p.Range.Max)}
			cut = append(cut, position{piece, p.After})
			if whole.Max >= p.Range.Max {
				break
			}
		}
	}
	return token{t.Namespace, cut}
}

// partitionIn is the partition, of count, to which a hash belongs.
func partitionIn(hash uint64, count int) int {
	high, _ := bits.Mul64(hash, uint64(count))
	partition := int(high)
	// Where rangeOf rounds, the neighbour's range decides.
	for partition+1 < count && hash >= rangeOf(partition+1, count).Min {
		partition++
	}
	return partition
}
