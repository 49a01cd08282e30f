package steps

import (
	"context"
	"errors"
)

// verifyContent implements [Step].
type verifyContent struct{}

func (verifyContent) Preview(ctx context.Context, env Reader) (Preview, error) {
	return Preview{}, errors.ErrUnsupported
}

func (verifyContent) Divide(ctx context.Context, env Env) ([]Unit, error) {
	return nil, errors.ErrUnsupported
}

func (verifyContent) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

func (verifyContent) Finish(ctx context.Context, env Env, results []Result) (Result, error) {
	return Result{}, errors.ErrUnsupported
}
