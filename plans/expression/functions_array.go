package expression

import (
	"errors"
	"slices"
	"unicode/utf8"
)

var arrayFunctions = []function{
	{name: "len", call: size, types: []any{new(func(any) int)}},
	{name: "first", call: func(args []any) (any, error) { return member(args[0], 0) }, types: []any{new(func([]any) any)}},
	{name: "last", call: func(args []any) (any, error) { return member(args[0], -1) }, types: []any{new(func([]any) any)}},
	{name: "take", call: func(args []any) (any, error) { return slice([]any{args[0], 0, max(0, args[1].(int))}) }, types: []any{new(func([]any, int) []any)}},
	{name: "reverse", call: reversed, types: []any{new(func([]any) []any)}},
	{name: "uniq", call: unique, types: []any{new(func([]any) []any)}},
	{name: "concat", call: concatenated, types: []any{new(func(...[]any) []any)}},
	{name: "flatten", call: func(args []any) (any, error) { return flattened(args[0].([]any)), nil }, types: []any{new(func([]any) []any)}},
	{name: "sort", call: sorted, types: []any{new(func([]any) []any), new(func([]any, string) []any)}},
	{name: "keys", call: keys, types: []any{new(func(any) []any)}},
	{name: "values", call: values, types: []any{new(func(any) []any)}},
	{name: "toPairs", call: toPairs, types: []any{new(func(any) []any)}},
	{name: "fromPairs", call: fromPairs, types: []any{new(func([]any) any)}},
	{name: "merge", call: merge, types: []any{new(func(...any) any)}},
}

// size is the number of characters of a string, of elements of an array, of fields of an object.
func size(args []any) (any, error) {
	if s, ok := stringOf(args[0]); ok {
		return utf8.RuneCountInString(s), nil
	}
	if list, ok := arrayOf(args[0]); ok {
		return len(list), nil
	}
	if d, ok := args[0].(Document); ok {
		names, _, err := fields(d)
		return len(names), err
	}
	return nil, errors.New(describe(args[0]) + " has no length")
}

func reversed(args []any) (any, error) {
	list := slices.Clone(args[0].([]any))
	slices.Reverse(list)
	return list, nil
}

func unique(args []any) (any, error) {
	kept := []any{}
	for _, v := range args[0].([]any) {
		if !slices.ContainsFunc(kept, func(k any) bool { return equal(k, v) }) {
			kept = append(kept, v)
		}
	}
	return kept, nil
}

func concatenated(args []any) (any, error) {
	all := []any{}
	for _, a := range args {
		all = append(all, a.([]any)...)
	}
	return all, nil
}

func flattened(list []any) []any {
	all := []any{}
	for _, v := range list {
		if inner, ok := arrayOf(v); ok {
			all = append(all, flattened(inner)...)
		} else {
			all = append(all, v)
		}
	}
	return all
}

func sorted(args []any) (any, error) {
	list, descending := slices.Clone(args[0].([]any)), 1
	if len(args) > 1 {
		switch args[1] {
		case "asc":
		case "desc":
			descending = -1
		default:
			return nil, errors.New(`the order is "asc" or "desc"`)
		}
	}
	var problem error
	slices.SortStableFunc(list, func(a, b any) int {
		result, ok := order(a, b)
		if !ok {
			problem = errors.New(describe(a) + " and " + describe(b) + " have no order")
		}
		return result * descending
	})
	return list, problem
}

func document(v any) (names []string, values []any, err error) {
	d, ok := v.(Document)
	if !ok {
		return nil, nil, errors.New(describe(v) + " is not an object")
	}
	return fields(d)
}

func keys(args []any) (any, error) {
	names, _, err := document(args[0])
	list, _ := arrayOf(names)
	return list, err
}

func values(args []any) (any, error) {
	_, list, err := document(args[0])
	return list, err
}

func toPairs(args []any) (any, error) {
	names, list, err := document(args[0])
	pairs := make([]any, len(names))
	for n := range names {
		pairs[n] = []any{names[n], list[n]}
	}
	return pairs, err
}

func fromPairs(args []any) (any, error) {
	var flat []any
	for _, v := range args[0].([]any) {
		pair, _ := arrayOf(v)
		if len(pair) != 2 {
			return nil, errors.New("each pair is an array of a name and a value")
		}
		flat = append(flat, pair...)
	}
	return object(flat)
}

// merge puts objects together: a later field of one name takes the place of an earlier one.
func merge(args []any) (any, error) {
	var flat []any
	at := map[string]int{}
	for _, a := range args {
		names, list, err := document(a)
		if err != nil {
			return nil, err
		}
		for n, name := range names {
			if place, ok := at[name]; ok {
				flat[place] = list[n]
				continue
			}
			at[name] = len(flat) + 1
			flat = append(flat, name, list[n])
		}
	}
	return object(flat)
}
