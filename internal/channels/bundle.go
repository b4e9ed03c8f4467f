package channels

import (
	"errors"
	"fmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// errUnpublished is why there is no Bundle yet.
var errUnpublished = errors.New("the channels have not been published since the exporter was started")

// Bundle is what Alertmanagers elsewhere are made of. It does not change until a change is kept. The error is ErrOff or a
// managed.StoreError.
func (e *Editor) Bundle() (Bundle, error) {
	f := e.force()
	if f == nil {
		return Bundle{}, e.off()
	}
	b := f.bundle.Load()
	if b == nil {
		return Bundle{}, &managed.StoreError{Err: errUnpublished}
	}
	return *b, nil
}

// bundled makes the Bundle anew, of what is kept. The caller has the turn.
func (f *force) bundled(e *Editor) {
	all, revision, err := e.options.Registry.Channels()
	b := &Bundle{
		Revision: revision, Base: string(f.base), BaseFile: f.settings.Base,
		Channels: make([]alertconf.Channel, 0, len(all)), Secrets: map[string]string{},
	}
	for i := range all {
		c := &all[i]
		b.Channels = append(b.Channels, stored(c))
		if c.SecretAt.IsZero() || err != nil {
			continue
		}
		if b.Secrets[c.Name], err = f.settings.Place.Secret(c.Name); err == nil && b.Secrets[c.Name] == "" {
			err = fmt.Errorf("the secret of channel %q is missing", c.Name)
		}
	}
	if err != nil {
		e.options.Log.Error("Alertmanagers elsewhere do not get the channels", "err", err)
		return
	}
	f.bundle.Store(b)
}

// Config is the configuration of Alertmanager that was written, as people may see it.
func (e *Editor) Config() ([]byte, error) {
	f := e.force()
	if f == nil {
		return nil, e.off()
	}
	config, err := f.settings.Place.Config()
	if err != nil {
		return nil, err
	}
	if config == nil {
		return []byte("# Nothing was written yet.\n"), nil
	}
	text, err := alertconf.Shown(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.settings.Place.ConfigFile(), err)
	}
	return text, nil
}
