package endpoint

import (
	"context"
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/mongo/readpref"
)

// What rises evenly along the index is met evenly, and known well; what goes up and down by chance is not.
func TestAnEstimateOfPlacesInTheirOrder(t *testing.T) {
	for name, test := range map[string]struct {
		means        []float64
		mean         float64
		least, most  float64
		tooFewToTell bool
	}{
		"alike":    {[]float64{100, 100, 100, 100}, 100, 0.01, 0.01, false},
		"rising":   {[]float64{100, 200, 300, 400, 500, 600}, 350, 0.01, 0.15, false},
		"by lot":   {[]float64{100, 600, 200, 500, 300, 400}, 350, 0.2, 0.6, false},
		"one":      {[]float64{100}, 0, 0, 0, true},
		"no place": {nil, 0, 0, 0, true},
	} {
		mean, margin, ok := estimate(test.means)
		if ok == test.tooFewToTell || mean != test.mean {
			t.Errorf("%s: %g, %t", name, mean, ok)
		}
		if relative := margin / max(mean, 1); relative < test.least || relative > test.most {
			t.Errorf("%s: give or take %.3f, want %g to %g", name, relative, test.least, test.most)
		}
	}
}

func TestTheShareOfWhatMatches(t *testing.T) {
	for name, test := range map[string]struct {
		seen        sample
		share       float64
		least, most float64
	}{
		"not asked":        {sample{}, 1, 0, 0},
		"all":              {sample{judged: 100, matched: 100, shares: []float64{1, 1}}, 1, 0, 0.02},
		"none is not zero": {sample{judged: 99, shares: []float64{0, 0}}, 0.005, 1, 3},
		"a third, evenly":  {sample{judged: 150, matched: 50, shares: []float64{0.34, 0.32, 0.34}}, 0.3344, 0.05, 0.15},
		"a half, in lumps": {sample{judged: 100, matched: 50, shares: []float64{0, 1, 0, 1}}, 0.5, 0.5, 1.5},
	} {
		share, margin := test.seen.share()
		if math.Abs(share-test.share) > 0.001 || margin < test.least || margin > test.most {
			t.Errorf("%s: %.4f give or take %.3f", name, share, margin)
		}
	}
}

// Where much is refused, a command whose connection broke cost less than it would have.
func TestWhatABrokenCommandCost(t *testing.T) {
	var fresh, refused tariff
	for range 100 {
		refused.grant(100, 20)
	}
	if got := fresh.broken(100); got != 50 {
		t.Errorf("nothing known: %g, want half", got)
	}
	if got := refused.broken(100); math.Abs(got-10) > 0.01 {
		t.Errorf("a fifth is done: %g, want a tenth", got)
	}
}

// Metadata that says that documents are tiny, which may be long ago, does not make the first batch a dear one.
func TestTheFirstBatchIsCutThoughMetadataIsStale(t *testing.T) {
	g, _ := clockedGovernor(Budget{PerSec: 16_000})
	if _, err := g.draw(context.Background(), nil, "c", 1, nil); err != nil {
		t.Fatal(err)
	}
	r := &Reader{preference: readpref.Primary()}
	r.meter = &meter{reader: r, governor: g}
	c := r.Find(Find{Collection: "c", BatchDocuments: 100_000, DocumentBytes: 20})
	if weight := readWeight(int64(c.batchDocuments()) * unseenDocument); weight > g.portion("c") {
		t.Errorf("%d documents of 4 KB cost %.0f RU, of %.0f that are affordable", c.batchDocuments(), weight, g.portion("c"))
	}
	r.meter = nil
	if got := c.batchDocuments(); got != 100_000 {
		t.Errorf("%d documents where nothing is paid for", got)
	}
}
