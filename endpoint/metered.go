package endpoint

import (
	"context"

	"go.mongodb.org/mongo-driver/mongo/description"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

// meteredDeployment is the topology as the driver's client sees it. Once the reader has a meter, what the client
// does is let through and counted as what the lanes do is: on the very connection that does the work.
type meteredDeployment struct {
	*topology.Topology
	reader *Reader
}

// SelectServer implements [driver.Deployment].
func (d *meteredDeployment) SelectServer(ctx context.Context, selector description.ServerSelector) (driver.Server, error) {
	server, err := d.Topology.SelectServer(ctx, selector)
	if err != nil || d.reader.meter == nil {
		return server, err
	}
	return &meteredServer{Server: server, meter: d.reader.meter}, nil
}

type meteredServer struct {
	driver.Server
	meter *meter
}

// Connection implements [driver.Server].
func (s *meteredServer) Connection(ctx context.Context) (driver.Connection, error) {
	connection, err := s.Server.Connection(ctx)
	if err != nil {
		return nil, err
	}
	return &meteredConnection{Connection: connection, meter: s.meter}, nil
}

// ProcessError implements [driver.ErrorProcessor].
func (s *meteredServer) ProcessError(err error, connection driver.Connection) driver.ProcessErrorResult {
	processor, ok := s.Server.(driver.ErrorProcessor)
	if !ok {
		return driver.NoChange
	}
	if metered, ok := connection.(*meteredConnection); ok {
		connection = metered.Connection
	}
	return processor.ProcessError(err, connection)
}

// meteredConnection is used by one operation at a time.
type meteredConnection struct {
	driver.Connection
	meter      *meter
	next       demand // as it was before it was compressed
	admitted   admission
	charging   bool
	compressed bool
}

// CompressWireMessage implements [driver.Compressor].
func (c *meteredConnection) CompressWireMessage(source, destination []byte) ([]byte, error) {
	compressor, ok := c.Connection.(driver.Compressor)
	if !ok {
		return append(destination, source...), nil
	}
	c.next, c.compressed = demandOf(source), true
	return compressor.CompressWireMessage(source, destination)
}

// WriteWireMessage implements [driver.Connection]. It waits for the command's turn.
func (c *meteredConnection) WriteWireMessage(ctx context.Context, message []byte) error {
	if !c.compressed {
		c.next = demandOf(message)
	}
	c.compressed, c.charging = false, !c.next.free()
	if c.charging {
		var err error
		if c.admitted, err = c.meter.admit(ctx, c.next); err != nil {
			c.charging = false
			return err
		}
	}
	err := c.Connection.WriteWireMessage(ctx, message)
	if err != nil && c.charging {
		c.charging = false
		c.meter.settle(c.admitted, nil, err, func() (bsoncore.Document, error) { return nil, err })
	}
	return err
}

// ReadWireMessage implements [driver.Connection]. It asks for the cost before it returns.
func (c *meteredConnection) ReadWireMessage(ctx context.Context) ([]byte, error) {
	message, err := c.Connection.ReadWireMessage(ctx)
	if !c.charging {
		return message, err
	}
	c.charging = false
	var document bsoncore.Document
	failure := err
	if err == nil {
		document, failure = replyDocument(message)
	}
	if failure == nil {
		document, failure = checked(document)
	}
	if c.meter.settle(c.admitted, document, failure, func() (bsoncore.Document, error) { return c.ask(ctx) }) {
		c.meter.mu.Lock()
		c.meter.usage.Throttled++
		c.meter.mu.Unlock()
	}
	return message, err
}

func (c *meteredConnection) ask(ctx context.Context) (bsoncore.Document, error) {
	if err := c.Connection.WriteWireMessage(ctx, c.meter.reader.statisticsMessage()); err != nil {
		return nil, err
	}
	message, err := c.Connection.ReadWireMessage(ctx)
	if err != nil {
		return nil, err
	}
	document, err := replyDocument(message)
	if err != nil {
		return nil, err
	}
	return checked(document)
}

// checked tells a reply from a refusal.
func checked(reply bsoncore.Document) (bsoncore.Document, error) {
	if ok, isNumber := reply.Lookup("ok").AsInt64OK(); !isNumber || ok != 1 {
		return nil, commandError(reply)
	}
	return reply, nil
}
