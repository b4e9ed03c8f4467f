package status

import "github.com/healthcheck-exporter/healthcheck_exporter/prober"

// A small is a word of a closed list in one byte: thousands of targets remember dozens of them each. Only memory has it, since
// the lists may grow; a file has the words.
type small uint8

// words are a closed list. Number 0 is the empty word.
type words struct {
	all   []string
	index map[string]small
}

func newWords(all ...string) *words {
	l := &words{index: make(map[string]small, len(all)+1)}
	for _, w := range append([]string{""}, all...) {
		l.index[w] = small(len(l.all)) //nolint:gosec // a test counts them
		l.all = append(l.all, w)
	}
	return l
}

// of is the number of a word. One that is not in the list, such as one of a later version's file, is the empty one.
func (l *words) of(word string) small { return l.index[word] }

func (l *words) word(n small) string { return l.all[n] }

var reasons = newWords(func() (all []string) {
	for _, r := range prober.Reasons() {
		all = append(all, string(r.Reason))
	}
	return all
}()...)

var phases = newWords(func() (all []string) {
	for _, p := range prober.PhaseNames() {
		all = append(all, string(p))
	}
	return all
}()...)
