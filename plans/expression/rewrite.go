package expression

import (
	"fmt"
	"reflect"
	"regexp"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// rewriter turns a checked expression into one over the internal functions: fields become slots that are found in
// one pass over the document's bytes, tests of a field against a constant become a [leaf], and what is constant is
// computed at once.
type rewriter struct {
	references []*reference
	err        *file.Error // the first mistake
}

func (r *rewriter) fail(n ast.Node, format string, args ...any) ast.Node {
	if r.err == nil {
		r.err = &file.Error{Location: n.Location(), Message: fmt.Sprintf(format, args...)}
	}
	return at(n, &ast.NilNode{})
}

// at gives a node the place of another.
func at(place, n ast.Node) ast.Node {
	n.SetLocation(place.Location())
	return n
}

func call(place ast.Node, name string, args ...ast.Node) *ast.CallNode {
	n := &ast.CallNode{Callee: at(place, &ast.IdentifierNode{Value: name}), Arguments: args}
	n.SetLocation(place.Location())
	return n
}

func constant(place ast.Node, v any) ast.Node {
	if v == nil {
		return at(place, &ast.NilNode{})
	}
	n := &ast.ConstantNode{Value: v}
	n.SetType(reflect.TypeFor[any]())
	return at(place, n)
}

// scopeNode is the variable doc, whose value is the scope of the document at hand.
func scopeNode(place ast.Node) ast.Node { return at(place, &ast.IdentifierNode{Value: "doc"}) }

func (r *rewriter) reference(path []string) *reference {
	ref := &reference{path: path}
	r.references = append(r.references, ref)
	return ref
}

// path returns the field that a node names, all of it by name; false for anything else.
func path(n ast.Node) (names []string, ok bool) {
	switch n := n.(type) {
	case *ast.ChainNode:
		return path(n.Node)
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			return nil, false
		}
		if id, ok := n.Node.(*ast.IdentifierNode); ok && id.Value == "doc" {
			return []string{name.Value}, true
		}
		above, ok := path(n.Node)
		return append(above, name.Value), ok
	}
	return nil, false
}

// constantOf returns the value of a node that was rewritten to a constant.
func constantOf(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.NilNode:
		return nil, true
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.BoolNode:
		return n.Value, true
	case *ast.StringNode:
		return n.Value, true
	case *ast.ConstantNode:
		return n.Value, true
	}
	return nil, false
}

func (r *rewriter) nodes(list []ast.Node) []ast.Node {
	out := make([]ast.Node, len(list))
	for i, n := range list {
		out[i] = r.node(n)
	}
	return out
}

// apply is a call of a pure function, computed at once where its arguments are constant.
func (r *rewriter) apply(place ast.Node, name string, f func(args ...any) (any, error), args ...ast.Node) ast.Node {
	values := make([]any, len(args))
	for i, a := range args {
		v, ok := constantOf(a)
		if !ok {
			return call(place, name, args...)
		}
		values[i] = v
	}
	result, err := f(values...)
	if err != nil {
		return r.fail(place, "%v", err)
	}
	return constant(place, result)
}

func (r *rewriter) operator(place ast.Node, name string, args ...ast.Node) ast.Node {
	return r.apply(place, name, operators[name], args...)
}

