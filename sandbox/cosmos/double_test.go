package cosmos

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
)

func TestHandshake(t *testing.T) {
	tests := []struct {
		profile string
		wire    int32
		version string
		set     string
		hello   bool
		batch   int32
	}{
		{"ru-3.6", 6, "3.6.0", "globaldb", false, 1000},
		{"ru-4.2", 8, "4.2.0", "globaldb", true, 1000},
		{"ru-7.0", 21, "7.0.0", "globaldb", true, 1000},
		{"vcore", 21, "7.0.0", "", true, 100_000},
	}
	for _, test := range tests {
		t.Run(test.profile, func(t *testing.T) {
			r := newRig(t, Options{Profile: profile(t, test.profile, nil), PortalURI: true})
			hello := r.mustRun(bson.D{{Key: "isMaster", Value: 1}})
			set, _ := hello.Lookup("setName").StringValueOK()
			if hello.Lookup("maxWireVersion").Int32() != test.wire || set != test.set || hello.Lookup("maxWriteBatchSize").Int32() != test.batch {
				t.Errorf("isMaster says %v", hello)
			}
			if _, err := r.run(bson.D{{Key: "hello", Value: 1}}); (err == nil) != test.hello || err != nil && refusal(err).Code != 59 {
				t.Errorf("hello: %v", err)
			}
			build := r.mustRun(bson.D{{Key: "buildInfo", Value: 1}})
			if build.Lookup("version").StringValue() != test.version || build.Lookup("ferretdb").Type != 0 {
				t.Errorf("buildInfo says %v", build)
			}
			if !strings.Contains(r.double.URI(), "retrywrites=false&maxIdleTimeMS=120000&appName=%40double%40") {
				t.Errorf("URI %s", r.double.URI())
			}
		})
	}
}

func TestVCoreIsNotMetered(t *testing.T) {
	r := newRig(t, Options{Profile: profile(t, "vcore", nil), RequestUnits: 1, Partitions: 1})
	for _, command := range []string{"getLastRequestStatistics", "customAction"} {
		if _, err := r.run(bson.D{{Key: command, Value: "GetDatabase"}}); refusal(err).Code != 59 {
			t.Errorf("%s: %v", command, err)
		}
	}
	for n := range 4 {
		if _, err := r.database.Collection("c").InsertOne(context.Background(), sized(t, n, 3<<20)); err != nil {
			t.Fatal(err)
		}
	}
	r.mustRun(bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: bson.D{}}, {Key: "sort", Value: bson.D{{Key: "x", Value: 1}}}})
	if s := r.double.Statistics(); s.Charged.Total != 0 {
		t.Errorf("charged %g", s.Charged.Total)
	}
}

func TestStartRefuses(t *testing.T) {
	good := Options{Profile: profile(t, "ru-4.2", nil), Upstream: "127.0.0.1:1"}
	for name, alter := range map[string]func(*Options){
		"no profile":      func(o *Options) { o.Profile = Profile{} },
		"no upstream":     func(o *Options) { o.Upstream = "" },
		"negative budget": func(o *Options) { o.RequestUnits = -1 },
		"no partition":    func(o *Options) { o.Partitions = -1 },
		"bad address":     func(o *Options) { o.StatsListen = "127.0.0.1:none" },
	} {
		o := good
		alter(&o)
		if d, err := Start(context.Background(), o); err == nil {
			_ = d.Close()
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestIdleConnections(t *testing.T) {
	p := profile(t, "ru-4.2", func(p *Profile) { p.IdleTimeout = Duration(50 * time.Millisecond) })
	r := newRig(t, Options{Profile: p})
	client := r.client(options.Client().SetMaxPoolSize(1).SetRetryReads(false))
	count := func() error {
		return client.Database("d").RunCommand(context.Background(), bson.D{{Key: "count", Value: "c"}}).Err()
	}
	if err := count(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(150 * time.Millisecond)
	if err := count(); !mongo.IsNetworkError(err) {
		t.Errorf("after idling: %v", err)
	}
}
