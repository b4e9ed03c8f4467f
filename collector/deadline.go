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

// longestScrape is the longest timeout that a scrape may claim. Anyone may claim anything, and holds connections
// meanwhile. Only a module or target can set a longer timeout.
const longestScrape = 2 * time.Minute

// Timeout is how long a probe may take. It is the scrape timeout in header less the offset that the answer needs to get
// back, but at most the module's own timeout, or longestScrape if that is 0. The offset is at most a tenth of the
// scrape timeout, so that it does not use up a short one, and a negative offset counts as 0. Without a valid header it
// is the module's timeout, or else fallback.
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
	return d, d >= time.Millisecond // nothing can be probed in less
}
