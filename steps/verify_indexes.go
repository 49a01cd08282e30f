package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"vida/endpoint/indexes"
	"vida/plans"
)

// verifyIndexes implements [Step]: it compares the indexes of the target with those that it should have. A unit is
// a collection.
type verifyIndexes struct{}

type verifyIndexesUnit struct {
	Collection string          `json:"collection"`
	Indexes    []indexes.Index `json:"indexes"`
}

// verifiedIndexes is a unit's output.
type verifiedIndexes struct {
	Collection string          `json:"collection"`
	Equal      int             `json:"equal"`
	Missing    []string        `json:"missing"`
	Differing  []string        `json:"differing"`
	Unexpected []string        `json:"unexpected"`
	Wanted     []indexes.Index `json:"wanted"`
}

// verifiedCollections is the step's output.
type verifiedCollections struct {
	Collections []verifiedIndexes `json:"collections"`
}

func verifyOrigin(spec *plans.VerifyIndexesSpec) indexOrigin {
	return indexOrigin{from: spec.From, step: spec.Indexes, file: spec.File}
}

func (verifyIndexes) Preview(ctx context.Context, env Reader) (Preview, error) {
	spec := env.Step().Spec.(*plans.VerifyIndexesSpec)
	wanted, err := verifyOrigin(spec).wanted(ctx, env, spec.Selection, true)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Documents: -1, Bytes: -1, Units: int64(len(wanted)), RequestUnits: -1, Seconds: -1}
	for _, c := range wanted {
		preview.Notes = append(preview.Notes, fmt.Sprintf("would compare the indexes of %s.%s with the %d that it should have", env.Plan().Connection(spec.To).Database, c.Name, len(c.Indexes)))
	}
	return preview, nil
}

func (verifyIndexes) Divide(ctx context.Context, env Env) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.VerifyIndexesSpec)
	wanted, err := verifyOrigin(spec).wanted(ctx, env, spec.Selection, false)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, c := range wanted {
		body, err := json.Marshal(verifyIndexesUnit{Collection: c.Name, Indexes: c.Indexes})
		if err != nil {
			return nil, err
		}
		units = append(units, Unit{ID: c.Name, Spec: body})
	}
	return units, nil
}

func (verifyIndexes) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	spec := env.Step().Spec.(*plans.VerifyIndexesSpec)
	var work verifyIndexesUnit
	if err := unit.work(&work); err != nil {
		return Result{}, err
	}
	target, err := env.Reader(ctx, spec.To)
	if err != nil {
		return Result{}, err
	}
	reading, release := stoppable(ctx, task)
	defer release()
	have, err := listed(reading, target, work.Collection)
	if err != nil {
		if stopping(task) && ctx.Err() == nil {
			return Result{}, ErrStopped
		}
		return Result{}, err
	}
	return work.compare(target.Namespace(work.Collection), have)
}

func (u verifyIndexesUnit) compare(namespace string, have []indexes.Index) (Result, error) {
	differences, renamed := indexes.Compare(u.Indexes, have)
	out := verifiedIndexes{Collection: u.Collection, Wanted: u.Indexes, Missing: []string{}, Differing: []string{}, Unexpected: []string{}}
	var result Result
	say := func(format string, args ...any) {
		result.Notes = append(result.Notes, namespace+": "+fmt.Sprintf(format, args...))
	}
	for _, d := range differences {
		switch {
		case d.Have == nil:
			out.Missing = append(out.Missing, d.Want.Name())
			say("MISSING %s", *d.Want)
		case d.Want == nil:
			out.Unexpected = append(out.Unexpected, d.Have.Name())
			say("UNEXPECTED %s", *d.Have)
		default:
			out.Differing = append(out.Differing, d.Want.Name())
			name := d.Want.Name()
			if d.Have.Name() != name {
				name += " (in the target " + d.Have.Name() + ")"
			}
			say("DIFFERENT %s: %s", name, strings.Join(d.In, "; "))
		}
	}
	for _, index := range u.Indexes {
		if name, ok := renamed[index.Name()]; ok {
			say("%s is called %s in the target", index.Name(), name)
		}
	}
	out.Equal = len(u.Indexes) - len(out.Missing) - len(out.Differing)
	say("%d of %d indexes are equal", out.Equal, len(u.Indexes))
	result.Counts = Counts{Missing: int64(len(out.Missing)), Differing: int64(len(out.Differing)), Unexpected: int64(len(out.Unexpected))}
	var err error
	result.Output, err = json.Marshal(out)
	return result, err
}

func (verifyIndexes) Finish(_ context.Context, _ Env, results []Result) (Result, error) {
	total := sum(results)
	out := verifiedCollections{Collections: []verifiedIndexes{}}
	for _, r := range results {
		var one verifiedIndexes
		if err := json.Unmarshal(r.Output, &one); err != nil {
			return total, fmt.Errorf("the saved comparison of indexes: %w", err)
		}
		out.Collections = append(out.Collections, one)
	}
	var err error
	total.Output, err = json.Marshal(out)
	return total, err
}

// Outdated implements [Ageing]: the file may have been edited.
func (verifyIndexes) Outdated(env Reader, result Result) string {
	spec := env.Step().Spec.(*plans.VerifyIndexesSpec)
	var out verifiedCollections
	if err := json.Unmarshal(result.Output, &out); err != nil {
		return ""
	}
	var had []wantedCollection
	for _, c := range out.Collections {
		had = append(had, wantedCollection{Name: c.Collection, Indexes: c.Wanted})
	}
	return verifyOrigin(spec).edited(env, spec.Selection, had)
}
