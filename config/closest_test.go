package config

import (
	"slices"
	"strings"
	"testing"
)

// A word is what was meant if few letters of it are wrong, however long it is: nobody mistypes thirty, and to find that out takes
// as long as there are names.
func TestClosestOfLongWords(t *testing.T) {
	long := strings.Repeat("abcdefgh", 12)
	for name, tc := range map[string]struct {
		unknown string
		meant   bool
	}{
		"equal":                {long, true},
		"one letter":           {"x" + long[1:], true},
		"two swapped":          {long[:40] + long[41:42] + long[40:41] + long[42:], true},
		"as many as there may": {strings.Repeat("x", maxEdits) + long[maxEdits:], true},
		"at the end":           {long[:len(long)-maxEdits], true},
		"one more":             {strings.Repeat("x", maxEdits+1) + long[maxEdits+1:], false},
		"a third":              {strings.Repeat("x", len(long)/3) + long[len(long)/3:], false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Closest(tc.unknown, slices.Values([]string{"other", long})); (got == long) != tc.meant {
				t.Errorf("got %q for %q", got, tc.unknown)
			}
		})
	}
}

func BenchmarkClosest(b *testing.B) {
	long := strings.Repeat("abcdefgh", 12)
	names := slices.Repeat([]string{long}, 10_000)
	unknown := strings.Repeat("x", len(long))
	for b.Loop() {
		Closest(unknown, slices.Values(names))
	}
}
