package steps

import (
	"context"
	"errors"

	"vida/endpoint"
)

// streams finds out whether the server offers the change streams that steps read by. A collection that an earlier step
// makes cannot be asked about yet.
func (l *look) streams(ctx context.Context) error {
	asked := map[string]bool{}
	for _, n := range l.needs {
		if !n.streams {
			continue
		}
		pairs, _, err := choose(l.reader.Namespace, l.collections, n.selection)
		if err != nil {
			continue // it was said already
		}
		for _, p := range pairs {
			if p.Collection.Name == "" || asked[p.From] {
				continue
			}
			asked[p.From] = true
			tokens, err := streamTokens(ctx, l.reader, p.From)
			switch {
			case errors.Is(err, endpoint.ErrNoChangeStreams):
				l.fail(n.still, "%s cannot be read by change streams, as step %s is to: %v", p.From, n.step, err)
				return nil // nor can the others
			case err != nil:
				return err
			}
			l.remark("%s has %s, one for each physical partition", p.From, several(int64(len(tokens)), "change stream"))
		}
	}
	return nil
}
