package plans

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"vida/plans/expression"
)

// Expressions are compiled elsewhere; what is here brings their mistakes back to the places in the plan.

// compileWhen compiles the condition of a step, which may ask about the steps before it.
func (b *builder) compileWhen(s *Step, index int) {
	v := get[*value](b.records[s], "when")
	if v == nil {
		return
	}
	var earlier, all []string
	for i, other := range b.plan.Steps {
		if i < index {
			earlier = append(earlier, other.Name)
		}
		all = append(all, other.Name)
	}
	condition, err := expression.CompileCondition(v.text, earlier)
	if err == nil {
		s.When = condition
		return
	}
	later := false
	if _, withAll := expression.CompileCondition(v.text, all); withAll == nil {
		later = true // it is only the order of the steps that is wrong
	}
	for _, problem := range problems(err) {
		if later {
			problem.Hint = "that step comes later: a condition can only ask about the steps before it"
		}
		b.reportExpression(v, problem)
	}
}

// compileTransform compiles filter, set and unset.
func (b *builder) compileTransform(filter *value, set []fieldValue, unset []listItem) *expression.Transform {
	text := ""
	values, keys := map[string]*value{}, map[string]Position{}
	if filter != nil {
		text, values["filter"] = filter.text, filter
	}
	var assignments []expression.Assignment
	for _, f := range set {
		assignments = append(assignments, expression.Assignment{Path: f.name, Text: f.value.text})
		values["set:"+f.name] = f.value
		keys["set:"+f.name] = nodePosition(f.key)
	}
	var removed []string
	for _, item := range unset {
		path, _ := item.decoded.(string)
		removed = append(removed, path)
		values["unset:"+path] = item.value
	}
	transform, err := expression.CompileTransform(text, assignments, removed)
	if err == nil {
		if filter != nil && filter.isInterpolated() {
			transform.Conceal(filter.node.Value)
		}
		return transform
	}
	for _, problem := range problems(err) {
		v := values[problem.Field]
		if v == nil {
			v = firstValue(filter, set, unset)
		}
		if key, ok := keys[problem.Field]; ok && problem.InPath {
			b.report(key, problem.Hint, "%s", problem.Message)
			continue
		}
		b.reportExpression(v, problem)
	}
	return nil
}

// firstValue returns where the transform of a step begins.
func firstValue(filter *value, set []fieldValue, unset []listItem) *value {
	switch {
	case filter != nil:
		return filter
	case len(set) > 0:
		return set[0].value
	}
	return unset[0].value
}

// problems returns the mistakes that an error of package expression joins.
func problems(err error) []expression.Error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []expression.Error
		for _, e := range joined.Unwrap() {
			list = append(list, problems(e)...)
		}
		return list
	}
	var one *expression.Error
	if errors.As(err, &one) {
		return []expression.Error{*one}
	}
	return []expression.Error{{Line: 1, Column: 1, Message: err.Error()}}
}

// reportExpression reports a mistake inside of an expression at its place in the plan.
func (b *builder) reportExpression(v *value, problem expression.Error) {
	raw := rawOffset(v.segments, offsetOf(v.text, problem.Line, problem.Column))
	message, hint := problem.Message, problem.Hint
	if near := nearest(problem.Unknown, problem.Known); near != "" {
		hint = didYouMean(near)
	}
	if b.quotesValue(v, message+" "+hint) {
		message, hint = "this is no expression once ${...} is filled in", ""
	}
	hint = firstOf(hint, b.origin(v))
	b.report(b.text.place(v.node, raw), hint, "%s", strings.TrimSpace(strings.ReplaceAll(message, "\n", " ")))
}

// quotesValue tells whether a message quotes a part of what a name in the expression stands for, which may
// be a secret.
func (b *builder) quotesValue(v *value, message string) bool {
	words := strings.FieldsFunc(message, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, name := range v.names {
		found, _ := b.names.lookup(name)
		for _, word := range words {
			if len(word) > 2 && strings.Contains(found, word) && !strings.Contains(v.node.Value, word) {
				return true
			}
		}
	}
	return false
}

// offsetOf returns the byte offset of a line and a column, both from 1, in a text. It stays inside the text.
func offsetOf(text string, line, column int) int {
	offset := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(text[offset:], '\n')
		if next < 0 {
			break
		}
		offset += next + 1
	}
	for ; column > 1 && offset < len(text) && text[offset] != '\n'; column-- {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}
