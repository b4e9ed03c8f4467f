package app

import "github.com/healthcheck-exporter/healthcheck_exporter/collector"

// The shares of the file descriptors of the process, each one over this. The rest is for files, for probes of the inventory
// that are asked for by name, and for the checks of services that may be restarted.
const (
	connectionShare = 2 // the connections of those who ask
	scrapeShare     = 8 // the probes of all scrapes of /probe/all together
	urlShare        = 8 // the probes of targets that are given by their URL
)

// viewerShare is the share of the connections of those who ask that may be streams to viewers of the page, one over this.
const viewerShare = 4

// manyDescriptors are so many that no share is a bound any more.
const manyDescriptors = max(connectionShare*maxConnections, scrapeShare*collector.ScrapesAtOnce*200, urlShare*maxConnections)

// scraped is how many targets one scrape of /probe/all probes at a time. 0: as many as it likes.
func scraped(files int) int {
	if files == 0 {
		return 0
	}
	return max(files/scrapeShare/collector.ScrapesAtOnce, 1)
}

// byURL is the room for probes of targets that are given by their URL; nil where there is no bound.
func byURL(files int) chan struct{} {
	if files == 0 {
		return nil
	}
	return make(chan struct{}, max(files/urlShare, 1))
}
