package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans"
)

// verifyContent implements [Step]: it reads both sides on its own and compares every document. A unit is a range
// of one collection's _id index. The ranges are this step's own: they are found type by type, on the side that has
// more, and with another size than the copy's, so that a mistake in the copy's ranges does not repeat itself here.
type verifyContent struct{}

type verifyUnit struct {
	From  string         `json:"from"`
	To    string         `json:"to"`
	Range endpoint.Range `json:"range"`
	Limit int64          `json:"limit,omitempty"` // look at about so many documents of the source only; 0: at all
	Blind string         `json:"blind,omitempty"` // the side whose server does not know this type of _id
	Mean  int64          `json:"mean,omitempty"`  // bytes of a document of the side that was cut, as its metadata has it
	Top   endpoint.Value `json:"top,omitzero"`    // the greatest _id seen, where the range has no upper end
}

const (
	blindSource = "source"
	blindTarget = "target"
)

// verifyCheckpoint is how far a unit is: every document up to and including this _id has been compared.
type verifyCheckpoint struct {
	After  endpoint.Value `json:"after,omitzero"`
	Listed int64          `json:"listed,omitempty"` // unexpected documents above After that are in the list already
	Done   bool           `json:"done,omitempty"`
}

func (verifyContent) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.VerifyContentSpec)
	reader, pairs, notes, err := selected(ctx, env, spec.From, spec.Selection)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Notes: notes, RequestUnits: -1, Seconds: -1}
	forecast := newForecaster(env, spec.From, reader, &preview)
	var there []pair
	for _, p := range pairs {
		if p.Collection.Name == "" {
			preview.Notes = append(preview.Notes, reader.Namespace(p.From)+" does not exist yet")
			continue
		}
		there = append(there, p)
		if err := forecast.add(ctx, verifyReading(env.Step().Tuning, spec, p.From)); err != nil {
			return Preview{}, err
		}
	}
	if err := forecast.run(ctx, "reading every document of "+spec.From+" once (what differs is read again)"); err != nil {
		return Preview{}, err
	}
	if err := previewTarget(ctx, env, spec, there, &preview); err != nil {
		return Preview{}, err
	}
	if spec.Transform != nil {
		preview.Notes = append(preview.Notes, "the source's documents are compared as its filter, set and unset make them, and with all that the target has")
	}
	preview.Notes = append(preview.Notes, unlikeCopies(env)...)
	if spec.Repair {
		preview.Notes = append(preview.Notes, "copies what is missing or differs, and deletes nothing")
	}
	return preview, nil
}

// previewTarget adds what reading the target takes, where that counts request units too.
func previewTarget(ctx context.Context, env Reader, spec *plans.VerifyContentSpec, pairs []pair, preview *Preview) error {
	if len(pairs) == 0 {
		return nil
	}
	target, err := env.Reader(ctx, spec.To)
	if err != nil {
		return err
	}
	if target.Server().Kind != endpoint.KindCosmos {
		return nil
	}
	other := Preview{RequestUnits: -1, Seconds: -1}
	forecast := newForecaster(env, spec.To, target, &other)
	for _, p := range pairs {
		if err := forecast.add(ctx, verifyReading(env.Step().Tuning, spec, p.To)); err != nil {
			return err
		}
	}
	if err := forecast.run(ctx, "reading every document of "+spec.To+" once"); err != nil {
		return err
	}
	preview.RequestUnits = max(preview.RequestUnits, 0) + max(other.RequestUnits, 0)
	preview.Seconds = max(preview.Seconds, other.Seconds) // both sides are read at the same time
	preview.Notes = append(preview.Notes, other.Notes...)
	return nil
}

// verifyReading is what one side of a comparison reads of a collection. Each type of _id is looked for, and has units
// of its own.
func verifyReading(tuning plans.Tuning, spec *plans.VerifyContentSpec, collection string) reading {
	r := reading{collection: collection, units: func(stats endpoint.Stats) (units, queries, probes int64) {
		each := unitsFor(verifyTuning(tuning, spec, stats), stats)
		units = each + int64(endpoint.BracketCount) - 1
		return units, units, 2*each + int64(endpoint.BracketCount) - 1
	}}
	if spec.Query != nil {
		r.queries = []bson.Raw{spec.Query}
	}
	if isSample(spec.Sample) {
		r.share = spec.Sample
	}
	return r
}

// verifyTuning is the step's, with units of another size than the copy's.
func verifyTuning(tuning plans.Tuning, spec *plans.VerifyContentSpec, stats endpoint.Stats) plans.Tuning {
	tuning.UnitDocuments = max(1, tuning.UnitDocuments*2/3)
	if isSample(spec.Sample) {
		tuning.UnitDocuments = max(1000, stats.Documents/sampleRanges)
	}
	return tuning
}

func isSample(fraction float64) bool { return fraction > 0 && fraction < 1 }

func sampled(n int64, fraction float64) int64 {
	if !isSample(fraction) {
		return n
	}
	return int64(math.Ceil(float64(n) * fraction))
}

