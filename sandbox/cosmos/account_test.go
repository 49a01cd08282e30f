package cosmos

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"gopkg.in/yaml.v3"
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

func TestRefusals(t *testing.T) {
	aggregate := func(stages ...any) bson.D {
		return bson.D{{Key: "aggregate", Value: "c"}, {Key: "pipeline", Value: bson.A(stages)}, {Key: "cursor", Value: bson.D{}}}
	}
	stage := func(name string) bson.D { return bson.D{{Key: name, Value: bson.D{}}} }
	find := func(sort bson.D) bson.D { return bson.D{{Key: "find", Value: "c"}, {Key: "sort", Value: sort}} }
	tests := []struct {
		name    string
		command bson.D
		want    int32
	}{
		{"splitVector", bson.D{{Key: "splitVector", Value: "d.c"}}, 115},
		{"parallelCollectionScan", bson.D{{Key: "parallelCollectionScan", Value: "c"}}, 115},
		{"serverStatus", bson.D{{Key: "serverStatus", Value: 1}}, 115},
		{"connectionStatus", bson.D{{Key: "connectionStatus", Value: 1}}, 115},
		{"collMod", bson.D{{Key: "collMod", Value: "c"}}, 115},
		{"$collStats", aggregate(stage("$collStats")), 40324},
		{"$bucketAuto behind $match", aggregate(stage("$match"), stage("$bucketAuto")), 40324},
		{"$indexStats", aggregate(stage("$indexStats")), 40324},
		{"$match", aggregate(stage("$match")), 0},
		{"sort by _id", find(bson.D{{Key: "_id", Value: 1}}), 0},
		{"sort by _id, backwards", find(bson.D{{Key: "_id", Value: -1}}), 0},
		{"sort by an indexed path", find(bson.D{{Key: "a", Value: -1}}), 0},
		{"sort by another path", find(bson.D{{Key: "z", Value: 1}}), 2},
		{"sort by the second path of an index", find(bson.D{{Key: "b", Value: 1}}), 2},
		{"sort by a compound index", find(bson.D{{Key: "a", Value: 1}, {Key: "b", Value: -1}}), 0},
		{"the same, backwards", find(bson.D{{Key: "a", Value: -1}, {Key: "b", Value: 1}}), 0},
		{"the same, crosswise", find(bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}}), 2},
		{"$natural", find(bson.D{{Key: "$natural", Value: 1}}), 0},
		{"$sort by another path", aggregate(stage("$match"), bson.D{{Key: "$sort", Value: bson.D{{Key: "z", Value: 1}}}}), 2},
		{"$sort of a result", aggregate(stage("$project"), bson.D{{Key: "$sort", Value: bson.D{{Key: "z", Value: 1}}}}), 0},
		{"change stream tokens", bson.D{{Key: "customAction", Value: "GetChangeStreamTokens"}, {Key: "collection", Value: "c"}}, 115},
		{"another custom action", bson.D{{Key: "customAction", Value: "UpdateDatabase"}}, 115},
	}
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1e6})
	r.mustRun(bson.D{{Key: "createIndexes", Value: "c"}, {Key: "indexes", Value: bson.A{
		bson.D{{Key: "key", Value: bson.D{{Key: "a", Value: 1}, {Key: "b", Value: -1}}}, {Key: "name", Value: "ab"}}}}})
	for _, test := range tests {
		if _, err := r.run(test.command); refusal(err).Code != test.want {
			t.Errorf("%s: %v, want code %d", test.name, err, test.want)
		}
	}
	r.mustRun(bson.D{{Key: "createIndexes", Value: "c"}, {Key: "indexes", Value: bson.A{
		bson.D{{Key: "key", Value: bson.D{{Key: "$**", Value: 1}}}, {Key: "name", Value: "all"}}}}})
	if _, err := r.run(find(bson.D{{Key: "z", Value: 1}})); err != nil {
		t.Errorf("sort by any path under a wildcard: %v", err)
	}
	if s := r.double.Statistics(); s.Refused["splitVector"][115] != 1 || s.Refused["aggregate"][40324] != 3 || s.Refused["find"][2] != 3 {
		t.Errorf("refused %v", s.Refused)
	}
}

