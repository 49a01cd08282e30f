package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"vida/endpoint"
	"vida/plans"
)

// Next implements [Staged]: after the change streams the _ids are compared, and then the streams are taken up again.
func (copyStep) Next(ctx context.Context, env Env, done []DoneUnit) ([]Unit, error) {
	spec := env.Step().Spec.(*plans.CopySpec)
	if spec.Read != plans.ReadChangeStream {
		return nil, nil
	}
	var works []copyUnit
	var ends []copyUnit // of streams, with where they stopped
	checked, taken := false, false
	for _, unit := range done {
		var work copyUnit
		if err := unit.work(&work); err != nil {
			return nil, err
		}
		works = append(works, work)
		checked = checked || work.Check
		if work.Stream == nil {
			continue
		}
		taken = taken || work.Stream.Tail
		var output copyOutput
		if err := json.Unmarshal(unit.Result.Output, &output); err != nil {
			return nil, fmt.Errorf("unit %s: its saved result: %w", unit.ID, err)
		}
		if output.Stream != nil && !output.Stream.After.IsZero() {
			part := *work.Stream
			part.First, part.Token, part.Tail = part.first(), output.Stream.After, true
			work.Stream = &part
			ends = append(ends, work)
		}
	}
	if !checked {
		units, err := divideCoverage(ctx, env, spec, works)
		if err != nil || len(units) > 0 {
			return units, err
		}
	}
	if taken {
		return nil, nil
	}
	tellSplits(ctx, env, spec, works)
	units := make([]Unit, len(ends))
	for n, end := range ends {
		var err error
		if units[n], err = streamUnit(end, *end.Stream, 0); err != nil {
			return nil, err
		}
	}
	return units, nil
}

// divideCoverage cuts the collections whose streams have been read into ranges of _id, of both sides and by types.
func divideCoverage(ctx context.Context, env Env, spec *plans.CopySpec, works []copyUnit) ([]Unit, error) {
	source, target, err := bothReaders(ctx, env, spec.From, spec.To)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, work := range collectionsOf(works) {
		ranges, err := verifyUnits(ctx, env.Step().Tuning, &plans.VerifyContentSpec{}, source, target, pair{From: work.From, To: work.To})
		if err != nil {
			return nil, err
		}
		for n, unit := range ranges {
			var part verifyUnit
			if err := json.Unmarshal(unit.Spec, &part); err != nil {
				return nil, err
			}
			work.Range, work.Top, work.Blind, work.Check, work.Stream = part.Range, part.Top, part.Blind, true, nil
			body, err := json.Marshal(work)
			if err != nil {
				return nil, err
			}
			units = append(units, Unit{ID: fmt.Sprintf("%s/check-%05d", work.From, n), Spec: body, Expected: unit.Expected})
		}
	}
	return units, nil
}

// collectionsOf returns one unit of each collection.
func collectionsOf(works []copyUnit) []copyUnit {
	var one []copyUnit
	for _, work := range works {
		if !slices.ContainsFunc(one, func(other copyUnit) bool { return other.From == work.From }) {
			one = append(one, work)
		}
	}
	return one
}

// tellSplits says where there are more physical partitions than streams were begun. The server goes on with a stream
// over both halves of its partition, or refuses to, see passOn.
func tellSplits(ctx context.Context, env Env, spec *plans.CopySpec, works []copyUnit) {
	reader, err := env.Reader(ctx, spec.From)
	if err != nil {
		return
	}
	for _, work := range collectionsOf(works) {
		begun := 0
		for _, other := range works {
			if other.From == work.From && other.Stream != nil && !other.Stream.Born && !other.Stream.Tail {
				begun++
			}
		}
		tokens, err := reader.ChangeStreamTokens(ctx, work.From)
		if err == nil && len(tokens) > begun {
			env.Log("info", fmt.Sprintf("%s had %d physical partitions when its change streams were begun, and has %d now: some were split meanwhile",
				reader.Namespace(work.From), begun, len(tokens)))
		}
	}
}

// streamNote says what a copy by change streams came to; nothing for another copy.
func streamNote(results []Result) (string, error) {
	var streams, lost int
	var left, extra, unexpected, changed int64
	for _, r := range results {
		if len(r.Output) == 0 {
			continue
		}
		var output copyOutput
		if err := json.Unmarshal(r.Output, &output); err != nil {
			return "", fmt.Errorf("a unit's saved result: %w", err)
		}
		switch {
		case output.Check != nil:
			left += r.Counts.Read
			extra += output.Check.Extra
			unexpected += r.Counts.Unexpected
		case output.Stream != nil && output.Stream.Tail:
			changed += r.Counts.Read
		case output.Stream != nil:
			streams++
		}
		if output.Stream != nil && output.Stream.Lost {
			lost++
		}
	}
	if streams == 0 {
		return "", nil
	}
	note := fmt.Sprintf("read by %s; a comparison of the _ids found %s that they had not brought, and copied them",
		several(int64(streams), "change stream"), several(left, "document"))
	if unexpected > 0 {
		note += fmt.Sprintf("; %d are in the target only, deleted from the source meanwhile, and listed by vida status --rejects", unexpected)
	}
	if extra > 0 {
		note += fmt.Sprintf("; the target, which was not empty, has %d of its own", extra)
	}
	note += fmt.Sprintf("; taken up again, the streams brought %s that had changed meanwhile", several(changed, "document"))
	if lost > 0 {
		note += fmt.Sprintf("; %s could not be gone on with and were read anew", several(int64(lost), "stream"))
	}
	return note, nil
}

func several(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// streamReading says how a collection would be read by its streams.
func streamReading(ctx context.Context, reader *endpoint.Reader, collection string) (reading, string, error) {
	tokens, err := streamTokens(ctx, reader, collection)
	streams := int64(len(tokens))
	return reading{collection: collection, streams: len(tokens), units: func(endpoint.Stats) (units, queries, probes int64) {
			return streams, streams, 0
		}}, fmt.Sprintf("%s is read by %s, one for each physical partition, from time zero; then the _ids of both sides are compared, and the streams taken up again",
			reader.Namespace(collection), several(streams, "change stream")), err
}
