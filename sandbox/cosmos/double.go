package cosmos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vida/sandbox/control"
	"vida/sandbox/wire"
)

// Options say what to imitate, and where.
type Options struct {
	Profile      Profile // see BuiltInProfile and ParseProfile
	Listen       string  // host:port; empty for a free port of 127.0.0.1
	Upstream     string  // host:port or mongodb:// URI of the server that keeps the documents
	Advertise    string  // host:port that hello tells clients; empty for the listener's address
	StatsListen  string  // host:port of the HTTP endpoint; empty for a free port of 127.0.0.1
	PortalURI    bool    // URI() carries the options of a connection string from the portal
	User         string  // that clients have to be, authenticated by SCRAM-SHA-256; empty: anybody, unauthenticated
	Key          string  // the user's password; a secret
	RequestUnits float64 // a second; 0 for 10,000
	Partitions   int     // physical ones; 0 for as many as the throughput needs (10,000 RU/s each)
	Autoscale    bool    // RequestUnits is the maximum; a tenth of it is told as provisioned
	Background   float64 // request units a second that other traffic uses
	Seed         uint64  // of everything left to chance
	Interceptors []wire.Interceptor
	Logger       *slog.Logger
	Now          func() time.Time // the clock of the budget; nil for the real one
}

const (
	defaultRequestUnits    = 10_000
	mostPerPartition       = 10_000
	mostPhysicalPartitions = 10_000
)

// Double is a running double. Its methods may be called at any time.
type Double struct {
	profile   Profile
	portalURI bool
	user      *url.Userinfo // nil for none
	autoscale bool
	now       func() time.Time
	proxy     *wire.Proxy
	account   *account
	ledger    *ledger
	pages     *pages
	indexes   indexCache
	feeds     feeds
	streams   streams
	retrying  atomic.Bool // server-side retry

	randomMu sync.Mutex
	random   *rand.Rand

	stats  *control.Endpoint
	cancel context.CancelFunc
}

// Start starts a double. It serves until it is closed; its clients are cut off when ctx is done.
func Start(ctx context.Context, options Options) (*Double, error) {
	if options.RequestUnits == 0 {
		options.RequestUnits = defaultRequestUnits
	}
	if options.Partitions == 0 {
		options.Partitions = int(math.Ceil(options.RequestUnits / mostPerPartition))
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if err := options.Profile.Validate(); err != nil {
		return nil, fmt.Errorf("profile %s: %w", options.Profile.Name, err)
	}
	if err := checkThroughput(options.RequestUnits, options.Background); err != nil {
		return nil, err
	}
	if options.Partitions < 1 || options.Partitions > mostPhysicalPartitions {
		return nil, fmt.Errorf("%d physical partitions are not between 1 and %d", options.Partitions, mostPhysicalPartitions)
	}
	d := &Double{
		profile:   options.Profile,
		portalURI: options.PortalURI,
		autoscale: options.Autoscale,
		now:       options.Now,
		account:   newAccount(options.RequestUnits, options.Background, options.Partitions, options.Now),
		ledger:    newLedger(options.Now()),
		pages:     newPages(),
		random:    rand.New(rand.NewPCG(options.Seed, 0)),
	}
	d.retrying.Store(options.Profile.ServerSideRetry)
	var err error
	interceptors := append([]wire.Interceptor{}, options.Interceptors...)
	if options.User != "" {
		guard, err := newCredentials(options.User, options.Key)
		if err != nil {
			return nil, err
		}
		d.user = url.UserPassword(options.User, options.Key)
		interceptors = append(interceptors, guard)
	}
	ctx, d.cancel = context.WithCancel(ctx)
	d.proxy, err = wire.Start(ctx, wire.Options{
		Listen:       options.Listen,
		Upstream:     options.Upstream,
		Advertise:    options.Advertise,
		ReplicaSet:   options.Profile.ReplicaSet,
		IdleTimeout:  time.Duration(options.Profile.IdleTimeout),
		Interceptors: append(interceptors, d),
		Logger:       options.Logger,
	})
	if err != nil {
		d.cancel()
		return nil, err
	}
	if d.stats, err = control.Listen(ctx, options.StatsListen, d.statsHandler()); err != nil {
		d.cancel()
		return nil, errors.Join(err, d.proxy.Close())
	}
	return d, nil
}

// URI is a connection string that leads to the double. It holds the user and the key where there are some, and
// is then a secret.
func (d *Double) URI() string {
	uri := d.proxy.URI()
	if d.portalURI {
		separator := "?"
		if d.profile.ReplicaSet != "" {
			separator = "&"
		}
		uri += separator + "retrywrites=false&maxIdleTimeMS=120000&appName=%40double%40"
	}
	if d.user != nil {
		uri = strings.Replace(uri, "mongodb://", "mongodb://"+d.user.String()+"@", 1)
	}
	return uri
}

// Proxy is the proxy that the double is made of: to pause it, or to give it another upstream.
func (d *Double) Proxy() *wire.Proxy { return d.proxy }

// Close ends every connection and the HTTP endpoint, and returns when nothing of the double runs any more.
func (d *Double) Close() error {
	d.cancel()
	return errors.Join(d.stats.Close(), d.proxy.Close())
}

// Change is what can change while a double runs; nil for what stays.
type Change struct {
	RequestUnits    *float64 `json:"request_units"`
	Background      *float64 `json:"background"`
	Partitions      *int     `json:"physical_partitions"` // more than there are: some are split
	ServerSideRetry *bool    `json:"server_side_retry"`
	Reset           bool     `json:"reset"` // the statistics begin anew
}

// Apply changes a running double.
func (d *Double) Apply(change Change) error {
	now := d.Statistics().Budget
	if change.RequestUnits != nil {
		now.RequestUnits = *change.RequestUnits
	}
	if change.Background != nil {
		now.Background = *change.Background
	}
	if err := checkThroughput(now.RequestUnits, now.Background); err != nil {
		return err
	}
	if change.Partitions != nil {
		if count := d.account.count(); *change.Partitions < count || *change.Partitions > mostPhysicalPartitions {
			return fmt.Errorf("%d physical partitions are not between %d, which there are, and %d", *change.Partitions, count, mostPhysicalPartitions)
		}
		d.account.split(*change.Partitions)
	}
	d.account.set(now.RequestUnits, now.Background)
	if change.ServerSideRetry != nil {
		d.retrying.Store(*change.ServerSideRetry)
	}
	if change.Reset {
		d.ledger.reset(d.now())
		d.account.forget()
	}
	return nil
}

// Statistics is what the double has done.
func (d *Double) Statistics() Statistics {
	s := Statistics{Profile: d.profile.Name, Connections: d.proxy.Connections()}
	d.ledger.into(&s, d.now())
	d.account.into(&s)
	s.Budget.Autoscale, s.Budget.ServerSideRetry = d.autoscale, d.retrying.Load()
	return s
}

func checkThroughput(perSecond, background float64) error {
	if !(perSecond > 0) || math.IsInf(perSecond, 0) {
		return fmt.Errorf("%g request units a second is not a throughput", perSecond)
	}
	if !(background >= 0) || math.IsInf(background, 0) {
		return fmt.Errorf("%g request units a second is not other traffic", background)
	}
	return nil
}

// luck draws by lot.
func (d *Double) luck(probability float64) bool {
	if probability <= 0 {
		return false
	}
	d.randomMu.Lock()
	defer d.randomMu.Unlock()
	return d.random.Float64() < probability
}
