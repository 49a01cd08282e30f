package steps

import (
	"context"
	"errors"
)

// generate implements [Step].
type generate struct{}

func (generate) Preview(ctx context.Context, env Reader) (Preview, error) {
	return Preview{}, errors.ErrUnsupported
}

func (generate) Divide(ctx context.Context, env Env) ([]Unit, error) {
	return nil, errors.ErrUnsupported
}

func (generate) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

func (generate) Finish(ctx context.Context, env Env, results []Result) (Result, error) {
	return Result{}, errors.ErrUnsupported
}
