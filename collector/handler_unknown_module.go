package collector

import (
	"fmt"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxModules is how many modules an error lists.
const maxModules = 20

// unknownModule refuses a module that the configuration does not have, and says which ones it has.
func unknownModule(name string, known []string) error {
	list := known
	more := ""
	if left := len(known) - maxModules; left > 0 {
		list, more = known[:maxModules], fmt.Sprintf(" and %d more", left)
	}
	text := fmt.Sprintf("unknown module %q, want one of %s%s", printable.Cut(name, printable.MaxLog), strings.Join(list, ", "), more)
	return &rejectedError{RejectedModule, text}
}
