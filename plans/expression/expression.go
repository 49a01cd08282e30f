// Package expression is the part of the plan language that computes: conditions (`when`) over the
// environment and earlier steps, and transforms (`filter`, `set`, `unset`) over one document.
//
// expr parses and checks a transform, and its virtual machine runs it. In between, a rewriter gives operators and
// fields the meaning that they have for documents (rewrite.go): a missing field is null, comparisons of different
// types are false, and BSON types stay what they are.
package expression
