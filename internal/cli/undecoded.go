package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// undecoded warns of modules that ask for a compressed body and do not decompress it.
func undecoded(c *config.Config) []string {
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(c.Modules)) {
		m := c.Modules[name]
		if m.Prober == "http" && m.HTTP.Compression == "" && asksForCompression(&m.HTTP) {
			warnings = append(warnings, fmt.Sprintf("modules.%s: the header Accept-Encoding asks for a compressed body, which nobody decompresses: "+
				"set compression instead of the header; conditions on the body fail otherwise", name))
		}
	}
	return warnings
}

func asksForCompression(h *config.HTTP) bool {
	for name, value := range h.Headers { // no other block may have this one
		accepted := func(coding string) bool { return config.AcceptsEncoding(value, coding) }
		if strings.EqualFold(name, "Accept-Encoding") && slices.ContainsFunc([]string{"gzip", "br", "deflate", "zstd"}, accepted) {
			return true
		}
	}
	return false
}
