package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"golang.org/x/sync/errgroup"

	"vida/endpoint"
	"vida/plans"
)

// verifyCounts implements [Step]: it compares how many documents both sides have. A unit is a collection.
type verifyCounts struct{}

type verifyCountsUnit struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Collated bool   `json:"collated,omitempty"`
}

// verifiedCount is a unit's output, and with all others the step's.
type verifiedCount struct {
	Source    string `json:"source"`
	Target    string `json:"target"`
	InSource  int64  `json:"in_source"`
	InTarget  int64  `json:"in_target"`
	Estimated bool   `json:"estimated"`
}

func (verifyCounts) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.VerifyCountsSpec)
	reader, pairs, notes, err := selected(ctx, env, spec.From, spec.Selection)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Documents: -1, Bytes: -1, Units: int64(len(pairs)), RequestUnits: -1, Seconds: -1, Notes: notes}
	if spec.Transform != nil {
		preview.Notes = append(preview.Notes, filterNote(spec.Transform), "to count what passes the filter, the source's documents are read")
	}
	preview.Notes = append(preview.Notes, unlikeCopies(env)...)
	if result, ok := env.Earlier(env.Step().Name); ok && result.Counts.RequestUnits > 0 {
		preview.RequestUnits = result.Counts.RequestUnits
		preview.Notes = append(preview.Notes, fmt.Sprintf("the last count took %.0f RU, %s ago", result.Counts.RequestUnits, time.Since(env.Finished(env.Step().Name)).Round(time.Second)))
	}
	if preview.RequestUnits < 0 && spec.Count == plans.CountExact && reader.Server().Kind == endpoint.KindCosmos {
		preview.Notes = append(preview.Notes, "an exact count takes request units, how many is known afterwards only (vida status shows it); count: estimated takes none where both sides agree")
	}
	for _, p := range pairs {
		preview.Notes = append(preview.Notes, fmt.Sprintf("%s count of %s and %s.%s", spec.Count, reader.Namespace(p.From), env.Plan().Connection(spec.To).Database, p.To))
	}
	return preview, nil
}

func (verifyCounts) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.VerifyCountsSpec)
	reader, target, err := bothReaders(ctx, env, spec.From, spec.To)
	if err != nil {
		return nil, err
	}
	pairs, _, err := resolve(ctx, reader, spec.Selection)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, nothingSelected(reader, spec.Selection)
	}
	for _, note := range unlikeCopies(env) {
		env.Log("warn", note)
	}
	var units []Unit
	for _, p := range pairs {
		if p.Collection.Name == "" { // which counts as none: so would a name that is misspelt on both sides
			there, err := collectionNames(ctx, target)
			if err != nil {
				return nil, err
			}
			if !there[p.To] {
				return nil, missingCollection(reader, p.From)
			}
		}
		body, err := json.Marshal(verifyCountsUnit{From: p.From, To: p.To, Collated: collated(p.Collection)})
		if err != nil {
			return nil, err
		}
		units = append(units, Unit{ID: p.From, Spec: body})
	}
	return units, nil
}

func (v verifyCounts) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	counting, release := stoppable(ctx, task)
	defer release()
	result, err := v.count(counting, env, unit, task)
	if err != nil && stopping(task) && ctx.Err() == nil {
		return Result{}, ErrStopped
	}
	return result, err
}

func (verifyCounts) count(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.VerifyCountsSpec)
	var work verifyCountsUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	source, target, err := bothReaders(ctx, env, spec.From, spec.To)
	if err != nil {
		return Result{}, err
	}
	out := verifiedCount{Source: source.Namespace(work.From), Target: target.Namespace(work.To)}
	if spec.Transform != nil {
		if out.InSource, out.InTarget, err = countFiltered(ctx, env, source, target, work, task); err != nil {
			return Result{}, err
		}
		return countResult(out)
	}
	estimate := spec.Count == plans.CountEstimated && spec.Query == nil
	if out.InSource, out.InTarget, err = countBoth(ctx, source, target, work, spec.Query, estimate); err != nil {
		return Result{}, err
	}
	out.Estimated = estimate
	if estimate && out.InSource != out.InTarget {
		// Metadata counts may be stale on either side, so a disagreement of theirs says nothing.
		env.Log("info", fmt.Sprintf("the estimated counts of %s (%d) and %s (%d) disagree: counting exactly", out.Source, out.InSource, out.Target, out.InTarget))
		if out.InSource, out.InTarget, err = countBoth(ctx, source, target, work, spec.Query, false); err != nil {
			return Result{}, err
		}
		out.Estimated = false
	}
	return countResult(out)
}

func countBoth(ctx context.Context, source, target *endpoint.Reader, work verifyCountsUnit, query bson.Raw, estimate bool) (inSource, inTarget int64, err error) {
	group, ctx := errgroup.WithContext(ctx)
	count := func(reader *endpoint.Reader, collection string, to *int64) func() error {
		return func() error {
			if !estimate {
				n, err := reader.Count(ctx, collection, query)
				*to = n
				return err
			}
			stats, err := reader.Stats(ctx, collection)
			*to = stats.Documents
			return err
		}
	}
	group.Go(count(source, work.From, &inSource))
	group.Go(count(target, work.To, &inTarget))
	err = group.Wait()
	return inSource, inTarget, err
}

func countResult(out verifiedCount) (Result, error) {
	result := Result{Counts: Counts{Read: out.InSource}}
	how := "exact"
	if out.Estimated {
		how = "estimated, not proof"
	}
	switch {
	case out.InTarget < out.InSource:
		result.Counts.Missing = out.InSource - out.InTarget
	case out.InTarget > out.InSource:
		result.Counts.Unexpected = out.InTarget - out.InSource
	}
	verdict := "equal"
	if out.InSource != out.InTarget {
		verdict = "DIFFERENT"
	}
	what := out.Source
	if out.Target != out.Source {
		what += " → " + out.Target
	}
	result.Notes = []string{fmt.Sprintf("%s: %d in the source, %d in the target: %s (%s)", what, out.InSource, out.InTarget, verdict, how)}
	var err error
	result.Output, err = json.Marshal(out)
	return result, err
}

func (verifyCounts) Finish(_ context.Context, _ Env, results []Result) (Result, error) {
	total := sum(results)
	list := make([]json.RawMessage, 0, len(results))
	for _, r := range results {
		list = append(list, r.Output)
	}
	var err error
	total.Output, err = json.Marshal(map[string]any{"collections": list})
	return total, err
}
