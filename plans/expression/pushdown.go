package expression

import (
	"math"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
)

// A filter is pushed down as a query that is at least as wide: every document for which the filter is true must match
// it, on any server, whatever the types in it. It may match more, for the filter is always evaluated here as well. So
// that a server's own ideas cannot lose a document, comparisons that servers are known or free to see differently are
// widened or left out:
//
//   - A query looks into arrays, an expression does not. Where that makes a query match more nothing is to be done;
//     where it makes it match less (not equal, not in, missing) arrays on the way are let through: a.0 exists.
//   - < and > of numbers become <= and >=, and a literal that is not whole becomes an interval around it: servers
//     compare a decimal with a double in different ways. Numbers are not pushed down in a negation at all.
//   - Strings are compared by a server as bytes or as UTF-16; both have the same order when one side is ASCII.
//   - Only conditions that cannot fail are pushed down, and they are evaluated before all others: whether a document is
//     left out or rejected does not depend on who looked first.

// condition is a query, or no restriction when it is nil.
type condition = bson.D

// pushdown translates a rewritten filter. conditions are the operands of its outermost &&, as they are written;
// those of which the query holds nothing are returned.
func pushdown(filter ast.Node, conditions []string) (query bson.Raw, remainder []string) {
	const mostBytes = 1 << 20 // a list of more _ids than this is no query any more
	var all []condition
	for n, operand := range conjunction(filter) {
		if c := wider(operand); c != nil && total(operand) {
			all = append(all, c)
		} else {
			remainder = append(remainder, conditions[n])
		}
	}
	if len(all) == 0 {
		return nil, remainder
	}
	query, err := bson.Marshal(and(all))
	if err != nil || len(query) > mostBytes {
		return nil, conditions
	}
	return query, remainder
}

// conjunction returns the operands of the && at the top of a filter.
func conjunction(n ast.Node) []ast.Node {
	if b, ok := n.(*ast.BinaryNode); ok && (b.Operator == "&&" || b.Operator == "and") {
		return append(conjunction(b.Left), conjunction(b.Right)...)
	}
	return []ast.Node{n}
}

// totalFirst puts the conditions that cannot fail first, each with its text.
func totalFirst(filter ast.Node, texts []string) (ast.Node, []string) {
	var ordered []ast.Node
	var names []string
	for _, wanted := range []bool{true, false} {
		for n, operand := range conjunction(filter) {
			if total(operand) == wanted {
				ordered, names = append(ordered, operand), append(names, texts[n])
			}
		}
	}
	whole := ordered[0]
	for _, next := range ordered[1:] {
		whole = at(next, &ast.BinaryNode{Operator: "&&", Left: whole, Right: next})
	}
	return whole, names
}

// total tells whether a condition has an answer for every document.
func total(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BoolNode, *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.StringNode, *ast.ConstantNode:
		return true
	case *ast.BinaryNode:
		return (n.Operator == "&&" || n.Operator == "||") && total(n.Left) && total(n.Right)
	case *ast.CallNode:
		switch n.Callee.(*ast.IdentifierNode).Value {
		case opTest, opRead, opExists, opWhole:
			return true
		case opTrue, opNot, opInList, "$==", "$!=", "$<", "$<=", "$>", "$>=", "$startsWith", "$endsWith", "$contains":
			for _, a := range n.Arguments {
				if !total(a) {
					return false
				}
			}
			return true
		}
	}
	return false
}

func and(all []condition) condition {
	if len(all) == 1 {
		return all[0]
	}
	return bson.D{{Key: "$and", Value: all}}
}

