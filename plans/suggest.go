package plans

import (
	"fmt"
	"strings"
)

// nearest returns the candidate that word was probably meant to be, or "".
func nearest(word string, candidates []string) string {
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, candidate := range candidates {
		if strings.EqualFold(word, candidate) {
			return candidate
		}
		if d := distance(strings.ToLower(word), strings.ToLower(candidate), bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// suggest returns a hint for word: the nearest candidate, else all of them, else "".
func suggest(word string, candidates []string) string {
	if best := nearest(word, candidates); best != "" {
		return didYouMean(best)
	}
	return oneOf(candidates)
}

func didYouMean(word string) string {
	return fmt.Sprintf("did you mean %q?", word)
}

// oneOf returns a hint that lists what is allowed, or "".
func oneOf(allowed []string) string {
	if len(allowed) == 0 {
		return ""
	}
	return "allowed: " + strings.Join(allowed, ", ")
}

// distance is the number of insertions, deletions, replacements and swaps of neighbours that make b of a.
// It gives up at limit.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(last[j]+1, next[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
