package null

import "go.mongodb.org/mongo-driver/bson"

// counting is an aggregation that counts: an optional $match, then $count or a $group of everything with a sum of ones.
type counting struct {
	query  bson.Raw
	result func(n int64) bson.D
}

func parsePipeline(body bson.Raw) (counting, error) {
	var found counting
	stages, _ := body.Lookup("pipeline").ArrayOK()
	values, err := stages.Values()
	if err != nil {
		return found, refuse(codeFailedToParse, "pipeline: %v", err)
	}
	for _, v := range values {
		stage, ok := v.DocumentOK()
		if !ok {
			return found, refuse(codeFailedToParse, "pipeline: a stage is an object")
		}
		element, err := stage.IndexErr(0)
		if err != nil {
			return found, refuse(codeFailedToParse, "pipeline: a stage has a name")
		}
		switch name := element.Key(); {
		case name == "$match" && found.query == nil && found.result == nil:
			if found.query, ok = element.Value().DocumentOK(); !ok {
				return found, refuse(codeFailedToParse, "$match needs an object")
			}
		case name == "$count" && found.result == nil:
			field, _ := element.Value().StringValueOK()
			found.result = func(n int64) bson.D { return bson.D{{Key: field, Value: n}} }
		case name == "$group" && found.result == nil:
			if found.result = sumOfOnes(element.Value()); found.result == nil {
				return found, refuse(codeBadValue, "the null engine groups to {_id: CONSTANT, NAME: {$sum: 1}} only")
			}
		default:
			return found, refuse(codeUnknownStage, "the null engine does not know the pipeline stage %s here", name)
		}
	}
	if found.result == nil {
		return found, refuse(codeBadValue, "the null engine aggregates to a count only")
	}
	return found, nil
}

// sumOfOnes recognises {_id: CONSTANT, NAME: {$sum: 1}}; nil for all else.
func sumOfOnes(group bson.RawValue) func(n int64) bson.D {
	document, _ := group.DocumentOK()
	elements, err := document.Elements()
	if err != nil || len(elements) != 2 || elements[0].Key() != "_id" {
		return nil
	}
	sum, _ := elements[1].Value().DocumentOK()
	if ones, _ := sum.Lookup("$sum").AsInt64OK(); ones != 1 {
		return nil
	}
	id, name := elements[0].Value(), elements[1].Key()
	return func(n int64) bson.D { return bson.D{{Key: "_id", Value: id}, {Key: name, Value: n}} }
}
