package webhook

import (
	"strings"
	"testing"
	"time"
)

// The times of an alert are read as Alertmanager writes them. What cannot be read is not known, and no reason to refuse the alert.
func TestMoments(t *testing.T) {
	for text, want := range map[string]string{
		`"2026-11-29T02:02:17.5Z"`: "2026-11-29T02:02:17.5Z", `"2026-11-29T03:02:17+01:00"`: "2026-11-29T03:02:17+01:00",
		`"0001-01-01T00:00:00Z"`: "0001-01-01T00:00:00Z", `"yesterday"`: "0001-01-01T00:00:00Z", `7`: "0001-01-01T00:00:00Z",
		`null`: "0001-01-01T00:00:00Z", `{}`: "0001-01-01T00:00:00Z",
	} {
		d, err := decode(strings.NewReader(`{"version":"4","alerts":[{"status":"firing","labels":{"a":"b"},"startsAt":` + text + `}]}`))
		if err != nil || len(d.alerts) != 1 {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := time.Time(d.alerts[0].StartsAt).Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