func TestListIndexes(t *testing.T) {
	p := profile(t, "ru-4.2", func(p *Profile) { p.DefaultIndexes = true })
	r := newRig(t, Options{Profile: p})
	reply := r.mustRun(bson.D{{Key: "listIndexes", Value: "c"}})
	var got struct {
		Cursor struct {
			FirstBatch []struct {
				V                  int32
				Key                bson.Raw
				Name, NS           string
				ExpireAfterSeconds *int32 `bson:"expireAfterSeconds"`
			} `bson:"firstBatch"`
		}
	}
	if err := bson.Unmarshal(reply, &got); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, index := range got.Cursor.FirstBatch {
		names = append(names, index.Name)
		if index.V != 1 || index.NS != "d.c" {
			t.Errorf("%s: v %d, ns %q", index.Name, index.V, index.NS)
		}
		if ttl := index.Name == "_ts_1"; ttl != (index.ExpireAfterSeconds != nil) || ttl && (*index.ExpireAfterSeconds != -1 || index.Key.Lookup("_ts").AsInt64() != 1) {
			t.Errorf("%s expires: %+v", index.Name, index)
		}
	}
	if want := []string{"_id_", "_ts_1", "DocumentDBDefaultIndex_1", "DocumentDBDefaultIndex_2dsphere"}; !slices.Equal(names, want) {
		t.Errorf("indexes %v, want %v", names, want)
	}
}

func TestThroughput(t *testing.T) {
	tests := []struct {
		scope                string
		autoscale            bool
		collection, database int64 // provisionedThroughput; 0 for none
		maximum              int64
	}{
		{ThroughputCollection, false, 6000, 0, 0},
		{ThroughputCollection, true, 600, 0, 6000},
		{ThroughputDatabase, false, 0, 6000, 0},
		{ThroughputDatabase, true, 0, 600, 6000},
		{ThroughputNone, false, 0, 0, 0},
	}
	for _, test := range tests {
		p := profile(t, "ru-4.2", func(p *Profile) { p.Throughput = test.scope })
		r := newRig(t, Options{Profile: p, RequestUnits: 6000, Autoscale: test.autoscale})
		check := func(reply bson.Raw, want int64) {
			t.Helper()
			got, _ := reply.Lookup("provisionedThroughput").AsInt64OK()
			maximum, _ := reply.Lookup("autoScaleSettings", "maxThroughput").AsInt64OK()
			if got != want || want != 0 && maximum != test.maximum {
				t.Errorf("%+v: %v", test, reply)
			}
		}
		if _, err := r.run(bson.D{{Key: "customAction", Value: "GetCollection"}, {Key: "collection", Value: "none"}}); refusal(err).Code != 26 {
			t.Errorf("a collection that is not there: %v", err)
		}
		r.server.Insert(t, "d.c", bson.D{{Key: "_id", Value: 1}})
		check(r.mustRun(bson.D{{Key: "customAction", Value: "GetCollection"}, {Key: "collection", Value: "c"}}), test.collection)
		check(r.mustRun(bson.D{{Key: "customAction", Value: "GetDatabase"}}), test.database)
	}
}

