package endpoint

import (
	"context"
	"errors"
	"math"
	"slices"
)

// Forecast is what reading a whole collection will probably take.
type Forecast struct {
	Documents    int64   // by metadata
	Bytes        int64   // of documents
	RequestUnits float64 // 0 where the server counts none
	PerSecond    float64 // request units a second that may be used; 0 where unknown or without bound
	Sampled      int     // documents looked at
	Margin       float64 // standard error of Bytes, as a share of it
}

// Seconds is how long that takes within the budget, and whether it can be told.
func (f Forecast) Seconds() (float64, bool) {
	if f.RequestUnits == 0 || f.PerSecond == 0 {
		return 0, false
	}
	return f.RequestUnits / (headroom * f.PerSecond), true
}

// What engines tell of a collection's bytes is off by about so much from its documents' own: they compress, or add
// what they need to find them.
const metadataMargin = 0.25

const (
	apart       = 1  // standard errors between metadata and sample, beyond which metadata is not believed
	leastPlaces = 3  // to look at documents along the _id index, where that is affordable
	mostPlaces  = 32 // ... and at most
)

// Forecast reckons what reading a collection takes, in batches of at most so many documents and bytes and in so many
// units, from its metadata and from a few documents at places spread over the _id index. That spends about limit
// request units at most, unless a single document costs more. Documents that are known to be there, counted before,
// are given by counted; below 0: unknown.
func (r *Reader) Forecast(ctx context.Context, collection string, counted int64, find Find, units int64, limit float64) (Forecast, error) {
	stats, err := r.Stats(ctx, collection)
	if err != nil {
		return Forecast{}, err
	}
	mean := 0.0
	if stats.Documents > 0 {
		mean = float64(stats.Bytes) / float64(stats.Documents)
	}
	if counted >= 0 {
		stats.Documents = counted
	}
	forecast := Forecast{Documents: stats.Documents, Bytes: int64(mean * float64(stats.Documents)), Margin: metadataMargin}
	if r.meter == nil || stats.Documents == 0 {
		return forecast, nil
	}
	s := sampler{reader: r, collection: collection, limit: r.Usage().RequestUnits + limit, mean: mean}
	if err := s.sample(ctx); err != nil {
		return forecast, err
	}
	forecast.Sampled = s.documents
	if sampled, margin, ok := s.estimate(); ok {
		mean, forecast.Margin = weigh(mean, sampled, margin)
		forecast.Bytes = int64(mean * float64(stats.Documents))
	}
	forecast.RequestUnits = r.meter.governor.readingCost(collection, float64(stats.Documents), mean, find, float64(units))
	forecast.PerSecond = r.Budget()
	return forecast, nil
}