func (verifyContent) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.VerifyContentSpec)
	source, target, err := bothReaders(ctx, env, spec.From, spec.To)
	if err != nil {
		return nil, err
	}
	pairs, _, err := resolve(ctx, source, spec.Selection)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, nothingSelected(source, spec.Selection)
	}
	there, err := collectionNames(ctx, target)
	if err != nil {
		return nil, err
	}
	for _, note := range unlikeCopies(env) {
		env.Log("warn", note)
	}
	var units []Unit
	for _, p := range pairs {
		switch {
		case p.Collection.Name == "" && !there[p.To]:
			return nil, missingCollection(source, p.From)
		case p.Collection.Name == "":
			env.Log("warn", source.Namespace(p.From)+" does not exist: every document of "+target.Namespace(p.To)+" is unexpected")
		case !there[p.To]:
			env.Log("warn", target.Namespace(p.To)+" does not exist: every document of "+source.Namespace(p.From)+" is missing")
		}
		more, err := verifyUnits(ctx, env.Step().Tuning, spec, source, target, p)
		if err != nil {
			return nil, err
		}
		units = append(units, more...)
	}
	return units, nil
}

func collectionNames(ctx context.Context, reader *endpoint.Reader) (map[string]bool, error) {
	list, err := reader.ListCollections(ctx)
	names := make(map[string]bool, len(list))
	for _, c := range list {
		names[c.Name] = true
	}
	return names, err
}

// A sample looks at the beginnings of about so many ranges.
const sampleRanges = 200

// verifyUnits cuts the collection of the side that has more, so that a nearly empty other side is covered too. A
// type of _id that only one of the servers knows gets a unit of its own.
func verifyUnits(ctx context.Context, tuning plans.Tuning, spec *plans.VerifyContentSpec, source, target *endpoint.Reader, p pair) ([]Unit, error) {
	inSource, err := source.Stats(ctx, p.From)
	if err != nil {
		return nil, err
	}
	inTarget, err := target.Stats(ctx, p.To)
	if err != nil {
		return nil, err
	}
	cut, cutName, stats, cutSide := source, p.From, inSource, blindSource
	other, otherName, otherSide := target, p.To, blindTarget
	if inTarget.Documents > inSource.Documents {
		cut, cutName, stats, cutSide = target, p.To, inTarget, blindTarget
		other, otherName, otherSide = source, p.From, blindSource
	}
	partitions, err := cut.PartitionByType(ctx, cutName, int(unitsFor(verifyTuning(tuning, spec, stats), stats)), stats.Documents)
	if err != nil {
		return nil, fmt.Errorf("partition %s: %w", cut.Namespace(cutName), err)
	}
	holds, refuses, err := other.Brackets(ctx, otherName)
	if err != nil {
		return nil, fmt.Errorf("look at the types of _id in %s: %w", other.Namespace(otherName), err)
	}
	var units []Unit
	add := func(part endpoint.Part, blind string) error {
		work := verifyUnit{From: p.From, To: p.To, Range: part.Range, Blind: blind, Top: part.Top}
		if stats.Documents > 0 {
			work.Mean = stats.Bytes / stats.Documents
		}
		probably := expected(part, stats)
		if isSample(spec.Sample) {
			probably = max(1, sampled(probably, spec.Sample))
			work.Limit = probably
		}
		body, err := json.Marshal(work)
		units = append(units, Unit{ID: fmt.Sprintf("%s/%05d", p.From, len(units)), Spec: body, Expected: probably})
		return err
	}
	for _, part := range partitions.Parts {
		blind := ""
		if refuses[part.Range.Bracket] {
			blind = otherSide
		}
		if err := add(part, blind); err != nil {
			return nil, err
		}
	}
	for _, bracket := range partitions.Refused {
		if holds[bracket] {
			if err := add(endpoint.Part{Range: endpoint.Range{Bracket: bracket}}, cutSide); err != nil {
				return nil, err
			}
		}
	}
	return units, nil
}

func (verifyContent) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.VerifyContentSpec)
	c := comparison{env: env, spec: spec, task: task, unit: unit, counts: unit.Counts, saved: unit.Counts}
	if err := unit.work(&c.work); err != nil {
		return Result{}, err
	}
	if err := unit.goOn(&c.at); err != nil {
		return Result{}, err
	}
	var err error
	if c.source, c.target, err = bothReaders(ctx, env, spec.From, spec.To); err != nil {
		return Result{}, err
	}
	c.intended = task.Intended(c.target.Namespace(c.work.To))
	if !c.at.Done {
		err = c.run(ctx)
	}
	if errors.Is(err, endpoint.ErrStopping) {
		err = ErrStopped
	}
	return Result{Counts: c.counts}, err
}

func (verifyContent) Finish(_ context.Context, env Env, results []Result) (Result, error) {
	total := sum(results)
	c := total.Counts
	if spec := env.Step().Spec.(*plans.VerifyContentSpec); isSample(spec.Sample) {
		total.Notes = append(total.Notes, fmt.Sprintf("a sample of %s: %d documents were compared, and nothing is known of the others", percent(spec.Sample), c.Read))
	}
	if c.Missing+c.Differing+c.Unexpected > 0 {
		total.Notes = append(total.Notes, fmt.Sprintf("missing %d, differing %d, unexpected %d, repaired %d; %s listed by vida status --rejects", c.Missing, c.Differing, c.Unexpected, c.Repaired, howManyListed(c.Missing+c.Differing+c.Unexpected)))
	}
	return total, nil
}

func percent(fraction float64) string { return strconv.FormatFloat(100*fraction, 'g', 4, 64) + " %" }

func howManyListed(differences int64) string {
	if differences <= MostDifferences {
		return "each is"
	}
	return fmt.Sprintf("%d are not, the others are", differences-MostDifferences)
}
