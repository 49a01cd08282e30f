package steps

import (
	"context"
	"fmt"
	"strings"

	"vida/endpoint"
	"vida/endpoint/indexes"
)

// create creates the unit's index, unless it is there. An error is one that can pass; what the server refuses for
// good is the outcome.
func (u createUnit) create(ctx context.Context, writer *endpoint.Writer) (createdIndex, error) {
	out := createdIndex{Collection: u.Collection, Name: u.Index.Name(), Index: u.Index}
	have, err := listed(ctx, writer.Reader, u.Collection)
	if err != nil {
		return out, err
	}
	there, conflict := u.find(have)
	switch {
	case conflict != "":
		out.Status, out.Error = indexFailed, conflict
		return out, nil
	case there != "" && there != out.Name:
		out.Status = indexIdentical
		out.Notes = append(out.Notes, "the target has it under the name "+there+"; a query with a hint by name has to say that one")
		return out, nil
	}
	// Also where it is there: a listing shows indexes that are still being built, and this waits for them.
	err = writer.CreateIndex(ctx, u.Collection, u.Index.Definition())
	code := endpoint.Code(err)
	switch {
	case err == nil && there == "":
		out.Status = indexCreated
		return out, u.check(ctx, writer, &out)
	case err == nil || there != "" && (code == endpoint.CodeIndexOptionsConflict || code == endpoint.CodeIndexKeySpecs):
		out.Status = indexIdentical // the comparison knows better than a server that goes by its own spelling
		return out, nil
	case ctx.Err() != nil || code == 0 || endpoint.Transient(err):
		return out, fmt.Errorf("create the index %s of %s: %w", out.Name, writer.Namespace(u.Collection), err)
	}
	out.Status, out.Error = indexFailed, err.Error()
	if u.Index.Unique() {
		out.Error += "; " + u.duplicates(ctx, writer)
	}
	return out, ctx.Err()
}

// find looks for the index among those of the target: its name there, or why it cannot be created.
func (u createUnit) find(have []indexes.Index) (there, conflict string) {
	for _, h := range have {
		if h.Name() != u.Index.Name() {
			continue
		}
		if differences := indexes.Differences(u.Index, h); len(differences) > 0 {
			return "", fmt.Sprintf("the target has another index of this name (%s): drop that one, or give this one another name", strings.Join(differences, "; "))
		}
		return h.Name(), ""
	}
	for _, h := range have {
		if len(indexes.Differences(u.Index, h)) == 0 {
			return h.Name(), ""
		}
	}
	for _, h := range have {
		if indexes.SameKey(u.Index, h) && !u.isOther(h) {
			return "", fmt.Sprintf("the target has the index %s on the same key with other options (%s): drop that one, or make this one like it",
				h.Name(), strings.Join(indexes.Differences(u.Index, h), "; "))
		}
	}
	return "", ""
}

// isOther tells whether an index of the target is one that it is to have on the same key.
func (u createUnit) isOther(h indexes.Index) bool {
	for _, other := range u.Others {
		if len(indexes.Differences(other, h)) == 0 {
			return true
		}
	}
	return false
}

// check notes where the target has made something else than it was asked for, which some do in silence.
func (u createUnit) check(ctx context.Context, writer *endpoint.Writer, out *createdIndex) error {
	have, err := listed(ctx, writer.Reader, u.Collection)
	if err != nil {
		return err
	}
	for _, h := range have {
		if h.Name() != u.Index.Name() {
			continue
		}
		if differences := indexes.Differences(u.Index, h); len(differences) > 0 {
			out.Notes = append(out.Notes, "warning: the target took it and made something else ("+strings.Join(differences, "; ")+")")
		}
		return nil
	}
	out.Notes = append(out.Notes, "warning: the target took it and does not list it")
	return nil
}

// duplicates names some documents that have the same values, as far as the server helps.
func (u createUnit) duplicates(ctx context.Context, writer *endpoint.Writer) string {
	ask := endpoint.Duplicates{Fields: u.Index.Fields(), Most: 3}
	filter, partial := u.Index.Option("partialFilterExpression")
	if partial {
		ask.Filter, _ = filter.DocumentOK()
	}
	ask.Sparse = u.Index.Sparse()
	found, err := ask.Find(ctx, writer.Reader, u.Collection)
	if err != nil {
		return fmt.Sprintf("whether documents have the same values could not be found out (%v)", err)
	}
	if len(found) == 0 {
		return "no two documents have the same values, but for those inside of arrays, which were not compared"
	}
	var list []string
	for _, d := range found {
		var ids []string
		for _, id := range d.IDs {
			ids = append(ids, endpoint.IDText(id))
		}
		if d.Documents > int64(len(ids)) {
			ids = append(ids, "…")
		}
		list = append(list, fmt.Sprintf("%d documents have %s (_id %s)", d.Documents, indexes.KeyText(d.Values), strings.Join(ids, ", ")))
	}
	return "for example " + strings.Join(list, "; ")
}