// or returns no restriction where one of the conditions is none.
func or(all ...condition) condition {
	for _, c := range all {
		if c == nil {
			return nil
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return bson.D{{Key: "$or", Value: all}}
}

func both(a, b condition) condition {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return and([]condition{a, b})
}

// wider returns a query that all documents match for which a condition is true.
func wider(n ast.Node) condition {
	switch n := n.(type) {
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&":
			return both(wider(n.Left), wider(n.Right))
		case "||":
			return or(wider(n.Left), wider(n.Right))
		}
	case *ast.CallNode:
		switch n.Callee.(*ast.IdentifierNode).Value {
		case opTest:
			return n.Arguments[1].(*ast.ConstantNode).Value.(*leaf).wider()
		case opNot:
			return widerNot(n.Arguments[0])
		case opExists:
			if key, ok := queryPath(n.Arguments[1].(*ast.ConstantNode).Value.(*reference).path); ok {
				return exists(key, true)
			}
		}
	}
	return nil
}

// widerNot returns a query that all documents match for which a condition is not true.
func widerNot(n ast.Node) condition {
	switch n := n.(type) {
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&":
			return or(widerNot(n.Left), widerNot(n.Right))
		case "||":
			return both(widerNot(n.Left), widerNot(n.Right))
		}
	case *ast.CallNode:
		switch n.Callee.(*ast.IdentifierNode).Value {
		case opTest:
			return n.Arguments[1].(*ast.ConstantNode).Value.(*leaf).widerNot()
		case opNot:
			return wider(n.Arguments[0])
		case opExists:
			path := n.Arguments[1].(*ast.ConstantNode).Value.(*reference).path
			if key, ok := queryPath(path); ok {
				return or(append(arrays(path, len(path)-1), exists(key, false))...)
			}
		}
	}
	return nil
}

func exists(key string, really bool) condition {
	return operator(key, "$exists", really)
}

func operator(key, name string, v any) condition {
	return bson.D{{Key: key, Value: bson.D{{Key: name, Value: v}}}}
}

// queryPath returns a path as a query has it; false where its names mean something else there.
func queryPath(path []string) (string, bool) {
	for _, name := range path {
		if badName(name) != "" || strings.Contains(name, ".") {
			return "", false
		}
	}
	return strings.Join(path, "."), true
}

// arrays are queries that let documents through in which one of the first n fields on the way along a path is an
// array with something in it.
func arrays(path []string, n int) (list []condition) {
	for i := 1; i <= n; i++ {
		list = append(list, exists(strings.Join(path[:i], ".")+".0", true))
	}
	return list
}

func (l *leaf) wider() condition {
	key, ok := queryPath(l.field.path)
	if !ok {
		return nil
	}
	switch l.operator {
	case "true":
		return bson.D{{Key: key, Value: true}}
	case "==":
		return l.equals(key, l.literal)
	case "!=":
		return l.notIn(key, []any{l.literal})
	case "in":
		return l.in(key, l.literal.([]any))
	case "startsWith":
		return startsWith(key, string(l.text))
	case "<", "<=", ">", ">=":
		return l.ordered(key)
	}
	return nil
}

func (l *leaf) widerNot() condition {
	key, ok := queryPath(l.field.path)
	if !ok {
		return nil
	}
	switch l.operator {
	case "true":
		return l.notIn(key, []any{true})
	case "!=":
		return l.equals(key, l.literal)
	case "==":
		return l.notIn(key, []any{l.literal})
	case "in":
		return l.notIn(key, l.literal.([]any))
	}
	return nil
}

func (l *leaf) equals(key string, literal any) condition {
	if literal == nil {
		return l.missing(key)
	}
	if v, ok := comparable(literal); ok {
		return bson.D{{Key: key, Value: v}}
	}
	if low, high, ok := interval(literal); ok {
		return bson.D{{Key: key, Value: bson.D{{Key: "$gte", Value: low}, {Key: "$lte", Value: high}}}}
	}
	return nil
}

// missing matches null and missing fields. A field below an array is missing here; to a query it may be there, and
// below an array without objects it is neither missing nor there.
func (l *leaf) missing(key string) condition {
	all := []condition{{{Key: key, Value: nil}}}
	above := len(l.field.path) - 1
	all = append(all, arrays(l.field.path, above)...)
	for i := 1; i <= above; i++ {
		all = append(all, operator(strings.Join(l.field.path[:i], "."), "$size", 0))
	}
	return or(all...)
}

