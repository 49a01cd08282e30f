package cosmos

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// read answers find and aggregate.
func (d *Double) read(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	if isChangeStream(command) {
		return d.watch(ctx, m, command, next)
	}
	if refusal, err := d.refuseSort(ctx, command, next); refusal != nil || err != nil {
		return refusal, err
	}
	partition := d.target(filterOf(command))
	if refusal, err := d.admit(ctx, m, partition); refusal != nil || err != nil {
		return refusal, err
	}
	reply, err := next(ctx, command)
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	page, ok, err := firstPage(reply.Document())
	if err != nil || !ok { // explain has no cursor
		return reply, err
	}
	scanned, err := d.scanned(ctx, command, page, next)
	if err != nil {
		return nil, err
	}
	single, _ := command.Body.Lookup("singleBatch").BooleanOK()
	altered := !single && command.Is("find") && d.addTwins(&page)
	altered = d.cut(&page, command.Namespace(), single) || altered
	d.charge(m, partition, d.reading(scanned))
	d.chargePage(m, partition, page.documents)
	if !altered {
		return reply, nil
	}
	return page.reply()
}

// filterOf is what a find, or an aggregation in its first stage, selects documents by.
func filterOf(command *wire.Command) bson.Raw {
	if command.Is("find") {
		filter, _ := command.Body.Lookup("filter").DocumentOK()
		return filter
	}
	if list := stages(command); len(list) > 0 && list[0].name == "$match" {
		filter, _ := list[0].spec.DocumentOK()
		return filter
	}
	return nil
}

// getMore answers with what a page left over, or else with the server's next batch.
func (d *Double) getMore(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	id, _ := command.Body.Lookup("getMore").AsInt64OK()
	if d.luck(d.profile.LoseCursors) {
		return d.loseCursor(ctx, id, command, next)
	}
	if opened := d.streams.get(id); opened != nil {
		return d.watchMore(ctx, m, command, id, opened, next)
	}
	if refusal, err := d.admit(ctx, m, everyPartition); refusal != nil || err != nil {
		return refusal, err // the cursor is still there
	}
	if page, ok := d.pages.take(id, command.Namespace(), batchSize(command), d.profile.MaxPageBytes); ok {
		d.chargePage(m, everyPartition, page.documents)
		return page.reply()
	}
	reply, err := next(ctx, command)
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	page, ok, err := nextPage(reply.Document())
	if err != nil || !ok {
		return reply, err
	}
	page.asked = id
	altered := d.addTwins(&page)
	altered = d.cut(&page, command.Namespace(), false) || altered
	d.chargePage(m, everyPartition, page.documents)
	if !altered {
		return reply, nil
	}
	return page.reply()
}

func batchSize(command *wire.Command) int {
	size, _ := command.Body.Lookup("batchSize").AsInt64OK()
	return int(size)
}

// loseCursor forgets a cursor, here and at the server.
func (d *Double) loseCursor(ctx context.Context, id int64, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	if !d.streams.drop(id) && !d.pages.drop(id) {
		body := bson.D{
			{Key: "killCursors", Value: command.Collection()},
			{Key: "cursors", Value: bson.A{id}},
			{Key: "$db", Value: command.Database()},
		}
		if session := command.Body.Lookup("lsid"); session.Type != 0 {
			body = append(body, bson.E{Key: "lsid", Value: session})
		}
		if err := send(ctx, body, next); err != nil {
			return nil, err
		}
	}
	return wire.ErrorReply(codeCursorNotFound, "CursorNotFound", "Cursor not found, or already closed."), nil
}

// send sends a command of the double's own, whose answer does not matter.
func send(ctx context.Context, body bson.D, next wire.Next) error {
	raw, err := bson.Marshal(body)
	if err != nil {
		return err
	}
	own, err := wire.NewCommand(raw)
	if err != nil {
		return err
	}
	_, err = next(ctx, own)
	return err
}

