package collector

import (
	"fmt"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxModules is how many modules an error lists.
const maxModules = 20

// unknownModule refuses a module that the configuration does not have, and says which ones it has.
func (h *Handler) unknownModule(name string) error {
	if h.Foreign != nil {
		if prober := h.Foreign(name); prober != "" {
			text := fmt.Sprintf("the module %q was left out (--config.ignore-foreign-modules): %s%q; ask blackbox_exporter for it", printable.Cut(name, printable.MaxLog), config.NotWith, prober)
			return &rejectedError{RejectedModule, text}
		}
	}
	known := h.Modules()
	list := known
	more := ""
	if left := len(known) - maxModules; left > 0 {
		list, more = known[:maxModules], fmt.Sprintf(" and %d more", left)
	}
	text := fmt.Sprintf("unknown module %q, want one of %s%s", printable.Cut(name, printable.MaxLog), strings.Join(list, ", "), more)
	return &rejectedError{RejectedModule, text}
}
