package steps

import (
	"context"
	"fmt"
	"time"

	"vida/endpoint"
)

const (
	checkThroughputs    = 20 // collections asked about, at most
	checkThroughputTime = 15 * time.Second
)

// checkedThroughput is what a Cosmos DB account has provisioned.
type checkedThroughput struct {
	Collection string  `json:"collection,omitempty"` // empty: of the database, shared
	PerSecond  float64 `json:"per_second"`
	Floor      float64 `json:"floor"` // of autoscale when idle; else the same
	Autoscale  bool    `json:"autoscale"`
}

// throughput finds out what is provisioned. Not to know it is no failure: the plan can say how much to use.
func (l *look) throughput(ctx context.Context) error {
	if l.out.Kind != endpoint.KindCosmos {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkThroughputTime)
	defer cancel()
	names := l.existing()
	if len(names) == 0 {
		names = []string{""} // what a new collection would share
	}
	shared := false
	for _, name := range names[:min(len(names), checkThroughputs)] {
		told, err := l.reader.Throughput(ctx, name)
		if err != nil {
			l.fail(false, "%v", err)
			return nil //nolint:nilerr // a warning
		}
		if !told.Known() || told.Shared && shared {
			continue
		}
		if told.Shared {
			name, shared = "", true
		}
		l.out.Throughput = append(l.out.Throughput, checkedThroughput{name, told.PerSecond, told.Floor, told.Autoscale})
		l.remark("%s", throughputText(l.out.Database, name, told))
		if wanted := l.env.Plan().Connection(l.out.Name).RequestUnits; wanted.PerSec > told.PerSecond {
			l.fail(false, "request_units is %.0f, and %.0f RU/s are provisioned: there will be throttling", wanted.PerSec, told.PerSecond)
		}
	}
	if len(l.out.Throughput) == 0 && l.out.Holds > 0 {
		l.remark("the account does not tell what throughput is provisioned; request_units says what to stay within")
	}
	return nil
}

func throughputText(database, collection string, t endpoint.Throughput) string {
	whose := collection + " has"
	if collection == "" {
		whose = "the collections of " + database + " share"
	}
	if t.Autoscale {
		return fmt.Sprintf("%s up to %.0f RU/s, by autoscale from %.0f", whose, t.PerSecond, t.Floor)
	}
	return fmt.Sprintf("%s %.0f RU/s provisioned", whose, t.PerSecond)
}