func (r *rewriter) node(n ast.Node) ast.Node {
	if names, ok := path(n); ok {
		return call(n, opRead, scopeNode(n), constant(n, r.reference(names)))
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		switch n.Value {
		case "doc":
			return call(n, opWhole, scopeNode(n))
		case "null":
			return at(n, &ast.NilNode{})
		case "$env":
			return r.fail(n, "unknown name $env")
		}
	case *ast.BytesNode:
		return constant(n, n.Value)
	case *ast.UnaryNode:
		return r.unary(n)
	case *ast.BinaryNode:
		return r.binary(n)
	case *ast.ChainNode:
		return r.node(n.Node)
	case *ast.MemberNode:
		return r.operator(n, opMember, r.node(n.Node), r.node(n.Property))
	case *ast.SliceNode:
		from, to := at(n, &ast.NilNode{}), at(n, &ast.NilNode{})
		if n.From != nil {
			from = r.node(n.From)
		}
		if n.To != nil {
			to = r.node(n.To)
		}
		return r.operator(n, opSlice, r.node(n.Node), from, to)
	case *ast.CallNode:
		return r.call(n)
	case *ast.BuiltinNode:
		return r.builtin(n)
	case *ast.PredicateNode:
		n.Node = r.node(n.Node)
	case *ast.ConditionalNode:
		n.Cond, n.Exp1, n.Exp2 = r.condition(n.Cond), r.node(n.Exp1), r.node(n.Exp2)
	case *ast.VariableDeclaratorNode:
		n.Value, n.Expr = r.node(n.Value), r.node(n.Expr)
	case *ast.SequenceNode:
		n.Nodes = r.nodes(n.Nodes)
	case *ast.ArrayNode:
		return r.array(n)
	case *ast.MapNode:
		var pairs []ast.Node
		for _, p := range n.Pairs {
			pair := p.(*ast.PairNode)
			pairs = append(pairs, r.node(pair.Key), r.node(pair.Value))
		}
		return r.operator(n, opObject, pairs...)
	}
	return n
}

func (r *rewriter) array(n *ast.ArrayNode) ast.Node {
	n.Nodes = r.nodes(n.Nodes)
	list := make([]any, len(n.Nodes))
	for i, one := range n.Nodes {
		v, ok := constantOf(one)
		if !ok {
			return n
		}
		list[i] = v
	}
	return constant(n, list)
}

func (r *rewriter) unary(n *ast.UnaryNode) ast.Node {
	switch n.Operator {
	case "!", "not":
		return call(n, opNot, r.condition(n.Node))
	case "-":
		return r.operator(n, opNegative, r.node(n.Node))
	}
	return r.node(n.Node)
}

// condition rewrites what is asked whether it is true. Only true is: neither null nor anything else.
func (r *rewriter) condition(n ast.Node) ast.Node {
	out := r.node(n)
	switch out := out.(type) {
	case *ast.BoolNode:
		return out
	case *ast.BinaryNode:
		if out.Operator == "&&" || out.Operator == "||" {
			return out
		}
	case *ast.BuiltinNode:
		switch out.Name {
		case "all", "none", "any", "one":
			return out
		}
	case *ast.CallNode:
		switch out.Callee.(*ast.IdentifierNode).Value {
		case opRead:
			ref := out.Arguments[1].(*ast.ConstantNode).Value.(*reference)
			return r.leaf(n, &leaf{field: ref, operator: "true"})
		case opTest, opTrue, opNot, opExists, opInList, "$==", "$!=", "$<", "$<=", "$>", "$>=", "$in", "$matches", "$startsWith", "$endsWith", "$contains":
			return out
		}
	}
	if v, ok := constantOf(out); ok {
		return at(n, &ast.BoolNode{Value: v == true})
	}
	return call(n, opTrue, out)
}

func (r *rewriter) leaf(place ast.Node, l *leaf) ast.Node {
	return call(place, opTest, scopeNode(place), constant(place, l))
}

// mirrored is the operator with its sides exchanged.
var mirrored = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (r *rewriter) binary(n *ast.BinaryNode) ast.Node {
	switch n.Operator {
	case "&&", "and":
		return at(n, &ast.BinaryNode{Operator: "&&", Left: r.condition(n.Left), Right: r.condition(n.Right)})
	case "||", "or":
		return at(n, &ast.BinaryNode{Operator: "||", Left: r.condition(n.Left), Right: r.condition(n.Right)})
	case "??", "..":
		n.Left, n.Right = r.node(n.Left), r.node(n.Right)
		return n
	}
	left, right := r.node(n.Left), r.node(n.Right)
	if n.Operator == "matches" {
		if pattern, ok := constantOf(right); ok && pattern != nil {
			text, isText := pattern.(string)
			if !isText {
				return r.fail(n.Right, "matches takes a regular expression, not %s", describe(pattern))
			}
			compiled, err := regexp.Compile(text)
			if err != nil {
				return r.fail(n.Right, "%v", err)
			}
			right = constant(n.Right, compiled)
		}
	}
	if test := r.test(n, left, right); test != nil {
		return test
	}
	if list, ok := constantOf(right); ok && n.Operator == "in" {
		if list, ok := arrayOf(list); ok {
			return r.operator(n, opInList, left, constant(n.Right, newMembers(list)))
		}
	}
	return r.operator(n, "$"+n.Operator, left, right)
}

