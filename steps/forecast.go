package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// A dry run spends about so many request units of a connection on finding out what a run will cost, all of its steps
// together and metadata included. What is kept back of 200 is for a document that is far larger than others, 800 KB for
// one, and is met by chance.
const mostForecast = 120.0

// A count is used as long as it is younger.
const youngCount = 24 * time.Hour

// forecaster sums up what reading collections takes.
type forecaster struct {
	env        Reader
	connection string
	reader     *endpoint.Reader
	readings   []reading

	preview *Preview
	spent   float64 // before
	sampled int
	judged  int
	matched int
	unasked bool // of some collection it is not known how many documents match
	dear    float64
	margin  float64
	seconds float64
	known   bool // whether every collection's time is
	budgets map[float64]bool
}

// reading is a collection that a step reads.
type reading struct {
	collection string
	queries    []bson.Raw
	share      float64 // of the documents; 0: all
	units      func(endpoint.Stats) (units, queries, probes int64)
	stats      endpoint.Stats
	streams    int // by which it is read; 0: by ranges
}

func newForecaster(env Reader, connection string, reader *endpoint.Reader, preview *Preview) *forecaster {
	return &forecaster{env: env, connection: connection, reader: reader, preview: preview, spent: reader.Usage().RequestUnits, known: true, budgets: map[float64]bool{}}
}

// add adds a collection.
func (f *forecaster) add(ctx context.Context, r reading) (err error) {
	r.stats, err = f.reader.Stats(ctx, r.collection)
	f.readings = append(f.readings, r)
	return err
}

// run looks at all collections. Each gets as much of what may be spent as it has of the bytes, and other questions of
// later steps get their part.
func (f *forecaster) run(ctx context.Context, what string) error {
	var bytes int64
	for _, r := range f.readings {
		bytes += r.stats.Bytes + 1
	}
	others := f.othersAfter()
	for _, r := range f.readings {
		share := float64(r.stats.Bytes+1) / float64(bytes+others*bytes)
		if err := f.look(ctx, r, share*(mostForecast-f.reader.Spent())); err != nil {
			return err
		}
		bytes -= r.stats.Bytes + 1
	}
	f.conclude(what)
	return nil
}

// othersAfter is how many later steps will ask for something else of the connection. What was found out once is kept.
func (f *forecaster) othersAfter() (count int64) {
	var own string
	asked := map[string]bool{}
	after := false
	for _, step := range f.env.Plan().Steps {
		question := ""
		switch spec := step.Spec.(type) {
		case *plans.CopySpec:
			question = fmt.Sprintf("%s %s", spec.From, sourceQueries(spec.Query, spec.Transform, false))
		case *plans.DumpSpec:
			question = fmt.Sprintf("%s %s", spec.From, sourceQueries(spec.Query, nil, false))
		case *plans.VerifyContentSpec:
			question = fmt.Sprintf("%s %s", spec.From, sourceQueries(spec.Query, nil, false))
		}
		if step == f.env.Step() {
			own, after = question, true
		}
		if after && strings.HasPrefix(question, f.connection+" ") {
			asked[question] = true
		}
	}
	delete(asked, own)
	return int64(len(asked))
}

func (f *forecaster) look(ctx context.Context, r reading, spend float64) error {
	tuning := f.env.Step().Tuning
	counted, note := counted(f.env, f.reader.Namespace(r.collection))
	units, queries, probes := r.units(r.stats)
	forecast, err := f.reader.Forecast(ctx, endpoint.Outlook{
		Collection:     r.collection,
		Stats:          r.stats,
		Counted:        counted,
		Queries:        r.queries,
		Share:          r.share,
		BatchDocuments: tuning.BatchDocuments,
		BatchBytes:     tuning.BatchBytes,
		Units:          queries,
		Probes:         probes,
		Spend:          spend,
	})
	if err != nil {
		return err
	}
	if r.streams > 0 {
		forecast = forecast.ByStreams(r.streams)
	}
	if note != "" {
		f.preview.Notes = append(f.preview.Notes, note)
	}
	f.preview.Documents += forecast.Documents
	f.preview.Bytes += forecast.Bytes
	f.preview.Units += units
	f.preview.RequestUnits = max(f.preview.RequestUnits, 0) + forecast.RequestUnits
	seconds, known := forecast.Seconds()
	f.seconds += seconds
	f.known = f.known && known
	f.budgets[forecast.PerSecond] = true
	f.sampled += forecast.Sampled
	f.judged += forecast.Judged
	f.matched += forecast.Matched
	f.unasked = f.unasked || len(r.queries) > 0 && forecast.Judged == 0
	f.dear = max(f.dear, forecast.Dear)
	f.margin = max(f.margin, forecast.Margin)
	return nil
}

// conclude says how the estimate came about. Where the server counts no request units there is none.
func (f *forecaster) conclude(what string) {
	note := func(format string, values ...any) {
		f.preview.Notes = append(f.preview.Notes, fmt.Sprintf(format, values...))
	}
	switch {
	case f.unasked:
		note("the estimate is of whole collections: how many of their documents match is not known before they are read")
	case f.judged > 0 && f.matched == 0:
		note("of %d documents that were asked about none matches: there are few, or they lie close together", f.judged)
	case f.judged > 0:
		note("%d of %d documents that were asked about match: documents and bytes are estimates from that", f.matched, f.judged)
	}
	if f.reader.Usage().RequestUnits == 0 {
		f.preview.RequestUnits = -1
		return
	}
	budget := "the throughput of this account is not told, so neither is the time"
	if f.known {
		f.preview.Seconds = f.seconds
		budget = "at the RU/s of each collection it takes the time told"
		if all := f.reader.Budget(); len(f.budgets) == 1 && f.budgets[all] {
			budget = fmt.Sprintf("at %.0f RU/s of %s it takes the time told", all, f.connection)
		}
	}
	if f.dear > 0 {
		note("one document may cost %.0f RU, so hardly any was looked at: sizes are by metadata, charges as documented (1 RU a KB, twice that with strong consistency)", f.dear)
	}
	margin := "a rough one"
	if f.margin < 1 {
		margin = fmt.Sprintf("give or take %.0f %%", 100*f.margin)
	}
	note("an estimate of %s, from metadata and %s, %s; %s; finding out took %.0f RU",
		what, documents(f.sampled), margin, budget, f.reader.Usage().RequestUnits-f.spent)
}

func documents(n int) string {
	switch n {
	case 0:
		return "no document"
	case 1:
		return "1 document"
	}
	return fmt.Sprintf("%d documents", n)
}

// counted is an exact count that an earlier step has made of a whole collection, with a note that says how old it is;
// below 0 where there is none that is young.
func counted(env Reader, namespace string) (count int64, note string) {
	for _, step := range env.Plan().Steps {
		spec, ok := step.Spec.(*plans.VerifyCountsSpec)
		if !ok || spec.Query != nil || spec.Transform != nil {
			continue
		}
		result, ok := env.Earlier(step.Name)
		age := time.Since(env.Finished(step.Name))
		if !ok || age > youngCount {
			continue
		}
		var output struct {
			Collections []verifiedCount `json:"collections"`
		}
		if json.Unmarshal(result.Output, &output) != nil {
			continue
		}
		for _, c := range output.Collections {
			if c.Source == namespace && !c.Estimated {
				return c.InSource, fmt.Sprintf("%s had %d documents when step %s counted them %s ago", namespace, c.InSource, step.Name, age.Round(time.Second))
			}
		}
	}
	return -1, ""
}
