package endpoint

import (
	"context"
	"math"

	"go.mongodb.org/mongo-driver/bson"
)

// sample is what was seen of a collection.
type sample struct {
	sizes   int       // documents whose size was seen
	means   []float64 // bytes a document, of each place: neighbours are alike, so that a place counts as one
	judged  int       // documents of which it was asked whether they match
	matched int
	shares  []float64 // of each place's documents, how many match
	page    float64   // request units of a page that is empty
	perKB   float64   // request units of each KB of a page
	dear    float64   // what a document may cost, where none was read because of that
}

// share is the part of the documents that match, and its standard error as a part of it. Where nothing was asked, all
// do.
func (s sample) share() (share, margin float64) {
	if s.judged == 0 {
		return 1, 0
	}
	n := float64(s.judged)
	share = (float64(s.matched) + 0.5) / (n + 1) // none seen is not none at all
	if s.matched == s.judged {
		share = 1
	}
	margin = math.Sqrt(share * (1 - share) / n)
	if _, between, ok := estimate(s.shares); ok {
		margin = max(margin, between)
	}
	return share, margin / share
}

const (
	leastPlaces   = 3  // to look at documents along the _id index, where that is affordable
	mostPlaces    = 32 // ... and at most
	judgedAtOne   = 50 // documents of a place that are held against the queries
	judgedIDBytes = 32 // of each of them, about

	documentedPage       = 2.5 // of an empty page, for each physical partition
	documentedPointPerKB = (10.0 - 1) / (100 - 1)
	partitionPerSecond   = 10_000   // RU/s that a physical partition has at most
	partitionBytes       = 50 << 30 // that a physical partition holds at most
)

// pointWeight is the documented charge of reading a document by its _id.
func pointWeight(bytes float64) float64 {
	return 1 + max(0, bytes/kilobyte-1)*documentedPointPerKB
}

// sampled looks at a collection, or recalls what was seen.
func (r *Reader) sampled(ctx context.Context, o Outlook, mean float64) (sample, error) {
	key := o.Collection
	for _, query := range o.Queries {
		key += "\x00" + string(query)
	}
	governor := r.meter.governor
	if seen, ok := governor.recall(key); ok {
		return seen, nil
	}
	s := sampler{reader: r, outlook: o, limit: governor.Spent() + o.Spend, mean: mean}
	if err := s.run(exactly(ctx)); err != nil {
		return sample{}, err
	}
	governor.remember(key, s.seen)
	return s.seen, nil
}

// sampler looks at some documents along the _id index. No command is sent that is expected to take more than is left.
// What a document will take is known by what documents have on average: one that is far larger than these, met by
// chance, takes more, but where reading by _id is cheap, less than a tenth of what it would in a page.
type sampler struct {
	reader  *Reader
	outlook Outlook
	limit   float64 // of what the connection has spent
	mean    float64 // bytes a document, by metadata
	seen    sample
	points  float64 // what reading by _id takes, as a multiple of what is documented; 0 where it is not cheaper than a page
	bytes   float64 // of all documents seen
}

// place is where to look: at the next documents of a range, from its start upwards (1) or from its end downwards (-1).
type place struct {
	in        Range
	direction int
}

func (s *sampler) left() float64 { return s.limit - s.reader.meter.governor.Spent() }

// cost runs a command and tells what it took.
func (s *sampler) cost(run func() error) (float64, error) {
	before := s.reader.meter.governor.Spent()
	err := run()
	return s.reader.meter.governor.Spent() - before, err
}

// documentBytes is what a document is expected to have.
func (s *sampler) documentBytes() float64 {
	switch {
	case s.seen.sizes > 0:
		return max(s.bytes/float64(s.seen.sizes), s.mean)
	case s.mean > 0:
		return s.mean
	}
	return unseenDocument
}

// documentCost is what reading a document is expected to take.
func (s *sampler) documentCost() float64 {
	if s.points > 0 {
		return s.points * pointWeight(s.documentBytes())
	}
	return s.seen.perKB * readWeight(int64(s.documentBytes()))
}

