package idindex

import (
	"slices"
	"sort"
	"strings"

	"go.mongodb.org/mongo-driver/bson"
)

// sees tells what a comparison with an operand sees: values of its own group, and none where no collection that is
// held has any. The second result is false where it is for the server to say.
func sees(operand bson.RawValue) (some, sure bool) {
	if rank(operand) != 0 {
		return true, true
	}
	switch operand.Type {
	case bson.TypeNull, bson.TypeBoolean, bson.TypeBinary, bson.TypeTimestamp, bson.TypeEmbeddedDocument:
		return false, true
	}
	return false, false
}

// matching is the documents of a sorted collection that a filter on _id matches, sorted; false where the filter
// asks for anything else.
func matching(all []entry, filter bson.Raw) ([]entry, bool) {
	if len(filter) == 0 {
		return all, true
	}
	elements, err := filter.Elements()
	if err != nil || len(elements) > 1 {
		return nil, false
	}
	if len(elements) == 0 {
		return all, true
	}
	if elements[0].Key() != "_id" {
		return nil, false
	}
	operators, isDocument := elements[0].Value().DocumentOK()
	if !isDocument {
		return operator(all, "$eq", elements[0].Value())
	}
	conditions, err := operators.Elements()
	if err != nil || len(conditions) == 0 || !strings.HasPrefix(conditions[0].Key(), "$") {
		return nil, false
	}
	for _, condition := range conditions {
		var ok bool
		if all, ok = operator(all, condition.Key(), condition.Value()); !ok {
			return nil, false
		}
	}
	return all, true
}

func operator(all []entry, name string, operand bson.RawValue) ([]entry, bool) {
	if name == "$in" {
		return in(all, operand)
	}
	some, sure := sees(operand)
	if !sure || !slices.Contains([]string{"$eq", "$gt", "$gte", "$lt", "$lte"}, name) {
		return nil, false
	}
	if !some {
		return nil, true
	}
	group := rank(operand)
	first := sort.Search(len(all), func(n int) bool { return rank(all[n].id) >= group })
	end := sort.Search(len(all), func(n int) bool { return rank(all[n].id) > group })
	all = all[first:end]
	atLeast := sort.Search(len(all), func(n int) bool { return compare(all[n].id, operand) >= 0 })
	above := sort.Search(len(all), func(n int) bool { return compare(all[n].id, operand) > 0 })
	switch name {
	case "$eq":
		return all[atLeast:above], true
	case "$gt":
		return all[above:], true
	case "$gte":
		return all[atLeast:], true
	case "$lt":
		return all[:atLeast], true
	}
	return all[:above], true
}

func in(all []entry, operand bson.RawValue) ([]entry, bool) {
	list, ok := operand.ArrayOK()
	if !ok {
		return nil, false
	}
	values, err := list.Values()
	if err != nil {
		return nil, false
	}
	for _, value := range values {
		if rank(value) == 0 {
			return nil, false
		}
	}
	slices.SortFunc(values, compare)
	var found []entry
	for n, value := range values {
		if n > 0 && compare(values[n-1], value) == 0 {
			continue
		}
		one, _ := operator(all, "$eq", value)
		found = append(found, one...)
	}
	return found, true
}
