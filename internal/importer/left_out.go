package importer

import (
	"fmt"
	"strings"
)

// leftOut are targets that are not taken over, grouped by the reason.
type leftOut struct {
	reasons []string // in the order in which they came
	targets map[string][]string
}

func (l *leftOut) add(why, target string) {
	if l.targets == nil {
		l.targets = map[string][]string{}
	}
	if len(l.targets[why]) == 0 {
		l.reasons = append(l.reasons, why)
	}
	l.targets[why] = append(l.targets[why], target)
}

// maxListed is how many targets a line names. The others are counted.
const maxListed = 3

// targets names the targets.
func targets(all []string) string {
	if len(all) == 1 {
		return fmt.Sprintf("target %q", all[0])
	}
	var quoted []string
	for _, t := range all[:min(len(all), maxListed)] {
		quoted = append(quoted, fmt.Sprintf("%q", t))
	}
	more := ""
	if left := len(all) - len(quoted); left > 0 {
		more = fmt.Sprintf(" and %d more", left)
	}
	return fmt.Sprintf("%d targets (%s%s)", len(all), strings.Join(quoted, ", "), more)
}
