package config

import (
	"iter"
	"slices"
	"strings"
)

// maxMeant is how long a word may be, in bytes, to look for the one that was meant: what is longer takes too long.
const maxMeant = 100

// maxEdits is how many letters of a long word may be wrong.
const maxEdits = 6

// Closest is the known word that an unknown one was probably meant to be, whatever the case, or "".
func Closest(unknown string, known iter.Seq[string]) string {
	if len(unknown) > maxMeant {
		return ""
	}
	const near = 3 // one edit for every so many letters, so that "tcp" is not taken for "http"
	best, bestDistance := "", min(len(unknown)/near, maxEdits)+1
	lower := strings.ToLower(unknown)
	for name := range known {
		if len(name) > len(unknown)+bestDistance || len(unknown) > len(name)+bestDistance {
			continue
		}
		if d := editDistance(lower, strings.ToLower(name), bestDistance); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// editDistance is the number of bytes to insert, delete or replace, and of neighbours to swap, to make a from b (optimal string
// alignment). It gives up at most: then that is what it returns, or more.
func editDistance(a, b string, most int) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replaced := last[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		if slices.Min(row) >= most && slices.Min(last) >= most { // a swap leads over two rows
			return most
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
