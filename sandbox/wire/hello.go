package wire

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
)

// handshake keeps clients on the proxy: what the server says of its replica set becomes the proxy's own.
type handshake struct {
	address    string // that clients shall use
	replicaSet string // empty: look like a server on its own
}

// Intercept alters hello under each of its names.
func (h handshake) Intercept(ctx context.Context, _ *Conn, command *Command, next Next) (*Reply, error) {
	if !command.Is("hello", "isMaster") {
		return next(ctx, command)
	}
	// Without topologyVersion the server answers at once instead of when something changes.
	reply, err := next(ctx, command.WithBody(Without(command.Body, "compression", "topologyVersion", "maxAwaitTimeMS")))
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	document := Without(reply.Document(),
		"compression", "topologyVersion", "setName", "setVersion", "hosts", "passives", "arbiters", "primary", "me",
		"tags", "electionId", "lastWrite", "arbiterOnly", "passive", "hidden", "isreplicaset", "msg")
	if h.replicaSet != "" {
		document, err = With(document, bson.D{
			{Key: "setName", Value: h.replicaSet},
			{Key: "setVersion", Value: int32(1)},
			{Key: "hosts", Value: bson.A{h.address}},
			{Key: "primary", Value: h.address},
			{Key: "me", Value: h.address},
		})
		if err != nil {
			return nil, err
		}
	}
	return NewReply(document), nil
}
