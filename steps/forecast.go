package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"vida/endpoint"
	"vida/plans"
)

// A dry run spends at most so many request units on finding out what a run will cost, metadata included.
const mostForecast = 180.0

// A count is used as long as it is younger.
const youngCount = 24 * time.Hour

// forecaster sums up what reading collections takes.
type forecaster struct {
	env    Reader
	reader *endpoint.Reader
	limit  float64 // request units to spend on each collection

	preview *Preview
	sampled int
	margin  float64
	seconds float64
	known   bool // whether every collection's time is
}

// newForecaster shares what may be spent among the collections of a step and the steps of a plan.
func newForecaster(env Reader, reader *endpoint.Reader, collections int, preview *Preview) *forecaster {
	forecasting := 0
	for _, step := range env.Plan().Steps {
		if _, ok := step.Spec.(*plans.CopySpec); ok {
			forecasting++
		}
	}
	return &forecaster{env: env, reader: reader, limit: mostForecast / float64(max(1, collections*forecasting)), preview: preview, known: true}
}

// add adds a collection.
func (f *forecaster) add(ctx context.Context, collection string) error {
	tuning := f.env.Step().Tuning
	counted, note := counted(f.env, f.reader.Namespace(collection))
	find := endpoint.Find{BatchDocuments: tuning.BatchDocuments, BatchBytes: tuning.BatchBytes}
	stats, err := f.reader.Stats(ctx, collection)
	if err != nil {
		return err
	}
	units := unitsFor(tuning, stats)
	forecast, err := f.reader.Forecast(ctx, collection, counted, find, units, f.limit)
	if err != nil {
		return err
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
	f.sampled += forecast.Sampled
	f.margin = max(f.margin, forecast.Margin)
	return nil
}

// finish says how the estimate came about. Where the server counts no request units there is none.
func (f *forecaster) finish() {
	usage := f.reader.Usage()
	if usage.RequestUnits == 0 {
		f.preview.RequestUnits = -1
		return
	}
	budget := "the throughput of this account is not told, so neither is the time"
	if f.known {
		f.preview.Seconds = f.seconds
		budget = fmt.Sprintf("at %.0f RU/s of %s it takes the time told", f.reader.Budget(), f.env.Step().Spec.(*plans.CopySpec).From)
	}
	f.preview.Notes = append(f.preview.Notes, fmt.Sprintf(
		"an estimate of reading alone, from metadata and %d documents, give or take %.0f %%; %s; finding out took %.0f RU",
		f.sampled, 100*f.margin, budget, usage.RequestUnits))
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
