package steps

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// repair brings what is missing or differs to the target, and looks at it again: repaired is what is then there,
// byte for byte. Documents that share their _id are left alone, for there is place for one of them only.
func (c *comparison) repair(ctx context.Context, found []difference) error {
	var documents []bson.Raw
	var which []int
	for n, d := range found {
		if !d.twin {
			documents, which = append(documents, d.document), append(which, n)
		}
	}
	if len(documents) == 0 {
		return nil
	}
	writer, err := c.env.Writer(ctx, c.spec.To)
	if err != nil {
		return err
	}
	d := newDelivery(writer, c.work.To, c.work.From, plans.ConflictReplace, c.task.Stopping())
	defer d.close()
	d.fates = map[string]Reject{}
	if _, _, err := d.deliver(ctx, parcel{documents: documents}); err != nil {
		return err
	}
	ids := make([]bson.RawValue, len(documents))
	at := make(map[string]int, len(documents))
	for n, document := range documents {
		ids[n], _ = endpoint.IDOf(document)
		at[endpoint.IDKey(ids[n])] = n
	}
	mended := make([]bool, len(documents))
	err = c.target.FindByID(ctx, c.work.To, ids, func(there bson.Raw) {
		id, _ := endpoint.IDOf(there)
		if n, ok := at[endpoint.IDKey(id)]; ok && sameDocument(documents[n], there) {
			mended[n] = true
		}
	})
	if err != nil {
		return err
	}
	for n, ok := range mended {
		difference := &found[which[n]]
		if ok {
			c.counts.Repaired++
			difference.message = "repaired; was: " + difference.outcome
			difference.outcome = OutcomeRepaired
			continue
		}
		difference.message += "; could not be repaired"
		if fate := d.fates[endpoint.IDKey(ids[n])]; fate.Message != "" && fate.Outcome == OutcomeRejected {
			difference.message += ": " + fate.Message
		}
	}
	return nil
}
