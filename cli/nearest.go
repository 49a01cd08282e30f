package cli

import "strings"

// nearest returns the candidate that text was probably meant to be, or an empty string.
func nearest(text string, candidates []string) string {
	text = strings.ToLower(text)
	best, fewest := "", max(1, len(text)/3)+1
	for _, candidate := range candidates {
		if len(text) >= 3 && strings.HasPrefix(candidate, text) {
			return candidate
		}
		if d := distance(text, candidate); d < fewest {
			best, fewest = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour to make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