func TestMetadataBudget(t *testing.T) {
	clock := newClock()
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), Now: clock.now})
	throttled := 0
	for range 300 {
		if _, err := r.run(bson.D{{Key: "listIndexes", Value: "c"}}); refusal(err).Code == 16500 {
			throttled++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if throttled < 55 || throttled > 65 {
		t.Errorf("%d of 300 metadata commands were throttled in a second", throttled)
	}
	if _, err := r.run(bson.D{{Key: "find", Value: "c"}}); err != nil {
		t.Errorf("data is throttled with the metadata: %v", err)
	}
}

func TestHTTP(t *testing.T) {
	clock := newClock()
	r := newRig(t, Options{Profile: profile(t, "ru-4.2", nil), RequestUnits: 1000, Partitions: 2, Now: clock.now})
	call := func(method, path, body string) (int, Statistics) {
		t.Helper()
		request, err := http.NewRequestWithContext(context.Background(), method, r.double.StatsURL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		var s Statistics
		if response.StatusCode == http.StatusOK {
			if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
				t.Fatal(err)
			}
		}
		return response.StatusCode, s
	}
	r.mustRun(bson.D{{Key: "find", Value: "c"}})
	clock.forward(time.Second)
	code, s := call(http.MethodGet, "", "")
	if code != 200 || s.Charged.Total != 5 || s.Charged.LastSecond != 5 || s.Charged.ByCommand["find"] != 5 || len(s.Partitions) != 2 || s.Partitions[1].Charged != 2.5 || s.Partitions[0].RequestUnits != 500 || s.Seconds != 1 || s.Connections == 0 {
		t.Errorf("GET: %d %+v", code, s)
	}
	code, s = call(http.MethodPost, "", `{"request_units": 4000, "background": 1000, "server_side_retry": true, "reset": true}`)
	if code != 200 || s.Budget != (Budget{RequestUnits: 4000, Background: 1000, ServerSideRetry: true}) || s.Partitions[0].RequestUnits != 1500 || s.Charged.Total != 0 || s.Partitions[0].Charged != 0 {
		t.Errorf("POST: %d %+v", code, s)
	}
	for _, body := range []string{``, `{`, `{"request_units": 0}`, `{"request_units": -5}`, `{"background": -1}`, `{"budget": 5}`, `{} {}`, `[]`} {
		if code, _ := call(http.MethodPost, "", body); code != 400 {
			t.Errorf("POST %s: %d", body, code)
		}
	}
	if code, _ := call(http.MethodGet, "elsewhere", ""); code != 404 {
		t.Errorf("GET elsewhere: %d", code)
	}
	if _, s := call(http.MethodGet, "", ""); s.Budget.RequestUnits != 4000 {
		t.Errorf("a refused change changed something: %+v", s.Budget)
	}
}

func TestParseProfile(t *testing.T) {
	p, err := ParseProfile([]byte("base: ru-3.6\nname: mine\nhello: true\nidle_timeout: 30s\nthrottled_writes: mixed\nunsupported_stages: [$x]\nlose_cursors: 0.1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "mine" || p.WireVersion != 6 || !p.Hello || p.IdleTimeout != Duration(30*time.Second) || p.MaxWriteBatch != 1000 || !slices.Equal(p.UnsupportedStages, []string{"$x"}) || p.LoseCursors != 0.1 {
		t.Errorf("%+v", p)
	}
	if p, err := ParseProfile(nil); err != nil || p.Name != "ru-4.2" {
		t.Errorf("nothing: %+v, %v", p, err)
	}
	for _, test := range []struct{ source, says string }{
		{"base: ru-9", "ru-3.6, ru-4.2, ru-7.0, vcore"},
		{"oops: 1", "oops"},
		{"retry_after: perhaps", `"perhaps" is not one of always, never, sometimes`},
		{"throughput: x\nthrottled_writes: y", "throttled_writes"},
		{"drop_connections: 2", "2 is not between"},
		{"max_write_batch: 0", "less than 1"},
		{"idle_timeout: -1s", "negative"},
		{"idle_timeout: soon", "soon"},
		{"- 1", "profile"},
	} {
		if _, err := ParseProfile([]byte(test.source)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: %v, want %q", test.source, err, test.says)
		}
	}
}

// TestExampleProfile: the example shows every field, and the values of its base.
func TestExampleProfile(t *testing.T) {
	source, err := os.ReadFile("profile.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseProfile(source)
	if err != nil {
		t.Fatal(err)
	}
	if want := profile(t, "ru-4.2", nil); !reflect.DeepEqual(got, want) {
		t.Errorf("the example is\n%+v, its base\n%+v", got, want)
	}
	var shown map[string]any
	if err := yaml.Unmarshal(source, &shown); err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[Profile]().Fields() {
		if _, ok := shown[field.Tag.Get("yaml")]; !ok {
			t.Errorf("the example does not show %s", field.Tag.Get("yaml"))
		}
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
