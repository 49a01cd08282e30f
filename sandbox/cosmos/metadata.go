package cosmos

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"

	"vida/sandbox/wire"
)

// metadata answers commands about collections and indexes, which have a budget of their own.
func (d *Double) metadata(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	if d.profile.Metered {
		wait, inTime, err := d.patiently(ctx, d.patience(), d.account.takeMetadata)
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			d.account.refuseMetadata()
			m.throttled, m.timedOut = true, !inTime
			m.units, m.wasted, m.metadata = chargeThrottled, chargeThrottled, chargeThrottled
			if m.timedOut {
				return timeoutError(), nil
			}
			return d.rateError(wait), nil
		}
		m.units, m.metadata = chargeMetadata, chargeMetadata
	}
	switch {
	case command.Is("customAction"):
		return d.customAction(ctx, command, next)
	case command.Is("listIndexes"):
		return d.listIndexes(ctx, command, next)
	case command.Is("create", "createIndexes", "drop", "dropDatabase", "dropIndexes"):
		defer d.indexes.forget()
		if command.Is("drop", "dropDatabase") {
			defer d.feeds.forget()
		}
	}
	return next(ctx, command)
}

// customAction answers Cosmos DB's extension commands.
func (d *Double) customAction(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	action, _ := command.Body.Lookup("customAction").StringValueOK()
	collection, _ := command.Body.Lookup("collection").StringValueOK()
	answer := bson.D{{Key: "database", Value: command.Database()}}
	told := d.profile.Throughput
	switch action {
	case "GetCollection":
		exists, err := hasCollection(ctx, command.Database(), collection, next)
		if err != nil {
			return nil, err
		}
		if !exists {
			return namespaceNotFound(command.Database(), collection), nil
		}
		answer = append(answer, bson.E{Key: "collection", Value: collection})
		if told == ThroughputCollection {
			answer = append(answer, d.throughput()...)
		}
	case "GetDatabase":
		if told == ThroughputDatabase {
			answer = append(answer, d.throughput()...)
		}
	case "GetChangeStreamTokens":
		if !d.profile.ChangeStreams {
			return notSupported("customAction GetChangeStreamTokens is not available on this account."), nil
		}
		exists, err := hasCollection(ctx, command.Database(), collection, next)
		if err != nil {
			return nil, err
		}
		if !exists {
			return namespaceNotFound(command.Database(), collection), nil
		}
		return d.changeStreamTokens(ctx, command, next)
	default:
		return notSupported("customAction %q is not supported.", action), nil
	}
	return wire.MarshalReply(append(answer, bson.E{Key: "ok", Value: 1.0}))
}

// throughput is what is provisioned; of autoscale that is the floor, a tenth of the maximum.
func (d *Double) throughput() bson.D {
	perSecond := int32(d.Statistics().Budget.RequestUnits)
	if !d.autoscale {
		return bson.D{{Key: "provisionedThroughput", Value: perSecond}}
	}
	return bson.D{
		{Key: "provisionedThroughput", Value: perSecond / 10},
		{Key: "autoScaleSettings", Value: bson.D{{Key: "maxThroughput", Value: perSecond}}},
	}
}

func hasCollection(ctx context.Context, database, collection string, next wire.Next) (bool, error) {
	body, err := bson.Marshal(bson.D{
		{Key: "listCollections", Value: 1},
		{Key: "filter", Value: bson.D{{Key: "name", Value: collection}}},
		{Key: "nameOnly", Value: true},
		{Key: "$db", Value: database},
	})
	if err != nil {
		return false, err
	}
	question, err := wire.NewCommand(body)
	if err != nil {
		return false, err
	}
	reply, err := next(ctx, question)
	if err != nil || !reply.OK() {
		return false, err
	}
	batch, _ := reply.Document().Lookup("cursor", "firstBatch").ArrayOK()
	values, _ := batch.Values()
	for _, value := range values {
		document, _ := value.DocumentOK()
		if name, _ := document.Lookup("name").StringValueOK(); name == collection {
			return true, nil
		}
	}
	return false, nil
}

// listIndexes lists the indexes as the account shows them, and those that it has of its own.
func (d *Double) listIndexes(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	reply, err := next(ctx, command)
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	list, ok, err := firstPage(reply.Document())
	if err != nil || !ok {
		return reply, err
	}
	namespace := command.Namespace()
	listed := map[string]bool{}
	for n, index := range list.documents {
		name, _ := index.Lookup("name").StringValueOK()
		listed[name] = true
		if d.profile.DecorateIndexes {
			if list.documents[n], err = wire.With(index, bson.D{{Key: "v", Value: int32(1)}, {Key: "ns", Value: namespace}}); err != nil {
				return nil, err
			}
		}
	}
	for _, own := range d.ownIndexes() {
		if listed[own.name] {
			continue
		}
		document := bsoncore.NewDocumentBuilder().AppendInt32("v", 1).AppendDocument("key", own.key).
			AppendString("name", own.name).AppendString("ns", namespace)
		if own.expires {
			document.AppendInt32("expireAfterSeconds", -1)
		}
		list.documents = append(list.documents, bson.Raw(document.Build()))
	}
	return list.reply()
}

type ownIndex struct {
	name    string
	key     bsoncore.Document
	expires bool
}

func (d *Double) ownIndexes() []ownIndex {
	var list []ownIndex
	if d.profile.TTLIndex {
		list = append(list, ownIndex{"_ts_1", bsoncore.NewDocumentBuilder().AppendInt32("_ts", 1).Build(), true})
	}
	if d.profile.DefaultIndexes {
		list = append(list,
			ownIndex{"DocumentDBDefaultIndex_1", bsoncore.NewDocumentBuilder().AppendInt32("DocumentDBDefaultIndex", 1).Build(), false},
			ownIndex{"DocumentDBDefaultIndex_2dsphere", bsoncore.NewDocumentBuilder().AppendString("DocumentDBDefaultIndex", "2dsphere").Build(), false})
	}
	return list
}
