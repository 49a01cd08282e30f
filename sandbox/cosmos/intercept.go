package cosmos

import (
	"context"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// lastKey is where a connection keeps the cost of its last command.
type lastKey struct{}

type lastRequest struct {
	command string
	units   float64
	took    time.Duration
}

// Intercept answers as the account would.
func (d *Double) Intercept(ctx context.Context, conn *wire.Conn, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	if d.profile.Metered && command.Is("getLastRequestStatistics") {
		last, _ := conn.Value(lastKey{}).(lastRequest)
		return wire.MarshalReply(bson.D{
			{Key: "CommandName", Value: last.command},
			{Key: "RequestCharge", Value: last.units},
			{Key: "RequestDurationInMilliSeconds", Value: last.took.Milliseconds()},
			{Key: "ok", Value: 1.0},
		})
	}
	drop := !isHandshake(command) && d.luck(d.profile.DropConnections)
	if drop && d.luck(0.5) {
		d.ledger.drop()
		return nil, wire.ErrReset
	}
	var m meter
	started := time.Now()
	reply, err := d.answer(ctx, &m, command, next)
	if err != nil {
		return nil, err
	}
	conn.SetValue(lastKey{}, lastRequest{command: command.Name, units: m.units, took: time.Since(started)})
	d.ledger.record(command.Name, &m, refusalCode(reply))
	if drop {
		d.ledger.drop()
		return nil, wire.ErrReset
	}
	return reply, nil
}

func isHandshake(command *wire.Command) bool {
	return command.Is("hello", "isMaster", "saslStart", "saslContinue", "authenticate", "endSessions")
}

func refusalCode(reply *wire.Reply) int32 {
	if reply == nil || reply.OK() {
		return 0
	}
	code, _ := reply.Document().Lookup("code").AsInt64OK()
	return int32(code)
}

func (d *Double) answer(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	switch {
	case command.Is("hello") && !d.profile.Hello:
		return commandNotFound(command.Name), nil
	case command.Is("hello", "isMaster"):
		return d.hello(ctx, command, next)
	case command.Is("buildInfo"):
		return d.buildInfo()
	case !d.profile.Metered && command.Is("getLastRequestStatistics", "customAction"):
		return commandNotFound(command.Name), nil
	}
	if refusal := d.refuse(command); refusal != nil {
		return refusal, nil
	}
	switch strings.ToLower(command.Name) {
	case "find", "aggregate":
		return d.read(ctx, m, command, next)
	case "getmore":
		return d.getMore(ctx, m, command, next)
	case "killcursors":
		return d.killCursors(ctx, command, next)
	case "count", "distinct":
		return d.count(ctx, m, command, next)
	case "insert", "update", "delete":
		return d.write(ctx, m, command, next)
	case "findandmodify":
		return d.modify(ctx, m, command, next)
	case "customaction", "listcollections", "listdatabases", "listindexes", "collstats", "dbstats", "create",
		"createindexes", "drop", "dropdatabase", "dropindexes":
		return d.metadata(ctx, m, command, next)
	}
	return next(ctx, command)
}

// hello tells the account's versions and limits instead of the server's.
func (d *Double) hello(ctx context.Context, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	reply, err := next(ctx, command)
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	document := reply.Document()
	if !d.profile.Hello {
		document = wire.Without(document, "helloOk") // else drivers turn to hello
	}
	document, err = wire.With(document, bson.D{
		{Key: "minWireVersion", Value: int32(0)},
		{Key: "maxWireVersion", Value: d.profile.WireVersion},
		{Key: "maxWriteBatchSize", Value: int32(d.profile.MaxWriteBatch)},
		{Key: "logicalSessionTimeoutMinutes", Value: int32(30)},
	})
	if err != nil {
		return nil, err
	}
	return wire.NewReply(document), nil
}

func (d *Double) buildInfo() (*wire.Reply, error) {
	var parts bson.A
	for part := range strings.SplitSeq(d.profile.ServerVersion+".0", ".") {
		number, _ := strconv.Atoi(part) // what is no number counts as 0, as in a release candidate
		parts = append(parts, int32(number))
	}
	return wire.MarshalReply(bson.D{
		{Key: "version", Value: d.profile.ServerVersion},
		{Key: "versionArray", Value: parts},
		{Key: "bits", Value: int32(64)},
		{Key: "maxBsonObjectSize", Value: int32(16 << 20)},
		{Key: "ok", Value: 1.0},
	})
}
