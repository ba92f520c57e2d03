package config

import (
	"cmp"
	"slices"
	"strings"
)

// nearest gives the word that takes the fewest edits to reach from what was
// written; of equals the first of the alphabet, so that messages are stable.
func nearest(written string, words []string) string {
	if len(written) > 64 {
		written = written[:64]
	}
	words = slices.Sorted(slices.Values(words))
	if len(words) == 0 {
		return ""
	}
	return slices.MinFunc(words, func(a, b string) int {
		return cmp.Compare(edits(written, a), edits(written, b))
	})
}

// edits counts insertions, deletions, replacements and swaps of neighbours.
func edits(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	rows := make([][]int, len(from)+1)
	for i := range rows {
		rows[i] = make([]int, len(to)+1)
		rows[i][0] = i
	}
	for j := range to {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(from); i++ {
		for j := 1; j <= len(to); j++ {
			change := 1
			if from[i-1] == to[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(from)][len(to)]
}
