package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// payloadVersion is that of Alertmanager's webhook since 0.9 (notify/webhook: Message).
const payloadVersion = "4"

// maxShown is how much of a value that is wrong the answer and the log repeat, in bytes.
const maxShown = 40

// An alert is what matters of an element of alerts.
type alert struct {
	Status string            `json:"status"`
	Labels map[string]string `json:"labels"`
	// StartsAt and EndsAt say which of two deliveries about the same alert is about the later failure.
	StartsAt moment `json:"startsAt"`
	EndsAt   moment `json:"endsAt"`
}

// A moment is a time of the payload. One that cannot be read is zero, which is "not known": it is no reason to refuse an alert.
type moment time.Time

// UnmarshalJSON implements json.Unmarshaler.
func (m *moment) UnmarshalJSON(text []byte) error {
	var t time.Time
	if json.Unmarshal(text, &t) == nil {
		*m = moment(t)
	}
	return nil
}

// A delivery is what matters of a payload.
type delivery struct {
	alerts []alert
	// truncated is how many alerts Alertmanager left out, because its receiver has max_alerts.
	truncated uint32
}

// decode reads a delivery and keeps of it the alerts alone. Keys that it does not know are skipped: newer versions of
// Alertmanager have more.
func decode(r io.Reader) (delivery, error) {
	var all delivery
	d := json.NewDecoder(r)
	if err := expect(d, json.Delim('{')); err != nil {
		return delivery{}, err
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return delivery{}, malformed(err)
		}
		name, _ := key.(string)
		switch name {
		case "version":
			err = decodeVersion(d)
		case "alerts":
			all.alerts, err = decodeAlerts(d)
		default:
			var skipped json.RawMessage
			err = d.Decode(&skipped)
			if name == "truncatedAlerts" {
				_ = json.Unmarshal(skipped, &all.truncated) // what is no number says nothing
			}
		}
		if err != nil {
			return delivery{}, malformed(err)
		}
		seen[name] = true
	}
	if err := expect(d, json.Delim('}')); err != nil {
		return delivery{}, err
	}
	for _, name := range []string{"version", "alerts"} {
		if !seen[name] {
			return delivery{}, fmt.Errorf("the payload lacks %s: is it that of an Alertmanager webhook?", name)
		}
	}
	switch _, err := d.Token(); {
	case err == nil:
		return delivery{}, errors.New("something follows the payload")
	case !errors.Is(err, io.EOF):
		return delivery{}, err
	}
	return all, nil
}

func decodeVersion(d *json.Decoder) error {
	var version string
	if err := d.Decode(&version); err != nil {
		return wrongType("version", err)
	}
	if version != payloadVersion {
		return fmt.Errorf("the payload has version %q, want %q", printable.Cut(version, maxShown), payloadVersion)
	}
	return nil
}

func decodeAlerts(d *json.Decoder) ([]alert, error) {
	if err := expect(d, json.Delim('[')); err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	var alerts []alert
	for d.More() {
		var a alert
		if err := d.Decode(&a); err != nil {
			return nil, wrongType(fmt.Sprintf("alerts[%d]", len(alerts)), err)
		}
		if a.Status != statusFiring && a.Status != statusResolved {
			return nil, fmt.Errorf("an alert has status %q, want %q or %q", printable.Cut(a.Status, maxShown), statusFiring, statusResolved)
		}
		alerts = append(alerts, a)
	}
	return alerts, expect(d, json.Delim(']'))
}

func expect(d *json.Decoder, want json.Delim) error {
	got, err := d.Token()
	if err != nil {
		return malformed(err)
	}
	if got != want {
		return fmt.Errorf("the payload is not that of an Alertmanager webhook: want %q", want)
	}
	return nil
}

// wrongType names the place of a value that has another type than Alertmanager gives it.
func wrongType(at string, err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	if wrong.Field != "" {
		at += "." + wrong.Field
	}
	return fmt.Errorf("%s is a JSON %s, want what Alertmanager sends", printable.Cut(at, maxShown), wrong.Value)
}

// malformed says that the JSON is broken, without the offsets of package json.
func malformed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the payload is cut off")
	}
	return err
}
