package steps

import (
	"context"
	"errors"
)

// verifyCounts implements [Step].
type verifyCounts struct{}

func (verifyCounts) Preview(ctx context.Context, env Reader) (Preview, error) {
	return Preview{}, errors.ErrUnsupported
}

func (verifyCounts) Divide(ctx context.Context, env Env) ([]Unit, error) {
	return nil, errors.ErrUnsupported
}

func (verifyCounts) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

func (verifyCounts) Finish(ctx context.Context, env Env, results []Result) (Result, error) {
	return Result{}, errors.ErrUnsupported
}
