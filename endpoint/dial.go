package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/x/mongo/driver/session"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"
)

const (
	// An idle connection through Azure's load balancer is dropped after four minutes without a word.
	maxConnectionIdle = 2 * time.Minute

	defaultSelectionTimeout = 15 * time.Second
	defaultConnectTimeout   = 10 * time.Second

	// A command may take this much longer than finding a server, whose own error says more.
	answerMargin = time.Second

	// How long to wait for a server to take a farewell.
	closePatience = time.Second
)

// OpenReader connects, finds out what the server is, and checks that it answers. It gives up after the
// server-selection time-out of the URI (15 seconds unless it names one), and at once when ctx is done.
func OpenReader(ctx context.Context, config Config) (*Reader, error) {
	waiting, release := untilStopping(ctx, config.Stopping)
	defer release()
	if err := lookUpSRV(waiting, config.URI); err != nil {
		return nil, stopped(ctx, waiting, connectFailure(err, config))
	}
	clientOptions, err := clientOptions(config)
	if err != nil {
		return nil, connectFailure(err, config)
	}
	clock := new(session.ClusterClock)
	topologyConfig, err := topology.NewConfig(clientOptions, clock)
	if err != nil {
		return nil, connectFailure(err, config)
	}
	servers, err := topology.New(topologyConfig)
	if err != nil {
		return nil, connectFailure(err, config)
	}
	r := &Reader{
		config:     config,
		servers:    servers,
		preference: readPreference(clientOptions),
		answerIn:   max(*clientOptions.ServerSelectionTimeout, *clientOptions.ConnectTimeout) + answerMargin,
	}
	// The client shares the topology, and with it the connection pool, of the unparsed data path.
	clientOptions.Deployment = &meteredDeployment{Topology: servers, reader: r} //nolint:staticcheck // internal to the driver, and the one way to share its pool
	client, err := mongo.Connect(ctx, clientOptions)
	if err != nil {
		return nil, connectFailure(err, config)
	}
	r.client = client
	if r.watched, err = r.tellOutages(); err != nil {
		return nil, errors.Join(connectFailure(err, config), client.Disconnect(context.WithoutCancel(ctx)))
	}
	err = r.reach(waiting, *clientOptions.ServerSelectionTimeout)
	if err == nil {
		err = r.discover(waiting, clientOptions.Hosts)
	}
	if err != nil {
		err = stopped(ctx, waiting, connectFailure(err, config))
		return nil, errors.Join(err, r.Close(context.WithoutCancel(ctx)))
	}
	if r.info.Kind == KindCosmos {
		governor := config.Governor
		if governor == nil {
			governor = NewGovernor(config.RequestUnits)
		}
		r.meter = &meter{reader: r, governor: governor}
	}
	return r, nil
}

// OpenWriter is OpenReader for a connection that is written to.
func OpenWriter(ctx context.Context, config Config) (*Writer, error) {
	r, err := OpenReader(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Writer{Reader: r}, nil
}

// Close gives every connection back. A server that is not there any more does not hold it up.
func (r *Reader) Close(ctx context.Context) error {
	r.watched()
	// Not a deadline: given one, the driver waits for it while a connection is in use.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(closePatience, cancel).Stop()
	if err := r.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		return fmt.Errorf("connection %s: disconnect: %w", r.config.Name, r.scrub(err))
	}
	return nil
}

