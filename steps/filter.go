package steps

import (
	"strings"

	"go.mongodb.org/mongo-driver/bson"

	"vida/endpoint"
	"vida/plans/expression"
)

// sourceQueries are what the source evaluates of a step's query and filter.
func sourceQueries(query []byte, transform *expression.Transform, collated bool) (queries []bson.Raw) {
	if query != nil {
		queries = append(queries, query)
	}
	if transform != nil && transform.Pushdown != nil && !collated {
		queries = append(queries, transform.Pushdown)
	}
	return queries
}

// collated tells whether a collection compares strings otherwise than by their bytes.
func collated(c endpoint.Collection) bool {
	locale, ok := bson.Raw(c.Options).Lookup("collation", "locale").StringValueOK()
	return ok && locale != "simple"
}

const filteredHere = "the filter is evaluated here alone: every document is read"

// filterNote says who evaluates a filter. The source only leaves out what cannot pass; what it sends is always
// judged here, so that no server's idea of a comparison decides what is copied.
func filterNote(transform *expression.Transform) string {
	switch {
	case transform.Pushdown == nil:
		return filteredHere
	case transform.Concealed:
		return "the source leaves out documents that cannot pass the filter, and each that it sends is judged here; with what query is not shown, for the filter holds values of the environment"
	}
	note := "the source leaves out documents that cannot pass the filter: it sends those that match " +
		extendedJSON(transform.Pushdown) + ", and each of them is judged here"
	if len(transform.Remainder) > 0 {
		note += "; only here is judged: " + strings.Join(transform.Remainder, " && ")
	}
	return note
}

// collationNote says that a collection's collation keeps the filter from it, "" where that is not so.
func collationNote(namespace string, c endpoint.Collection, transform *expression.Transform) string {
	if transform == nil || transform.Pushdown == nil || !collated(c) {
		return ""
	}
	return namespace + " has a collation, by which it may see strings otherwise than the filter does: of it every document is read"
}
