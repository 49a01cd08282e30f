package endpoint

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// meter keeps the account of the request units that one connection of a plan has used, and lets a command start
// when the governor does. The server tells what the last command on a connection cost; asking takes a round trip,
// so it is asked often enough to be reckoned with, and always after something was throttled.
type meter struct {
	reader   *Reader
	governor *Governor

	mu       sync.Mutex
	usage    Usage
	told     int64 // answers
	refusals int64 // to tell, with none in between
}

// demand is a command that is about to be sent.
type demand struct {
	command    string
	collection string // empty: about no collection, and not from the budget
	kind       string // of tariff
	weight     float64
	stopping   <-chan struct{}
}

// Charges as they are documented: what a tariff learns is how far from it a server is.
const (
	documentedReadPerKB   = 1.0
	documentedInsertPerKB = 5.5
	documentedUpdatePerKB = 2 * documentedInsertPerKB
	documentedRefusal     = 0.38
	documentedMetadata    = 1.0
	kilobyte              = 1024.0
)

// Kinds of tariffs, beside which each command of the driver's has one of its own.
const (
	kindRead   = "read"
	kindInsert = "insert"
	kindStream = "stream"
)

// insertWeight is the documented charge of inserting a document.
func insertWeight(document bson.Raw) float64 {
	return max(float64(len(document))/kilobyte, 1) * documentedInsertPerKB
}

func readWeight(bytes int64) float64 { return float64(bytes) / kilobyte * documentedReadPerKB }

// admission is a command that may start.
type admission struct {
	demand
	fund     *fund
	expected float64
	at       time.Time
	exact    bool // the server is asked in any case
}

type exactKey struct{}

// exactly makes what is sent be charged for by what the server tells, each time.
func exactly(ctx context.Context) context.Context {
	return context.WithValue(ctx, exactKey{}, true)
}

// admit waits for a command's turn.
func (m *meter) admit(ctx context.Context, d demand) (admission, error) {
	a := admission{demand: d, expected: m.governor.reckon(d.kind, d.weight), exact: ctx.Value(exactKey{}) != nil}
	var err error
	if d.collection != "" {
		a.fund, err = m.governor.draw(ctx, m.reader, d.collection, a.expected, d.stopping)
	}
	a.at = m.governor.now()
	return a, err
}

// settle enters what a command cost, and tells whether it was throttled. ask asks the server on the connection that
// did the work.
func (m *meter) settle(a admission, reply bsoncore.Document, err error, ask func() (bsoncore.Document, error)) (throttled bool) {
	refused, pause := throttledIn(reply, err)
	if reply != nil && (a.kind == kindRead || a.kind == kindStream) {
		a.weight = readWeight(int64(len(reply)))
	}
	cost, told := 0.0, false
	refusal := new(CommandError)
	empty := a.kind == kindStream && emptyPage(reply)
	unusual := refused > 0 || errors.As(err, &refusal)
	if unusual || empty || reply != nil && (m.governor.due(a.kind) || a.exact) {
		cost, told = m.ask(ask)
	}
	if told {
		m.governor.grant(a.kind, a.expected, cost)
	}
	if empty && told && cost < leastPageCost {
		refused = 1 // a change stream does not say so otherwise
	}
	switch {
	case told && refused == 0 && err == nil:
		m.governor.observe(a.kind, a.weight, cost)
	case told:
	case refused > 0 && err != nil:
		cost = documentedRefusal
	case refused > 0:
		cost = a.expected // at most: some of it was refused
	case unusual: // a lost cursor, or a collection that is not there
	case err != nil:
		cost = m.governor.broken(a.kind, a.expected)
	default:
		cost = m.governor.reckon(a.kind, a.weight)
	}
	m.governor.settle(a.fund, a.expected, cost)
	m.governor.spend(cost)
	if refused > 0 {
		m.governor.throttled(a.fund, a.at, pause)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usage.RequestUnits += cost
	return refused > 0
}

// A server that refuses so often without ever having answered is not asked any more.
const mostRefusals = 3

// emptyPage tells whether an answer is a page without documents.
func emptyPage(reply bsoncore.Document) bool {
	cursor, ok := reply.Lookup("cursor").DocumentOK()
	if !ok {
		return false
	}
	for _, field := range []string{"firstBatch", "nextBatch"} {
		if list, ok := cursor.Lookup(field).ArrayOK(); ok {
			return len(list) <= 5
		}
	}
	return false
}

// tells tells whether the server says what commands cost.
func (m *meter) tells() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told > 0
}