func (l *leaf) in(key string, list []any) condition {
	var plain bson.A
	all := []condition{}
	for _, v := range list {
		if value, ok := comparable(v); ok {
			plain = append(plain, value)
			continue
		}
		c := l.equals(key, v)
		if c == nil {
			return nil
		}
		all = append(all, c)
	}
	if len(plain) > 0 || len(all) == 0 {
		if plain == nil {
			plain = bson.A{}
		}
		all = append(all, operator(key, "$in", plain))
	}
	return or(all...)
}

// notIn matches what is equal to none of the list. Numbers in it are left out of the query, which makes it wider.
func (l *leaf) notIn(key string, list []any) condition {
	var others bson.A
	var result condition
	for _, v := range list {
		if v == nil {
			result = exists(key, true) // and not null, which is not asked: a query takes undefined for it
			continue
		}
		if _, isNumber := numberOf(v); isNumber {
			continue
		}
		if value, ok := comparable(v); ok {
			others = append(others, value)
		}
	}
	var unequal condition
	switch len(others) {
	case 0:
		return result
	case 1:
		unequal = operator(key, "$ne", others[0])
	default:
		unequal = operator(key, "$nin", others)
	}
	return both(result, or(append(arrays(l.field.path, len(l.field.path)), unequal)...))
}

// comparable returns a literal of which every server knows what is equal to it.
func comparable(v any) (any, bool) {
	switch v := v.(type) {
	case string, bool, primitive.ObjectID:
		return v, true
	case time.Time:
		return primitive.NewDateTimeFromTime(v), v.Nanosecond()%1e6 == 0
	case Opaque:
		subtype, data := v.binary()
		return primitive.Binary{Subtype: subtype, Data: []byte(data)}, v.Type == bson.TypeBinary && subtype != bson.TypeBinaryBinaryOld
	}
	if n, ok := numberOf(v); ok {
		return wholeNumber(n)
	}
	return nil, false
}

// wholeNumber returns a literal that is whole, and such that it and its neighbours are all doubles too.
func wholeNumber(n number) (any, bool) {
	const most = 1 << 53
	whole := n.integer
	switch n.kind {
	case doubleKind:
		if whole = int64(n.double); n.double <= -most || n.double >= most || float64(whole) != n.double {
			return nil, false
		}
	case decimalKind:
		return nil, false
	}
	return whole, whole > -most && whole < most
}

// interval returns whole or double bounds around a number, wide enough for whatever a server makes of a decimal, a
// double or a long when it compares them.
func interval(v any) (low, high any, ok bool) {
	n, isNumber := numberOf(v)
	if !isNumber || n.isNaN() {
		return nil, nil, false
	}
	if whole, ok := wholeNumber(n); ok {
		return whole, whole, true
	}
	f := doubleFrom(n)
	if math.IsInf(f, 0) {
		return nil, nil, false
	}
	margin := math.Abs(f) * 1e-12
	low, high = f-margin, f+margin
	return low, high, margin > 1e-300 && !math.IsInf(high.(float64), 0) && !math.IsInf(low.(float64), 0)
}

func (l *leaf) ordered(key string) condition {
	switch v := l.literal.(type) {
	case string:
		if isASCII(v) {
			return operator(key, mqlOperators[l.operator], v)
		}
	case time.Time:
		if value, ok := comparable(v); ok {
			return operator(key, mqlOperators[l.operator], value)
		}
	case primitive.ObjectID:
		return operator(key, mqlOperators[l.operator], v)
	}
	low, high, ok := interval(l.literal)
	switch {
	case !ok:
		return nil
	case l.operator == "<" || l.operator == "<=":
		return operator(key, "$lte", high)
	}
	return operator(key, "$gte", low)
}

var mqlOperators = map[string]string{"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}

// startsWith asks for the range of strings with a prefix, of which an index serves the whole. What is not ASCII in the
// prefix and behind it is left out.
func startsWith(key, prefix string) condition {
	end := 0
	for end < len(prefix) && prefix[end] > 0 && prefix[end] < 0x7f {
		end++
	}
	if end == 0 {
		return nil
	}
	prefix = prefix[:end]
	next := prefix[:end-1] + string(rune(prefix[end-1]+1))
	return bson.D{{Key: key, Value: bson.D{{Key: "$gte", Value: prefix}, {Key: "$lt", Value: next}}}}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
