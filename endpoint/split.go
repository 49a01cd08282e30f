package endpoint

import (
	"context"

	"go.mongodb.org/mongo-driver/bson"
)

// Split finds where to cut what is left of a range that has been read up to and including at (Type 0: nothing
// has been read). ok is false where there is nothing to cut. It reads at most three index entries.
func (r *Reader) Split(ctx context.Context, collection string, in Range, at bson.RawValue) (lower, upper Range, ok bool, err error) {
	if r.info.ScansRanges || single(in.Bracket) || in.Bracket == BracketOther || in.Bracket == "" {
		return Range{}, Range{}, false, nil
	}
	left := in
	if at.Type != 0 {
		left.From = Value{at}
	}
	high, any, err := r.edge(ctx, collection, left, -1)
	if err != nil || !any {
		return Range{}, Range{}, false, err
	}
	low := left.From.RawValue
	if low.Type == 0 {
		if low, any, err = r.edge(ctx, collection, left, 1); err != nil || !any {
			return Range{}, Range{}, false, err
		}
	}
	if SameValue(low, high) {
		return Range{}, Range{}, false, nil
	}
	cut, found := middle(low, high)
	if !found {
		return Range{}, Range{}, false, nil
	}
	boundary, any, err := r.edge(ctx, collection, Range{Bracket: in.Bracket, From: Value{cut}, Below: in.Below}, 1)
	if err != nil || !any || SameValue(boundary, low) {
		return Range{}, Range{}, false, err
	}
	lower, upper = in, in
	lower.Below, upper.From = Value{boundary}, Value{boundary}
	return lower, upper, true, nil
}
