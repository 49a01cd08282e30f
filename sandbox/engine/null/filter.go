package null

import (
	"slices"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/bsontype"
)

// selection is disjoint intervals in rising order.
type selection []interval

// selects returns the documents that a query matches. It knows conditions on _id and $and; other queries are
// refused, so that none is answered wrongly.
func (l layout) selects(query bson.Raw) (selection, error) {
	selected := selection{{0, l.spread.documents()}}
	elements, err := query.Elements()
	if err != nil {
		return nil, refuse(codeFailedToParse, "query: %v", err)
	}
	for _, e := range elements {
		var matching selection
		switch e.Key() {
		case "_id":
			matching, err = l.selectsID(e.Value())
		case "$and":
			matching, err = l.selectsAll(e.Value())
		case "$comment":
			continue
		default:
			err = refuse(codeBadValue, "the null engine answers queries on _id only, not on %s", e.Key())
		}
		if err != nil {
			return nil, err
		}
		selected = selected.and(matching)
	}
	return selected, nil
}

func (l layout) selectsAll(conditions bson.RawValue) (selection, error) {
	list, ok := conditions.ArrayOK()
	if !ok {
		return nil, refuse(codeBadValue, "$and must be an array")
	}
	values, err := list.Values()
	if err != nil {
		return nil, refuse(codeFailedToParse, "$and: %v", err)
	}
	selected := selection{{0, l.spread.documents()}}
	for _, v := range values {
		query, ok := v.DocumentOK()
		if !ok {
			return nil, refuse(codeBadValue, "$and's entries need to be objects")
		}
		matching, err := l.selects(query)
		if err != nil {
			return nil, err
		}
		selected = selected.and(matching)
	}
	return selected, nil
}

// selectsID answers the condition on _id: a value, or operators that all must hold.
func (l layout) selectsID(condition bson.RawValue) (selection, error) {
	operators, ok := condition.DocumentOK()
	if !ok {
		return l.one(condition), nil
	}
	elements, err := operators.Elements()
	if err != nil {
		return nil, refuse(codeFailedToParse, "_id: %v", err)
	}
	if len(elements) == 0 || elements[0].Key()[:min(1, len(elements[0].Key()))] != "$" {
		return nil, nil // equal to a subdocument: none is
	}
	selected := selection{{0, l.spread.documents()}}
	for _, e := range elements {
		matching, err := l.selectsOperator(e.Key(), e.Value())
		if err != nil {
			return nil, err
		}
		selected = selected.and(matching)
	}
	return selected, nil
}

func (l layout) selectsOperator(operator string, operand bson.RawValue) (selection, error) {
	all := interval{0, l.spread.documents()}
	switch operator {
	case "$eq":
		return l.one(operand), nil
	case "$in":
		return l.selectsIn(operand)
	case "$exists":
		if present, ok := operand.BooleanOK(); ok && !present {
			return nil, nil
		}
		return selection{all}, nil
	case "$type":
		return l.selectsType(operand)
	case "$gt", "$gte", "$lt", "$lte":
	default:
		return nil, refuse(codeBadValue, "the null engine does not know %s", operator)
	}
	switch {
	case operand.Type == bson.TypeMinKey || operand.Type == bson.TypeMaxKey: // ordered with every type
		if above := operator == "$gt" || operator == "$gte"; above == (operand.Type == bson.TypeMaxKey) {
			return nil, nil
		}
	case !l.key.comparable(operand):
		return nil, nil
	case operator == "$gt":
		all.first = l.firstAbove(operand)
	case operator == "$gte":
		all.first = l.firstAtLeast(operand)
	case operator == "$lt":
		all.end = l.firstAtLeast(operand)
	default:
		all.end = l.firstAbove(operand)
	}
	return selection{all}, nil
}

func (l layout) selectsIn(operand bson.RawValue) (selection, error) {
	list, ok := operand.ArrayOK()
	if !ok {
		return nil, refuse(codeBadValue, "$in needs an array")
	}
	values, err := list.Values()
	if err != nil {
		return nil, refuse(codeFailedToParse, "$in: %v", err)
	}
	var selected selection
	for _, v := range values {
		selected = append(selected, l.one(v)...)
	}
	slices.SortFunc(selected, func(a, b interval) int { return int(a.first - b.first) })
	return slices.Compact(selected), nil
}

func (l layout) one(id bson.RawValue) selection {
	if i, ok := l.find(id); ok {
		return selection{{i, i + 1}}
	}
	return nil
}

// typeNames are the names by which a query asks for the types of _id there are.
var typeNames = map[string]bsontype.Type{
	"objectId": bson.TypeObjectID, "long": bson.TypeInt64, "number": bson.TypeInt64,
	"string": bson.TypeString, "binData": bson.TypeBinary,
}

func (l layout) selectsType(operand bson.RawValue) (selection, error) {
	wanted := []bson.RawValue{operand}
	if list, ok := operand.ArrayOK(); ok {
		values, err := list.Values()
		if err != nil {
			return nil, refuse(codeFailedToParse, "$type: %v", err)
		}
		wanted = values
	}
	for _, w := range wanted {
		name, _ := w.StringValueOK()
		code, _ := w.AsInt64OK()
		if typeNames[name] == l.key.kind || code == int64(l.key.kind) {
			return selection{{0, l.spread.documents()}}, nil
		}
	}
	return nil, nil
}

// and returns what two selections have in common.
func (s selection) and(other selection) selection {
	var both selection
	for len(s) > 0 && len(other) > 0 {
		common := interval{max(s[0].first, other[0].first), min(s[0].end, other[0].end)}
		if !common.empty() {
			both = append(both, common)
		}
		if s[0].end < other[0].end {
			s = s[1:]
		} else {
			other = other[1:]
		}
	}
	return both
}
