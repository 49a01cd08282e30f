package endpoint

import (
	"context"
	"math"

	"go.mongodb.org/mongo-driver/bson"
)

// Outlook is what a [Forecast] is asked for: the reading of a collection.
type Outlook struct {
	Collection     string
	Stats          Stats      // of the collection, see [Reader.Stats]
	Counted        int64      // documents that are known to be there, counted before; below 0: unknown
	Queries        []bson.Raw // all of which a document must match to be read
	Share          float64    // of these, how many are read; 0: all
	BatchDocuments int
	BatchBytes     int64
	Units          int64   // queries that it takes at least, one for each unit
	Probes         int64   // entries of the _id index to be looked up
	Spend          float64 // request units that finding out may take
}

// Forecast is what reading a collection will probably take.
type Forecast struct {
	Documents    int64
	Bytes        int64   // of documents
	RequestUnits float64 // 0 where the server counts none
	PerSecond    float64 // request units a second that may be used; 0 where unknown or without bound
	Sampled      int     // documents whose size was looked at
	Judged       int     // documents of which it was asked whether they match the queries
	Matched      int     // ... and those that do
	Margin       float64 // standard error of Bytes, as a share of it
	Dear         float64 // request units that one document of the mean size may cost, where that was too much to look at any
}

// Seconds is how long that takes within the budget, and whether it can be told.
func (f Forecast) Seconds() (float64, bool) {
	if f.RequestUnits == 0 || f.PerSecond == 0 {
		return 0, false
	}
	return f.RequestUnits / (headroom * f.PerSecond), true
}

// What comparing an _id takes of a page, about.
const comparedIDBytes = 40

// ByStreams is the forecast of reading by the change streams of so many partitions, with the comparison of _ids after
// it: an event has more in it than its document, each stream costs some pages without news, and the comparison looks
// for every type of _id.
func (f Forecast) ByStreams(partitions int) Forecast {
	if f.RequestUnits == 0 || f.Bytes == 0 {
		return f
	}
	perKB := f.RequestUnits / readWeight(f.Bytes) // reads may cost double
	pages := 2*(quietPages+1) + 2*len(brackets)
	f.RequestUnits += perKB*readWeight(f.Documents*(eventOverhead+comparedIDBytes)) + max(1, perKB)*documentedPage*float64(pages*partitions)
	return f
}

// What engines tell of a collection's bytes is off by about so much from its documents' own: they compress, or add
// what they need to find them.
const metadataMargin = 0.25

// Standard errors between metadata and sample, beyond which metadata is not believed.
const apart = 1

// Forecast reckons what reading takes, from a collection's metadata and from a few documents at places spread over the
// _id index. What it finds out is kept, so that another step that reads the same costs nothing to ask. A server that
// counts no request units is not asked anything.
func (r *Reader) Forecast(ctx context.Context, o Outlook) (Forecast, error) {
	documents, mean := float64(o.Stats.Documents), 0.0
	if o.Stats.Documents > 0 {
		mean = float64(o.Stats.Bytes) / documents
	}
	if o.Counted >= 0 {
		documents = float64(o.Counted)
	}
	if o.Share > 0 {
		documents = math.Ceil(documents * o.Share)
	}
	if r.meter == nil || documents == 0 {
		return Forecast{Documents: int64(documents), Bytes: int64(mean * documents), Margin: metadataMargin}, nil
	}
	seen, err := r.sampled(ctx, o, mean)
	if err != nil {
		return Forecast{}, err
	}
	forecast := Forecast{Sampled: seen.sizes, Judged: seen.judged, Matched: seen.matched, Margin: metadataMargin, Dear: seen.dear}
	if sampled, margin, ok := estimate(seen.means); ok {
		if len(o.Queries) > 0 {
			mean, forecast.Margin = sampled, margin/sampled // metadata is of all documents
		} else {
			mean, forecast.Margin = weigh(mean, sampled, margin)
		}
	}
	share, shareMargin := seen.share()
	forecast.Margin = math.Hypot(forecast.Margin, shareMargin)
	documents *= share
	forecast.Documents, forecast.Bytes = int64(math.Ceil(documents)), int64(documents*mean)
	forecast.PerSecond = r.meter.governor.perSecondOf(ctx, r, o.Collection)
	forecast.RequestUnits = r.readingCost(o, seen, documents, mean)
	return forecast, nil
}

// WritingForecast reckons what inserting documents of a mean size into a collection takes, by the documented charge.
func (r *Reader) WritingForecast(ctx context.Context, collection string, documents, mean int64) Forecast {
	forecast := Forecast{Documents: documents, Bytes: documents * mean}
	if r.meter == nil {
		return forecast
	}
	forecast.RequestUnits = max(float64(mean)/kilobyte, 1) * documentedInsertPerKB * float64(documents)
	forecast.PerSecond = r.meter.governor.perSecondOf(ctx, r, collection)
	return forecast
}

// weigh joins the mean by metadata (0: unknown) with that of a sample, each by how far it can be relied on. Metadata
// that is much further from the sample than both may be off is about something else than the documents' own bytes, what
// they take when compressed for one, and counts for nothing.
func weigh(metadata, sampled, margin float64) (mean, joint float64) {
	if metadata <= 0 || math.Abs(metadata-sampled) > apart*math.Hypot(margin, metadataMargin*metadata) {
		return sampled, margin / sampled
	}
	trustSample, trustMetadata := 1/(margin*margin), 1/(metadataMargin*metadata*metadataMargin*metadata)
	mean = (sampled*trustSample + metadata*trustMetadata) / (trustSample + trustMetadata)
	return mean, 1 / math.Sqrt(trustSample+trustMetadata) / mean
}

// estimate is the mean of what places in their order have, and its standard error by how much neighbours differ: what
// only rises or falls along the index is met evenly by such places. ok is false where there are too few.
func estimate(means []float64) (mean, margin float64, ok bool) {
	if len(means) < 2 {
		return 0, 0, false
	}
	n, squares := float64(len(means)), 0.0
	for place, m := range means {
		mean += m / n
		if place > 0 {
			squares += (m - means[place-1]) * (m - means[place-1]) / 2
		}
	}
	return mean, max(math.Sqrt(squares/(n-1)/n), 0.01*mean), true
}

// A page of a query's result has at most so many bytes on Cosmos DB.
const maxPageBytes = 4 << 20

// readingCost is what pages of affordable size cost, with the probes that divide a collection into units.
func (r *Reader) readingCost(o Outlook, seen sample, documents, mean float64) float64 {
	page := min(maxPageBytes, float64(o.BatchBytes), float64(o.BatchDocuments)*mean)
	if portion := r.meter.governor.portion(o.Collection); portion > 0 {
		page = min(page, affordableWeight(portion, seen.page, seen.perKB)/documentedReadPerKB*kilobyte)
	}
	bytes := documents * mean
	pages := bytes/max(page, mean, 1) + float64(o.Units) // each unit ends with a page that is not full
	return seen.perKB*readWeight(int64(bytes)) + seen.page*(pages+float64(o.Probes))
}