func (s *sampler) run(ctx context.Context) error {
	s.seen.page, s.seen.perKB = documentedPage*s.partitions(ctx), documentedReadPerKB
	if s.left() < s.seen.page {
		return nil
	}
	low, any, page, err := s.edge(ctx, 1)
	if err != nil || !any {
		return err
	}
	s.seen.page = page
	if s.left() < page {
		return nil
	}
	high, _, again, err := s.edge(ctx, -1)
	if err != nil {
		return err
	}
	s.seen.page = min(page, again) // what was throttled took more
	if cost := s.documentCost(); s.left() < s.seen.page+cost {
		if cost > s.outlook.Spend/4 {
			s.seen.dear = cost
		}
		return nil
	}
	if err := s.tryPoint(ctx, low); err != nil {
		return err
	}
	places := s.places(low, high)
	each := s.left() / float64(len(places)+1) // one for a page
	for n, at := range places {
		if s.left() < s.placeCost() {
			return nil
		}
		var read []bson.RawValue
		taken, err := s.cost(func() (err error) {
			read, err = s.look(ctx, at, each)
			return err
		})
		if err != nil || s.left() < taken {
			return err
		}
		if n == 0 && s.points > 0 && len(read) > 0 && s.left() > s.seen.page+s.seen.perKB*readWeight(int64(s.bytes)) {
			// What is in it is known by now. It tells what pages cost.
			if err := s.readPage(ctx, read); err != nil {
				return err
			}
		}
	}
	return nil
}

// partitions is how many physical partitions there are at least.
func (s *sampler) partitions(ctx context.Context) float64 {
	throughput := s.reader.quickThroughput(ctx, s.outlook.Collection)
	return max(1, math.Ceil(throughput.PerSecond/partitionPerSecond), math.Ceil(float64(s.outlook.Stats.Bytes)/partitionBytes))
}

// tryPoint finds out whether documents are cheaper to read by their _id than in pages. They are not where the _id does
// not tell the partition.
func (s *sampler) tryPoint(ctx context.Context, id bson.RawValue) error {
	size, taken, err := s.point(ctx, id)
	if err != nil || size == 0 {
		return err
	}
	s.add(size, 1)
	if taken < 0.75*(s.seen.page+readWeight(int64(size))) {
		s.points = taken / pointWeight(size)
		s.seen.perKB = max(documentedReadPerKB, math.Round(s.points)) // strong consistency doubles both
	}
	return nil
}

// placeCost is the least that a look at a place takes.
func (s *sampler) placeCost() float64 {
	cost := s.seen.page + s.documentCost()
	if s.points == 0 {
		cost += s.seen.page
	}
	if len(s.outlook.Queries) > 0 {
		cost += s.seen.page + readWeight(2*judgedIDBytes*judgedAtOne)
	}
	return cost
}

// places are the middles of as many stretches as a third of what is left finds.
func (s *sampler) places(low, high bson.RawValue) []place {
	count := int(min(max(s.left()/3/(s.placeCost()-s.documentCost()), leastPlaces), mostPlaces))
	var list []place
	for n := range count {
		at, ok := between(low, high, (float64(n)+0.5)/float64(count))
		if !ok {
			// A type without a key space, or several types: both ends have to do.
			return []place{{Range{Bracket: bracketOf(low)}, 1}, {Range{Bracket: bracketOf(high)}, -1}}
		}
		list = append(list, place{Range{Bracket: bracketOf(low), From: Value{at}}, 1})
	}
	return list
}

// look looks at some documents of a place, for about so many request units, and returns the _ids of those it read.
func (s *sampler) look(ctx context.Context, at place, spend float64) ([]bson.RawValue, error) {
	ids, err := s.candidates(ctx, at, spend)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	if s.points == 0 {
		return ids, s.readPage(ctx, ids)
	}
	sum, read := 0.0, ids[:0]
	for _, id := range ids {
		if s.left() < s.documentCost() {
			break
		}
		size, _, err := s.point(ctx, id)
		if err != nil {
			return nil, err
		}
		if size > 0 {
			s.add(size, 1)
			sum, read = sum+size, append(read, id)
		}
	}
	if len(read) > 0 {
		s.seen.means = append(s.seen.means, sum/float64(len(read)))
	}
	return read, nil
}

func (s *sampler) add(bytes float64, documents int) {
	s.bytes += bytes
	s.seen.sizes += documents
}

// candidates are the _ids of documents to look at, in their order: the next ones of a place, or those among them that
// match.
func (s *sampler) candidates(ctx context.Context, at place, spend float64) ([]bson.RawValue, error) {
	most := max(1, int((spend-s.placeCost())/s.documentCost())+1)
	if len(s.outlook.Queries) == 0 {
		return s.ids(ctx, at, nil, most)
	}
	all, err := s.ids(ctx, at, nil, judgedAtOne)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	within, ok := through(all)
	if !ok {
		return nil, nil
	}
	matching, err := s.ids(ctx, place{within, 1}, s.outlook.Queries, len(all))
	if err != nil {
		return nil, err
	}
	s.seen.judged += len(all)
	s.seen.matched += len(matching)
	s.seen.shares = append(s.seen.shares, float64(len(matching))/float64(len(all)))
	return matching[:min(len(matching), most)], nil
}