func clientOptions(config Config) (*options.ClientOptions, error) {
	o := options.Client().ApplyURI(config.URI)
	if err := o.Validate(); err != nil {
		return nil, err
	}
	// Never: every insert is sent again by _id, which needs no server-side memory of it, and Cosmos DB
	// refuses retryable writes altogether.
	o.SetRetryWrites(false)
	if o.MaxPoolSize == nil && config.PoolSize > 0 {
		o.SetMaxPoolSize(uint64(config.PoolSize))
	}
	if o.MaxConnIdleTime == nil || *o.MaxConnIdleTime == 0 || *o.MaxConnIdleTime > maxConnectionIdle {
		o.SetMaxConnIdleTime(maxConnectionIdle)
	}
	if len(o.Compressors) == 0 && len(config.Compressors) > 0 {
		o.SetCompressors(config.Compressors)
	}
	if o.AppName == nil {
		o.SetAppName("vida")
	}
	if o.ServerSelectionTimeout == nil {
		o.SetServerSelectionTimeout(defaultSelectionTimeout)
	}
	if o.ConnectTimeout == nil {
		o.SetConnectTimeout(defaultConnectTimeout)
	}
	return o, nil
}

func readPreference(o *options.ClientOptions) *readpref.ReadPref {
	if o.ReadPreference != nil {
		return o.ReadPreference
	}
	return readpref.Primary()
}

// discover fills in r.info.
func (r *Reader) discover(ctx context.Context, hosts []string) error {
	hello, err := r.ask(ctx, adminDatabase, bson.D{{Key: "hello", Value: 1}})
	if refusal(err) && Code(err) != CodeUnauthorized && !Transient(err) {
		// Old servers, and some accounts of Cosmos DB, know its elder sister only.
		hello, err = r.ask(ctx, adminDatabase, bson.D{{Key: "isMaster", Value: 1}})
	}
	if err != nil {
		return err
	}
	r.info = ServerInfo{
		Kind:          KindMongoDB,
		Hosts:         slices.Clone(hosts),
		WireVersion:   int32(number(hello, "maxWireVersion", 0)),
		MaxBatchCount: number(hello, "maxWriteBatchSize", 100_000),
		MaxMessage:    number(hello, "maxMessageSizeBytes", 48_000_000),
		MaxDocument:   number(hello, "maxBsonObjectSize", 16<<20),
	}
	if r.info.RoundTrip, err = r.Ping(ctx, 1); err != nil {
		return err
	}
	build, err := r.ask(ctx, adminDatabase, bson.D{{Key: "buildInfo", Value: 1}})
	if err == nil {
		r.info.Version, _ = build.Lookup("version").StringValueOK()
		if gateway, ok := build.Lookup("ferretdb", "version").StringValueOK(); ok {
			r.info.Kind, r.info.SpoolsSorted = KindDocumentDB, true
			r.info.Version += " (FerretDB " + gateway + ")"
		} else if build.Lookup("ferretdbFeatures").Type != 0 {
			r.info.Version += " (FerretDB 1)"
			r.info.ScansRanges, r.info.OneUpdate = true, true
		}
	} else if !refusal(err) || Transient(err) {
		return err
	}
	switch r.config.Kind {
	case KindCosmos, KindMongoDB:
		r.info.Kind = r.config.Kind
		return nil
	}
	cosmos, err := r.answersAsCosmos(ctx)
	if cosmos {
		r.info.Kind = KindCosmos
	}
	return err
}

// answersAsCosmos asks for the one thing that only Cosmos DB has.
func (r *Reader) answersAsCosmos(ctx context.Context) (bool, error) {
	cosmos := false
	err := r.shortly(ctx, func(ctx context.Context) error {
		reply, err := r.runCommand(ctx, bson.D{{Key: "getLastRequestStatistics", Value: 1}})
		if err != nil && Throttled(Code(err), err.Error()) {
			cosmos = true // nobody else throttles so
			return nil
		}
		cosmos = err == nil && reply.Lookup("RequestCharge").Type != 0
		return err
	})
	if refusal(err) && !Transient(err) {
		err = nil // it is another server; no answer at all would be something else
	}
	return cosmos, err
}

// number reads an integer of any numeric type.
func number(document bson.Raw, field string, otherwise int64) int64 {
	if n, ok := document.Lookup(field).AsInt64OK(); ok {
		return n
	}
	return otherwise
}