// test returns the leaf that a comparison of a field with a constant is, or nil.
func (r *rewriter) test(n *ast.BinaryNode, left, right ast.Node) ast.Node {
	operator := n.Operator
	literal, ok := constantOf(right)
	field := readOf(left)
	if field == nil || !ok {
		if operator = mirrored[operator]; operator == "" {
			return nil
		}
		literal, ok = constantOf(left)
		if field = readOf(right); field == nil || !ok {
			return nil
		}
	}
	l := &leaf{field: field, operator: operator, literal: literal}
	switch v := literal.(type) {
	case string:
		l.text = []byte(v)
	case *regexp.Regexp:
		l.pattern = v
	}
	switch operator {
	case "==", "!=", "<", "<=", ">", ">=":
	case "in":
		list, ok := arrayOf(literal)
		if !ok {
			return nil
		}
		l.literal, l.members = list, newMembers(list)
	case "startsWith", "endsWith", "contains":
		if l.text == nil {
			return nil
		}
	case "matches":
		if l.pattern == nil {
			return nil
		}
	default:
		return nil
	}
	return r.leaf(n, l)
}

// readOf returns the field that a rewritten node reads, or nil.
func readOf(n ast.Node) *reference {
	c, ok := n.(*ast.CallNode)
	if !ok || c.Callee.(*ast.IdentifierNode).Value != opRead {
		return nil
	}
	return c.Arguments[1].(*ast.ConstantNode).Value.(*reference)
}

func (r *rewriter) call(n *ast.CallNode) ast.Node {
	if m, ok := n.Callee.(*ast.MemberNode); ok {
		name, ok := m.Property.(*ast.StringNode)
		if !ok || dateMethods[name.Value] == nil && durationMethods[name.Value] == nil {
			return r.fail(n, "there is no method %s", m.Property)
		}
		args := append([]ast.Node{constant(n, name.Value), r.node(m.Node)}, r.nodes(n.Arguments)...)
		return r.operator(n, opMethod, args...)
	}
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return r.fail(n, "this cannot be called")
	}
	if id.Value == "exists" {
		names, ok := path(n.Arguments[0])
		if !ok {
			return r.fail(n.Arguments[0], "exists takes a field, such as doc.customer.email")
		}
		return call(n, opExists, scopeNode(n), constant(n, r.reference(names)))
	}
	for _, f := range functions {
		if f.name == id.Value {
			types := make([]reflect.Type, len(f.types))
			for i, t := range f.types {
				types[i] = reflect.TypeOf(t).Elem()
			}
			return r.apply(n, f.name, f.guarded(types), r.nodes(n.Arguments)...)
		}
	}
	return r.fail(n, "there is no function %s", id.Value)
}

// builtin rewrites expr's own loops over an array: null is an empty one.
func (r *rewriter) builtin(n *ast.BuiltinNode) ast.Node {
	list := r.operator(n, opArray, constant(n, n.Name), r.node(n.Arguments[0]))
	n.Arguments[0] = list
	switch n.Name {
	case "all", "none", "any", "one", "filter", "find", "findIndex", "findLast", "findLastIndex", "count":
		if len(n.Arguments) > 1 {
			if p, ok := n.Arguments[1].(*ast.PredicateNode); ok {
				p.Node = r.condition(p.Node)
			}
		}
		return n
	case "sum":
		if len(n.Arguments) > 1 {
			n.Arguments[1] = r.node(n.Arguments[1])
			list = at(n, &ast.BuiltinNode{Name: "map", Arguments: n.Arguments})
		}
		return call(n, opSum, list)
	case "map", "groupBy", "sortBy", "reduce":
		for i := range n.Arguments[1:] {
			n.Arguments[i+1] = r.node(n.Arguments[i+1])
		}
		return n
	}
	return r.fail(n, "there is no function %s", n.Name)
}