func (m *meter) ask(ask func() (bsoncore.Document, error)) (float64, bool) {
	m.mu.Lock()
	silent := m.told == 0 && m.refusals >= mostRefusals
	m.mu.Unlock()
	if silent {
		return 0, false
	}
	reply, err := ask()
	charge, ok := 0.0, false
	if err == nil {
		charge, ok = asFloat(reply.Lookup("RequestCharge"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case ok:
		m.told++
	case err == nil || Code(err) != 0:
		m.refusals++
	}
	return charge, ok
}

func asFloat(v bsoncore.Value) (float64, bool) {
	if f, ok := v.DoubleOK(); ok {
		return f, true
	}
	n, ok := v.AsInt64OK()
	return float64(n), ok
}

// throttledIn tells how many operations an answer says were refused for want of request units, and the longest
// pause that it asks for.
func throttledIn(reply bsoncore.Document, err error) (refused int, pause time.Duration) {
	var refusal *CommandError
	if errors.As(err, &refusal) && Throttled(refusal.Code, refusal.Message) {
		return 1, retryAfter(refusal.Message)
	}
	list, ok := reply.Lookup("writeErrors").ArrayOK()
	if !ok {
		return 0, 0
	}
	values, _ := list.Values()
	for _, v := range values {
		entry, _ := v.DocumentOK()
		code, _ := entry.Lookup("code").AsInt64OK()
		message, _ := entry.Lookup("errmsg").StringValueOK()
		if Throttled(int32(code), message) {
			refused++
			pause = max(pause, retryAfter(message))
		}
	}
	return refused, pause
}

// Usage is what the connection has used since it was opened, but for what cursors and inserters count themselves:
// their retries and throttling. It is Estimated where the server did not tell.
func (r *Reader) Usage() Usage {
	if r.meter == nil {
		return Usage{}
	}
	r.meter.mu.Lock()
	defer r.meter.mu.Unlock()
	usage := r.meter.usage
	usage.Estimated = r.meter.told == 0 && usage.RequestUnits > 0
	return usage
}

// Budget is the request units a second that may be used by what has been worked on so far; 0 where unknown, off, or
// without a meaning.
func (r *Reader) Budget() float64 {
	if r.meter == nil {
		return 0
	}
	return r.meter.governor.PerSecond()
}

// Spent is the request units that everything that uses the connection's budget has used, other readers included.
func (r *Reader) Spent() float64 {
	if r.meter == nil {
		return 0
	}
	return r.meter.governor.Spent()
}

// statisticsMessage asks what the last command on a connection cost.
func (r *Reader) statisticsMessage() []byte {
	index, start, message := appendMessageStart(nil, 0)
	message = bsoncore.AppendInt32Element(message, "getLastRequestStatistics", 1)
	message = bsoncore.AppendStringElement(message, "$db", r.config.Database)
	message, _ = bsoncore.AppendDocumentEnd(message, start)
	return bsoncore.UpdateLength(message, index, int32(len(message))-index)
}

// What a document is taken for at least, where each byte is paid for and none has been seen: metadata may be stale.
const unseenDocument = 4096

// page is how many bytes to ask for at once, of at most so many, and what to take a document for that has about mean
// bytes (0: unknown), which is guessed where none has been seen.
func (l *lane) page(kind, collection string, bytes int64, mean float64, guessed bool) (most, document float64) {
	most = float64(bytes)
	if l.endpoint.meter == nil {
		return most, mean
	}
	if weight := l.endpoint.meter.governor.affordable(kind, collection); weight > 0 {
		most = min(most, weight/documentedReadPerKB*kilobyte)
		if guessed {
			mean = max(mean, unseenDocument)
		}
	}
	return most, mean
}

// exchange is roundTrip for a command that costs request units where the server counts them.
func (l *lane) exchange(ctx context.Context, message []byte, d demand) (bsoncore.Document, error) {
	reply, _, err := l.metered(ctx, message, d)
	return reply, err
}

// metered is exchange that tells whether the command was refused for want of request units, as far as that is no error.
func (l *lane) metered(ctx context.Context, message []byte, d demand) (reply bsoncore.Document, throttled bool, err error) {
	m := l.endpoint.meter
	if m == nil {
		reply, err = l.roundTrip(ctx, message)
		return reply, false, err
	}
	admitted, err := m.admit(ctx, d)
	if err != nil {
		return nil, false, err
	}
	reply, err = l.roundTrip(ctx, message)
	throttled = m.settle(admitted, reply, err, func() (bsoncore.Document, error) {
		if l.connection == nil {
			return nil, errBadReply
		}
		return l.roundTrip(ctx, l.endpoint.statisticsMessage())
	})
	return reply, throttled, err
}

// tell is exchange for a message that is not answered: what it cost is reckoned.
func (l *lane) tell(ctx context.Context, message []byte, d demand) error {
	m := l.endpoint.meter
	if m == nil {
		return l.send(ctx, message)
	}
	admitted, err := m.admit(ctx, d)
	if err != nil {
		return err
	}
	err = l.send(ctx, message)
	m.settle(admitted, nil, err, func() (bsoncore.Document, error) { return nil, errBadReply })
	return err
}

// demandOf reads what a command of the driver's is.
func demandOf(message []byte) demand {
	_, _, _, opcode, body, ok := wiremessage.ReadHeader(message)
	if !ok || opcode != wiremessage.OpMsg || len(body) < 10 {
		return demand{}
	}
	document, _, ok := bsoncore.ReadDocument(body[5:])
	if !ok {
		return demand{}
	}
	first, err := document.IndexErr(0)
	if err != nil {
		return demand{}
	}
	d := demand{command: first.Key(), kind: "driver's " + first.Key(), weight: documentedMetadata}
	switch d.command {
	case "find", "aggregate", "count", "distinct":
		d.collection, _ = first.Value().StringValueOK()
	case "insert", "update", "delete", "findAndModify":
		d.collection, _ = first.Value().StringValueOK()
		d.weight = float64(len(message)) / kilobyte * documentedUpdatePerKB
	case "getMore":
		d.collection, _ = document.Lookup("collection").StringValueOK()
	}
	if strings.HasPrefix(d.collection, "$cmd") { // the cursor of a list
		d.collection = ""
	}
	return d
}

// free are commands that cost nothing.
func (d demand) free() bool {
	switch d.command {
	case "", "hello", "isMaster", "ping", "buildInfo", "killCursors", "endSessions", "connectionStatus", "getLastRequestStatistics":
		return true
	}
	return false
}
