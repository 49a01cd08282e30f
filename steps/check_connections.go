package steps

import (
	"context"
	"errors"
)

// checkConnections implements [Step].
type checkConnections struct{}

func (checkConnections) Preview(ctx context.Context, env Reader) (Preview, error) {
	return Preview{}, errors.ErrUnsupported
}

func (checkConnections) Divide(ctx context.Context, env Env) ([]Unit, error) {
	return nil, errors.ErrUnsupported
}

func (checkConnections) Do(ctx context.Context, env Env, unit Unit, task Task) (Result, error) {
	return Result{}, errors.ErrUnsupported
}

func (checkConnections) Finish(ctx context.Context, env Env, results []Result) (Result, error) {
	return Result{}, errors.ErrUnsupported
}
