package steps

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"vida/endpoint"
	"vida/plans"
)

// countFiltered counts the documents of the source that pass the step's filter, by reading them, and those of the
// target that match its query. A document on which the filter fails is not counted: the copy has rejected it.
func countFiltered(ctx context.Context, env Env, source, target *endpoint.Reader, work verifyCountsUnit, task Task) (inSource, inTarget int64, err error) {
	spec := env.Step().Spec.(*plans.VerifyCountsSpec)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		var err error
		inTarget, err = target.Count(ctx, work.To, spec.Query)
		return err
	})
	group.Go(func() error {
		partitions, err := source.PartitionByType(ctx, work.From, 1, 0)
		if err != nil {
			return err
		}
		for _, part := range partitions.Parts {
			n, err := countPart(ctx, env, source, work, part.Range, task)
			if err != nil {
				return err
			}
			inSource += n
		}
		return nil
	})
	err = group.Wait()
	return inSource, inTarget, err
}

func countPart(ctx context.Context, env Env, source *endpoint.Reader, work verifyCountsUnit, in endpoint.Range, task Task) (passed int64, err error) {
	spec, tuning := env.Step().Spec.(*plans.VerifyCountsSpec), env.Step().Tuning
	cursor := source.Find(endpoint.Find{
		Collection:     work.From,
		Queries:        sourceQueries(spec.Query, spec.Transform, work.Collated),
		Range:          in,
		BatchDocuments: tuning.BatchDocuments,
		BatchBytes:     tuning.BatchBytes,
		Stopping:       task.Stopping(),
	})
	defer cursor.Close(ctx)
	filter := spec.Transform.NewWorker()
	for {
		select {
		case <-task.Stopping():
			return passed, ErrStopped
		default:
		}
		n, err := countBatch(ctx, env.Memory(), cursor, func(b endpoint.Batch) (passed int64) {
			for _, document := range b.Documents {
				if _, keep, err := filter.Apply(document); keep && err == nil {
					passed++
				}
			}
			task.Report(Counts{Read: passed, Bytes: b.Bytes})
			return passed
		})
		passed += n
		switch {
		case errors.Is(err, endpoint.ErrEnd):
			return passed, nil
		case errors.Is(err, endpoint.ErrStopping):
			return passed, ErrStopped
		case err != nil:
			return passed, err
		}
	}
}

// countBatch reads one batch within the step's memory.
func countBatch(ctx context.Context, memory *endpoint.Memory, cursor *endpoint.Cursor, count func(endpoint.Batch) int64) (int64, error) {
	taken := cursor.Expected()
	if err := memory.Acquire(ctx, taken); err != nil {
		return 0, err
	}
	defer func() { memory.Release(taken) }()
	batch, err := cursor.Next(ctx)
	if err != nil {
		return 0, err
	}
	memory.Adjust(taken, batch.Bytes)
	taken = batch.Bytes
	return count(batch), nil
}
