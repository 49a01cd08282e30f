package cosmos

import (
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// twinField marks a twin: the shard key, by whose value it differs.
const twinField = "twin_shard_key"

// addTwins puts behind some of a page's documents another one with the same _id, as a sharded collection may
// hold it, and tells whether it did. Which ones have a twin follows from their _id, so that it is always the
// same ones.
func (d *Double) addTwins(p *page) bool {
	if d.profile.TwinEvery == 0 {
		return false
	}
	var all []bson.Raw
	for _, document := range p.documents {
		all = append(all, document)
		id, err := document.LookupErr("_id")
		if err != nil || !hasTwin(id, d.profile.TwinEvery) {
			continue
		}
		twin := append([]byte{}, document[:len(document)-1]...)
		twin = append(bsoncore.AppendStringElement(twin, twinField, "another"), 0)
		all = append(all, bsoncore.UpdateLength(twin, 0, int32(len(twin))))
	}
	added := len(all) > len(p.documents)
	p.documents = all
	return added
}

// hasTwin draws from other bits of the hash than the choice of a partition does.
func hasTwin(id bson.RawValue, every int) bool {
	return (hashOf(id)>>24)%uint64(every) == 0
}
