package steps

import (
	"context"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	"golang.org/x/sync/errgroup"

	"vida/endpoint"
	"vida/plans"
)

// verifyContent implements [Step]: it reads both sides on its own and compares every document. A unit is a range
// of one collection's _id index. The ranges are this step's own: they are found type by type and with another
// size than the copy's, so that a mistake in the copy's ranges does not repeat itself here.
type verifyContent struct{}

type verifyUnit struct {
	From  string         `json:"from"`
	To    string         `json:"to"`
	Range endpoint.Range `json:"range"`
}

// With a sample, ranges of about this many documents are looked at, evenly over the collection.
const sampleUnitDocuments = 1000

func (verifyContent) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.VerifyContentSpec)
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return Preview{}, err
	}
	pairs, notes, err := resolve(ctx, reader, spec.Selection)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Notes: notes, Units: -1, RequestUnits: -1, Seconds: -1}
	for _, p := range pairs {
		if p.Collection.Name == "" {
			preview.Notes = append(preview.Notes, reader.Namespace(p.From)+" does not exist yet")
			continue
		}
		stats, err := reader.Stats(ctx, p.From)
		if err != nil {
			return Preview{}, err
		}
		preview.Documents += sampled(stats.Documents, spec.Sample)
		preview.Bytes += sampled(stats.Bytes, spec.Sample)
	}
	if spec.Repair {
		preview.Notes = append(preview.Notes, "copies what is missing or differs, and deletes nothing")
	}
	return preview, nil
}

func isSample(fraction float64) bool { return fraction > 0 && fraction < 1 }

func sampled(n int64, fraction float64) int64 {
	if !isSample(fraction) {
		return n
	}
	return int64(float64(n) * fraction)
}

func (verifyContent) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.VerifyContentSpec)
	source, err := env.Reader(ctx, spec.From)
	if err != nil {
		return nil, err
	}
	target, err := env.Reader(ctx, spec.To)
	if err != nil {
		return nil, err
	}
	pairs, _, err := resolve(ctx, source, spec.Selection)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, p := range pairs {
		parts, documents, err := verifyParts(ctx, env.Step().Tuning, spec, source, target, p)
		if err != nil {
			return nil, err
		}
		for n, part := range parts {
			if isSample(spec.Sample) && !inSample(n, spec.Sample) {
				continue
			}
			body, err := json.Marshal(verifyUnit{From: p.From, To: p.To, Range: part.Range})
			if err != nil {
				return nil, err
			}
			units = append(units, Unit{ID: fmt.Sprintf("%s/%05d", p.From, n), Spec: body, Expected: int64(part.Share * float64(documents))})
		}
	}
	return units, nil
}

// inSample picks ranges evenly: the nth is in when the running total passes a whole number with it.
func inSample(n int, fraction float64) bool {
	return int64(float64(n+1)*fraction) > int64(float64(n)*fraction) || n == 0
}

// verifyParts cuts the collection of the side that has more, so that a nearly empty other side, or one with types
// of _id that the first does not have, is covered too.
func verifyParts(ctx context.Context, tuning plans.Tuning, spec *plans.VerifyContentSpec, source, target *endpoint.Reader, p pair) ([]endpoint.Part, int64, error) {
	inSource, err := source.Stats(ctx, p.From)
	if err != nil {
		return nil, 0, err
	}
	inTarget, err := target.Stats(ctx, p.To)
	if err != nil {
		return nil, 0, err
	}
	larger, collection, stats := source, p.From, inSource
	if inTarget.Documents > inSource.Documents {
		larger, collection, stats = target, p.To, inTarget
	}
	if isSample(spec.Sample) {
		tuning.UnitDocuments = sampleUnitDocuments
	} else {
		tuning.UnitDocuments = max(1, tuning.UnitDocuments*2/3)
	}
	partitions, err := larger.PartitionByType(ctx, collection, int(unitsFor(tuning, stats)))
	if err != nil {
		return nil, 0, fmt.Errorf("partition %s: %w", larger.Namespace(collection), err)
	}
	return partitions.Parts, stats.Documents, nil
}

func (verifyContent) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.VerifyContentSpec)
	var work verifyUnit
	if err := json.Unmarshal(unit.Spec, &work); err != nil {
		return Result{}, fmt.Errorf("unit %s: its stored spec: %w", unit.ID, err)
	}
	source, err := env.Reader(ctx, spec.From)
	if err != nil {
		return Result{}, err
	}
	target, err := env.Reader(ctx, spec.To)
	if err != nil {
		return Result{}, err
	}
	c := comparison{env: env, spec: spec, work: work, source: source, target: target, task: task}
	return c.run(ctx)
}

func (verifyContent) Finish(_ context.Context, env Env, results []Result) (Result, error) {
	total := sum(results)
	if spec := env.Step().Spec.(*plans.VerifyContentSpec); isSample(spec.Sample) {
		total.Notes = append(total.Notes, fmt.Sprintf("a sample: %d documents were compared", total.Counts.Read))
	}
	return total, nil
}

// side is one of the two places a comparison reads.
type side struct {
	reader     *endpoint.Reader
	collection string
}

func (c *comparison) find(s side, after bson.RawValue, in endpoint.Range, documents int) *endpoint.Cursor {
	find := endpoint.Find{
		Collection:     s.collection,
		Range:          in,
		After:          after,
		BatchDocuments: documents,
		BatchBytes:     c.env.Step().Tuning.BatchBytes,
		Stopping:       c.task.Stopping(),
	}
	if c.spec.Query != nil {
		find.Queries = []bson.Raw{c.spec.Query}
	}
	return s.reader.Find(find)
}

// digests reads the unit's range on both sides at the same time.
func (c *comparison) digests(ctx context.Context) (source, target digest, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		var err error
		source, err = c.digest(ctx, c.sourceSide(), true)
		return err
	})
	group.Go(func() error {
		var err error
		target, err = c.digest(ctx, c.targetSide(), false)
		return err
	})
	err = group.Wait()
	return source, target, err
}
