package managed

import (
	"encoding/json"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// hour is the hour from now on.
func hour() *calendar.Period {
	return &calendar.Period{Start: time.Now(), End: time.Now().Add(time.Hour), Reason: "deploy"}
}

func documentOf(targets ...string) Document {
	var d Document
	for _, text := range targets {
		d.Targets = append(d.Targets, json.RawMessage(text))
	}
	return d
}