// WritingForecast reckons what inserting documents of a mean size into a collection takes, by the documented charge.
func (r *Reader) WritingForecast(ctx context.Context, collection string, documents, mean int64) Forecast {
	forecast := Forecast{Documents: documents, Bytes: documents * mean}
	if r.meter == nil {
		return forecast
	}
	forecast.RequestUnits = max(float64(mean)/kilobyte, 1) * documentedInsertPerKB * float64(documents)
	if !r.meter.governor.budget.Off {
		r.meter.governor.fundOf(ctx, r, collection)
	}
	forecast.PerSecond = r.Budget()
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

// readingCost is what pages of affordable size cost, with the probes that divide a collection into units.
func (g *Governor) readingCost(collection string, documents, mean float64, find Find, units float64) float64 {
	page := min(float64(maxPageBytes), float64(find.BatchBytes), float64(find.BatchDocuments)*mean)
	if weight := g.affordable(kindRead, collection); weight > 0 {
		page = min(page, weight/documentedReadPerKB*kilobyte)
	}
	bytes := documents * mean
	pages := bytes/max(page, mean, 1) + units // each unit ends with a page that is not full
	fixed := g.reckon(kindRead, 0)
	probes := 2*units + 2
	return g.reckon(kindRead, readWeight(int64(bytes))) - fixed + fixed*pages + g.reckon("driver's find", documentedMetadata)*probes
}

// A page of a query's result has at most so many bytes on Cosmos DB.
const maxPageBytes = 4 << 20

// sampler looks at some documents along the _id index.
type sampler struct {
	reader     *Reader
	collection string
	limit      float64 // of the reader's usage
	mean       float64 // bytes a document, by metadata
	documents  int
	first      []float64 // bytes a document of the first pages, which are from the low end
	means      []float64 // of each place, which counts as one: neighbours are alike
}

func (s *sampler) left() float64 { return s.limit - s.reader.Usage().RequestUnits }

// sample looks at the low end of the index, for the price of a page, and at places spread over it, a few documents
// each.
func (s *sampler) sample(ctx context.Context) error {
	low, any, err := s.reader.edge(ctx, s.collection, Range{}, 1)
	if err != nil || !any {
		return err
	}
	high, _, err := s.reader.edge(ctx, s.collection, Range{}, -1)
	if err != nil {
		return err
	}
	if err := s.look(ctx, Range{}, 1); err != nil {
		return err
	}
	// A page that is larger than the others tells what a page costs from what a byte does.
	if documents := int(s.left() / 4 / max(readWeight(int64(max(s.mean, s.meanSeen()))), 0.01)); documents > 1 {
		if err := s.look(ctx, Range{Bracket: bracketOf(high)}, documents); err != nil {
			return err
		}
	}
	s.first, s.means = s.means, nil
	governor := s.reader.meter.governor
	fixed := max(governor.reckon("driver's find", documentedMetadata), documentedMetadata)
	places := min(max(s.left()/2/fixed, leastPlaces), mostPlaces)
	perPlace := s.left()/places - fixed
	for n := range int(places) {
		at, ok := between(low, high, (float64(n)+0.5)/places)
		if !ok {
			return nil // a type without a key space, or several types: the first documents have to do
		}
		mean := max(s.mean, s.meanSeen())
		if s.left() < fixed+readWeight(int64(mean)) {
			return nil
		}
		documents := max(1, int(perPlace/max(readWeight(int64(mean)), 0.01)))
		if err := s.look(ctx, Range{Bracket: bracketOf(low), From: Value{at}}, documents); err != nil {
			return err
		}
	}
	return nil
}

// look reads one page.
func (s *sampler) look(ctx context.Context, in Range, documents int) error {
	cursor := s.reader.Find(Find{Collection: s.collection, Range: in, BatchDocuments: documents, DocumentBytes: int64(s.mean), Stopping: s.reader.config.Stopping})
	defer cursor.Close(ctx)
	batch, err := cursor.Next(ctx)
	if errors.Is(err, ErrEnd) {
		return nil
	}
	if err == nil {
		s.documents += len(batch.Documents)
		s.means = append(s.means, float64(batch.Bytes)/float64(len(batch.Documents)))
	}
	return err
}

// seen is the means of the places, and of the first pages where these are too few.
func (s *sampler) seen() []float64 {
	if len(s.means) < 2 {
		return append(slices.Clone(s.first), s.means...)
	}
	return s.means
}

func (s *sampler) meanSeen() float64 {
	sum, seen := 0.0, s.seen()
	for _, mean := range seen {
		sum += mean
	}
	return sum / max(1, float64(len(seen)))
}

// estimate is the mean size and its standard error. ok is false where too little was seen.
func (s *sampler) estimate() (mean, margin float64, ok bool) {
	seen := s.seen()
	if len(seen) < 2 {
		return 0, 0, false
	}
	mean = s.meanSeen()
	squares := 0.0
	for _, m := range seen {
		squares += (m - mean) * (m - mean)
	}
	n := float64(len(seen))
	margin = math.Sqrt(squares / (n - 1) / n)
	return mean, max(margin, 0.01*mean), true
}
