package collector

import (
	"math"
	"strconv"
	"time"
)

// ScrapeTimeoutHeader carries the scrape timeout of Prometheus in seconds.
const ScrapeTimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// maxTimeout is the longest believable scrape timeout.
const maxTimeout = time.Hour

// longestScrape is how long a scrape may claim to have. Anybody may claim anything, and meanwhile holds connections; a longer
// timeout is for a module or target to set.
const longestScrape = 2 * time.Minute

// Timeout is how long a probe may take: the scrape timeout in header less the offset that the answer needs to
// get back, and never more than the module's own timeout, or longestScrape where it has none (0). The offset counts for at most a tenth of the
// scrape timeout, so that a short one is not eaten up, and for nothing if it is negative. A header that is missing
// or makes no sense counts as absent; then the module's timeout holds, or fallback.
func Timeout(header string, module, offset, fallback time.Duration) time.Duration {
	timeout, ok := parseSeconds(header)
	switch {
	case !ok && module > 0:
		return module
	case !ok:
		return fallback
	}
	timeout -= min(max(offset, 0), timeout/10)
	if module > 0 {
		return min(timeout, module)
	}
	return min(timeout, longestScrape)
}

func parseSeconds(s string) (time.Duration, bool) {
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 || seconds > maxTimeout.Seconds() {
		return 0, false
	}
	d := time.Duration(seconds * float64(time.Second))
	return d, d >= time.Millisecond // in less nothing can be probed
}
