package steps

import (
	"context"
	"errors"
)

// copyStep implements [Step].
type copyStep struct{}

func (copyStep) Preview(ctx context.Context, env Reader) (Preview, error) {
	return Preview{}, errors.ErrUnsupported
}

func (copyStep) Divide(ctx context.Context, env Env) ([]Unit, error) {
	return nil, errors.ErrUnsupported
}

func (copyStep) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

func (copyStep) Finish(ctx context.Context, env Env, results []Result) (Result, error) {
	return Result{}, errors.ErrUnsupported
}
