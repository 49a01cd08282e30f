package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// A dry run spends about so many request units of a connection on finding out what a run will cost, all of its steps
// together and metadata included. As much again is kept back for a document that is far larger than others, 1 MB for
// one, and is met by chance.
const mostForecast = 100.0

// A count is used as long as it is younger.
const youngCount = 24 * time.Hour

// forecaster sums up what reading collections takes.
type forecaster struct {
	env        Reader
	connection string
	reader     *endpoint.Reader
	left       int // collections still to be added, and steps after this one

	preview *Preview
	spent   float64 // before
	sampled int
	judged  int
	matched int
	queried bool // some collection is not read whole
	unasked bool // ... of which nothing was asked
	dear    float64
	margin  float64
	seconds float64
	known   bool // whether every collection's time is
}

// reading is a collection that a step reads.
type reading struct {
	collection string
	queries    []bson.Raw
	share      float64 // of the documents; 0: all
	units      func(endpoint.Stats) (units, queries, probes int64)
}

// newForecaster shares what may be spent among the collections of a step and the steps of a plan.
func newForecaster(env Reader, connection string, reader *endpoint.Reader, collections int, preview *Preview) *forecaster {
	return &forecaster{
		env: env, connection: connection, reader: reader, left: collections + forecastsAfter(env, connection),
		preview: preview, spent: reader.Usage().RequestUnits, known: true,
	}
}

// forecastsAfter is how many later steps will ask for a forecast of a connection.
func forecastsAfter(env Reader, connection string) (count int) {
	after := false
	for _, step := range env.Plan().Steps {
		if after {
			switch spec := step.Spec.(type) {
			case *plans.CopySpec:
				count += howOften(spec.From == connection)
			case *plans.VerifyContentSpec:
				count += howOften(spec.From == connection) + howOften(spec.To == connection)
			}
		}
		after = after || step == env.Step()
	}
	return count
}

func howOften(so bool) int {
	if so {
		return 1
	}
	return 0
}

// add adds a collection.
func (f *forecaster) add(ctx context.Context, r reading) error {
	tuning := f.env.Step().Tuning
	counted, note := counted(f.env, f.reader.Namespace(r.collection))
	stats, err := f.reader.Stats(ctx, r.collection)
	if err != nil {
		return err
	}
	units, queries, probes := r.units(stats)
	forecast, err := f.reader.Forecast(ctx, endpoint.Outlook{
		Collection:     r.collection,
		Stats:          stats,
		Counted:        counted,
		Queries:        r.queries,
		Share:          r.share,
		BatchDocuments: tuning.BatchDocuments,
		BatchBytes:     tuning.BatchBytes,
		Units:          queries,
		Probes:         probes,
		Spend:          (mostForecast - f.reader.Spent()) / float64(max(1, f.left)),
	})
	if err != nil {
		return err
	}
	f.left--
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
	f.sampled += forecast.Sampled
	f.judged += forecast.Judged
	f.matched += forecast.Matched
	f.queried = f.queried || len(r.queries) > 0
	f.unasked = f.unasked || len(r.queries) > 0 && forecast.Judged == 0
	f.dear = max(f.dear, forecast.Dear)
	f.margin = max(f.margin, forecast.Margin)
	return nil
}

// finish says how the estimate came about. Where the server counts no request units there is none.
func (f *forecaster) finish(what string) {
	note := func(format string, values ...any) {
		f.preview.Notes = append(f.preview.Notes, fmt.Sprintf(format, values...))
	}
	if f.queried {
		switch {
		case f.unasked:
			note("documents and bytes are those of whole collections: how many documents match is not known before they are read")
		case f.matched == 0:
			note("of %d documents that were asked about none matches: there are few, or they lie close together", f.judged)
		default:
			note("of %d documents that were asked about %d match: documents and bytes are estimates from that", f.judged, f.matched)
		}
	}
	if f.reader.Usage().RequestUnits == 0 {
		f.preview.RequestUnits = -1
		return
	}
	budget := "the throughput of this account is not told, so neither is the time"
	if f.known {
		f.preview.Seconds = max(f.preview.Seconds, 0) + f.seconds
		budget = fmt.Sprintf("at %.0f RU/s of %s it takes the time told", f.reader.Budget(), f.connection)
	}
	if f.dear > 0 {
		note("hardly a document was looked at, since one may cost %.0f RU: sizes are by metadata, charges as documented (1 RU a KB, twice that with strong consistency)", f.dear)
	}
	note("an estimate of %s, from metadata and %d documents, give or take %.0f %%; %s; finding out took %.0f RU",
		what, f.sampled, 100*f.margin, budget, f.reader.Usage().RequestUnits-f.spent)
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
