package alertsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
)

// MaxBundle is how much of a bundle is read, in bytes. The largest base file and 200 channels with all their matchers have less.
const MaxBundle = 16 << 20

// decode reads a bundle. One that has what this version does not know is an error: half of it would tell other people than the
// page shows. No value of the bundle is in the text of an error.
func decode(body []byte) (*channels.Bundle, error) {
	var b channels.Bundle
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return nil, fmt.Errorf("the bundle has %s, which this version does not know: is alertmanager-sync older than the exporter?", field)
		}
		return nil, errors.New("the answer is not a bundle: is --url that of a healthcheck_exporter, and of the same version?")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the answer has more than a bundle")
	}
	switch {
	case b.Base == "":
		return nil, errors.New("the bundle has no base file")
	case len(b.Channels) > alertconf.MaxChannels:
		return nil, fmt.Errorf("the bundle has %d channels, want %d at most", len(b.Channels), alertconf.MaxChannels)
	}
	for i := range b.Channels {
		c := &b.Channels[i]
		for _, p := range c.Check(nil) {
			if p.Field != "url" { // which hosts a URL may have is the exporter's matter
				return nil, fmt.Errorf("channel %q of the bundle: %s: %s", c.Name, p.Field, p.Detail)
			}
		}
	}
	return &b, nil
}

// secretsOf are the secrets of the channels of a bundle. That of a channel without one is empty: it is removed.
func secretsOf(b *channels.Bundle) map[string]string {
	all := map[string]string{}
	for i := range b.Channels {
		name := b.Channels[i].Name
		all[name] = b.Secrets[name]
	}
	return all
}

// withoutSecrets is a text without the secrets of a bundle, should somebody have repeated one.
func withoutSecrets(text string, b *channels.Bundle) string {
	for _, secret := range b.Secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "<secret>")
		}
	}
	return text
}
