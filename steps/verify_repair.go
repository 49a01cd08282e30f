package steps

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

const (
	messageRepairing = "the target has another document with this _id, and the run ended when it was about to be repaired"
	messageRepaired  = "repaired; was: "
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
	if err := c.intend(found); err != nil {
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
			difference.message = messageRepaired + difference.outcome
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

// intend stores which documents of the target are about to be replaced: afterwards nothing there tells of it.
func (c *comparison) intend(found []difference) error {
	var intents []Reject
	for n := range found {
		if d := &found[n]; d.outcome == OutcomeDiffering && !d.twin {
			d.intended = true
			intents = append(intents, c.listed(idOf(d.document), OutcomeReplacing, messageRepairing))
		}
	}
	if len(intents) == 0 {
		return nil
	}
	return c.task.Intend(intents)
}

// repairedBefore counts and lists a document that is the same on both sides because an earlier attempt repaired it, and
// ended before it could say so.
func (c *comparison) repairedBefore(document bson.Raw) {
	if len(c.intended) == 0 {
		return
	}
	id := idOf(document)
	text := endpoint.IDText(id)
	if !c.intended[text] {
		return
	}
	delete(c.intended, text)
	c.counts.Differing++
	c.counts.Repaired++
	c.found = append(c.found, c.listed(id, OutcomeRepaired, messageRepaired+OutcomeDiffering))
}
