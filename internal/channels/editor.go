package channels

import (
	"context"
	"log/slog"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// Settings are what a configuration says of channels.
type Settings struct {
	// Base is the path of the base file.
	Base  string
	Place alertconf.Place
	// Hosts are those that URLs of channels may have.
	Hosts []string
	// Servers are the Alertmanagers that read what is written to Place.
	Servers []alertconf.Server
	// Syncs are the names of those who may fetch a Bundle, each for an Alertmanager elsewhere.
	Syncs []string
}

// Options are what an Editor asks others for. All are required.
type Options struct {
	Registry *managed.Registry
	Log      *slog.Logger
}

// An Editor changes channels, one at a time, and looks after the Alertmanagers that run them. Its methods may be called at the
// same time. Make it with New, Configure it, then let it Run.
type Editor struct{ options Options }

// New makes an Editor without any settings.
func New(o Options) *Editor { return &Editor{options: o} }

// Configure puts settings into force; nil: nobody may make channels. An error that is an alertconf.LockedError is a mistake in how
// the exporter was started; the settings before go on then.
func (e *Editor) Configure(*Settings) error { return nil }

// Run publishes what there is and looks after the Alertmanagers, until ctx ends.
func (e *Editor) Run(ctx context.Context) { <-ctx.Done() }

// Close lets others write to the Place.
func (e *Editor) Close() error { return nil }

// Writable returns why no channel can be changed: ErrOff or a managed.StoreError, or nil if they can.
func (e *Editor) Writable() error { return ErrOff }

// List returns all channels, sorted by name.
func (e *Editor) List() []Channel { return []Channel{} }

// Channel returns the channel of a name.
func (e *Editor) Channel(string) (Channel, bool) { return Channel{}, false }

// Put makes the channel of a name what body says, a JSON object. Putting what is there already changes nothing. A secret that body
// does not have stays.
//
// An error is ErrOff, one of package managed, a MissingError, or one of alertconf: a RefusedError, a MissingError or ErrFileChanged.
// After any of them all is as it was.
func (e *Editor) Put(context.Context, managed.Edit, string, []byte) (Outcome, error) {
	return Outcome{}, ErrOff
}

// Patch changes the channel of a name by a JSON merge patch (RFC 7396). Otherwise it is like Put.
func (e *Editor) Patch(context.Context, managed.Edit, string, []byte) (Outcome, error) {
	return Outcome{}, ErrOff
}

// Delete removes the channel of a name. Otherwise it is like Put.
func (e *Editor) Delete(context.Context, managed.Edit, string) (Outcome, error) {
	return Outcome{}, ErrOff
}

// Apply publishes what there is once more, also in place of what somebody else has written, if overwrite is set.
func (e *Editor) Apply(context.Context, managed.Author, bool) (Alertmanager, error) {
	return Alertmanager{}, ErrOff
}

// Alertmanager is what is known of all Alertmanagers. The error is ErrOff.
func (e *Editor) Alertmanager() (Alertmanager, error) { return Alertmanager{}, ErrOff }

// Config is the configuration of Alertmanager that was written, as people may see it.
func (e *Editor) Config() ([]byte, error) { return nil, ErrOff }

// Bundle is what Alertmanagers elsewhere are made of.
func (e *Editor) Bundle() (Bundle, error) { return Bundle{}, ErrOff }

// Report takes what became of a Bundle with one of Settings.Syncs.
func (e *Editor) Report(string, Result) error { return ErrOff }

// Told are the channels that hear of an alert with these labels, in their order, also those that are off.
func (e *Editor) Told(map[string]string) []Channel { return nil }
