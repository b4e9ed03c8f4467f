package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// payloadVersion is that of Alertmanager's webhook since 0.9 (notify/webhook: Message).
const payloadVersion = "4"

// An alert is what matters of an element of alerts.
type alert struct {
	Status string            `json:"status"`
	Labels map[string]string `json:"labels"`
}

// decode reads a delivery as a stream, so that its size does not become memory, and calls each with every alert. Keys that it
// does not know are skipped: newer versions of Alertmanager have more. A delivery may be refused after some of its alerts
// were passed on; it comes again then, and an alert that comes twice says nothing new.
func decode(r io.Reader, each func(alert)) error {
	d := json.NewDecoder(r)
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return malformed(err)
		}
		switch key {
		case "version":
			err = decodeVersion(d)
		case "alerts":
			err = decodeAlerts(d, each)
		default:
			var skipped json.RawMessage
			err = d.Decode(&skipped)
		}
		if err != nil {
			return malformed(err)
		}
		if name, ok := key.(string); ok {
			seen[name] = true
		}
	}
	if err := expect(d, json.Delim('}')); err != nil {
		return err
	}
	if !seen["version"] || !seen["alerts"] {
		return errors.New("the payload lacks version or alerts: is it that of an Alertmanager webhook?")
	}
	return nil
}

func decodeVersion(d *json.Decoder) error {
	var version string
	if err := d.Decode(&version); err != nil {
		return err
	}
	if version != payloadVersion {
		return fmt.Errorf("the payload has version %q, want %q", version, payloadVersion)
	}
	return nil
}

func decodeAlerts(d *json.Decoder, each func(alert)) error {
	if err := expect(d, json.Delim('[')); err != nil {
		return err
	}
	for d.More() {
		var a alert
		if err := d.Decode(&a); err != nil {
			return err
		}
		if a.Status != statusFiring && a.Status != statusResolved {
			return fmt.Errorf("an alert has status %q, want %q or %q", a.Status, statusFiring, statusResolved)
		}
		each(a)
	}
	return expect(d, json.Delim(']'))
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

// malformed says that the JSON is broken, without the offsets of package json.
func malformed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the payload is cut off")
	}
	return err
}