// killCursors ends cursors that only the double knows itself, and passes the others on.
func (d *Double) killCursors(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	array, _ := command.Body.Lookup("cursors").ArrayOK()
	values, _ := array.Values()
	var own, others bson.A
	for _, value := range values {
		id, _ := value.AsInt64OK()
		if d.streams.drop(id) || d.pages.drop(id) {
			own = append(own, id)
		} else {
			others = append(others, id)
		}
	}
	if len(own) == 0 {
		return next(ctx, command)
	}
	if len(others) > 0 {
		body, err := wire.With(command.Body, bson.D{{Key: "cursors", Value: others}})
		if err != nil {
			return nil, err
		}
		reply, err := next(ctx, command.WithBody(body))
		if err != nil || !reply.OK() {
			return reply, err
		}
		killed, _ := reply.Document().Lookup("cursorsKilled").ArrayOK()
		values, _ := killed.Values()
		for _, value := range values {
			own = append(own, value)
		}
	}
	return wire.MarshalReply(bson.D{
		{Key: "cursorsKilled", Value: own},
		{Key: "cursorsNotFound", Value: bson.A{}},
		{Key: "cursorsAlive", Value: bson.A{}},
		{Key: "cursorsUnknown", Value: bson.A{}},
		{Key: "ok", Value: 1.0},
	})
}

// count answers count and distinct.
func (d *Double) count(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	filter, _ := command.Body.Lookup("query").DocumentOK()
	partition := d.target(filter)
	if refusal, err := d.admit(ctx, m, partition); refusal != nil || err != nil {
		return refusal, err
	}
	reply, err := next(ctx, command)
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	counted, _ := reply.Document().Lookup("n").AsInt64OK()
	d.charge(m, partition, d.reading(queryPage(len(reply.Document()), d.asked(partition))+float64(counted)/countedPerUnit))
	return reply, nil
}

// scanned is what an aggregation costs beyond what it returns.
func (d *Double) scanned(ctx context.Context, command *wire.Command, page page, next wire.Next) (float64, error) {
	var samples, groups bool
	for _, stage := range stages(command) {
		samples = samples || stage.name == "$sample"
		groups = groups || stage.name == "$group" || stage.name == "$count" || stage.name == "$sortByCount"
	}
	if !d.profile.Metered || !samples && !groups {
		return 0, nil
	}
	if groups && len(page.documents) == 1 {
		if counted, ok := page.documents[0].Lookup("n").AsInt64OK(); ok { // the driver's way to count
			return float64(counted) / countedPerUnit, nil
		}
	}
	body, err := bson.Marshal(bson.D{{Key: "collStats", Value: command.Collection()}, {Key: "$db", Value: command.Database()}})
	if err != nil {
		return 0, err
	}
	question, err := wire.NewCommand(body)
	if err != nil {
		return 0, err
	}
	reply, err := next(ctx, question)
	if err != nil || !reply.OK() {
		return 0, err
	}
	bytes, _ := asFloat(reply.Document().Lookup("size"))
	documents, _ := asFloat(reply.Document().Lookup("count"))
	if samples {
		return bytes / kb * chargeReadPerKB, nil
	}
	return documents / countedPerUnit, nil
}

// reading is a read's charge at the account's consistency.
func (d *Double) reading(units float64) float64 {
	if d.profile.StrongReads {
		return 2 * units
	}
	return units
}

func (d *Double) asked(partition int) int {
	if partition != everyPartition {
		return 1
	}
	return d.account.count()
}

// chargePage charges the partitions that a page's documents come from, and all that were asked.
func (d *Double) chargePage(m *meter, partition int, documents []bson.Raw) {
	if !d.profile.Metered {
		return
	}
	if partition != everyPartition {
		bytes := 0
		for _, document := range documents {
			bytes += len(document)
		}
		d.charge(m, partition, d.reading(pointRead(bytes)))
		return
	}
	bytes := make([]int, d.account.count())
	for _, document := range documents {
		bytes[partitionIn(hashOf(document.Lookup("_id")), len(bytes))] += len(document)
	}
	for n := range bytes {
		d.charge(m, n, d.reading(queryPage(bytes[n], 1)))
	}
}
