package channels

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// silentFor is how long one of Settings.Syncs may say nothing until it counts as unreachable.
const silentFor = 2 * time.Minute

// A report is what one of Settings.Syncs has said last.
type report struct {
	Result

	at time.Time
}

// Apply publishes what there is once more, also in place of what somebody else has written, if overwrite is set.
func (e *Editor) Apply(ctx context.Context, by managed.Author, overwrite bool) (Alertmanager, error) {
	err := e.Writable()
	if err == nil && by.May == nil {
		err = errors.New("it is not known what the author may do")
	}
	if err == nil {
		err = by.May("") // it is about all channels
	}
	if err == nil {
		err = e.options.Registry.Admit(by)
	}
	if err == nil {
		err = e.take(ctx)
	}
	if err != nil {
		return Alertmanager{}, e.refused(err)
	}
	defer e.release()
	f := e.force()
	if f == nil {
		return Alertmanager{}, e.refused(e.off())
	}
	err = e.publishAll(ctx, f, overwrite)
	e.wake()
	if err != nil {
		return Alertmanager{}, e.refused(err)
	}
	e.options.Log.Info("Somebody has published the channels again", "user", by.Name, "overwrite", overwrite)
	return e.Alertmanager()
}

// Alertmanager is what is known of all Alertmanagers. The error is ErrOff or a managed.StoreError.
func (e *Editor) Alertmanager() (Alertmanager, error) {
	f, unmet := e.inForce()
	if f == nil {
		return Alertmanager{}, whyOff(unmet)
	}
	revision := e.options.Registry.ChannelsRevision()
	return Alertmanager{
		Revision: revision, File: f.settings.Place.ConfigFile(), Servers: append([]alertconf.Standing{}, e.standings(f, unmet, revision)...),
	}, nil
}

// Standings are how all Alertmanagers are. Where settings could not be put into force and nothing else is, they are those of these
// settings. None: channels are off.
func (e *Editor) Standings() []alertconf.Standing {
	f, unmet := e.inForce()
	return e.standings(f, unmet, e.options.Registry.ChannelsRevision())
}

// standings are Standings of what is in force.
func (e *Editor) standings(f *force, unmet *unmet, revision uint64) []alertconf.Standing {
	switch {
	case f != nil:
		return append(f.standings(f.lacks(unmet)), e.elsewhere(f, revision)...)
	case unmet != nil:
		return unmet.standings()
	default:
		return nil
	}
}

// standings says that nobody has what the settings would give them.
func (u *unmet) standings() (all []alertconf.Standing) {
	not := alertconf.Standing{State: alertconf.Pending, Detail: printable.Text(u.off().Error(), printable.MaxError)}
	for _, s := range u.settings.Servers {
		not.Server = s.Name()
		all = append(all, not)
	}
	for _, not.Server = range u.settings.Syncs {
		all = append(all, not)
	}
	return all
}

// lacks is why what there should be is not in force, or nil.
func (f *force) lacks(u *unmet) error {
	if failed := f.failed.Load(); failed != nil {
		return *failed
	}
	if u != nil {
		return u.err
	}
	return nil
}

// standings are those of the Servers, unless nobody may have what there should be: one that runs what was there before is not in sync.
func (f *force) standings(lacks error) []alertconf.Standing {
	all := f.publisher.Standings()
	if len(all) != len(f.settings.Servers) {
		all = make([]alertconf.Standing, len(f.settings.Servers))
		for i, s := range f.settings.Servers {
			all[i] = alertconf.Standing{Server: s.Name(), State: alertconf.Pending, Detail: "nobody has looked yet"}
		}
	}
	for i := range all {
		all[i].Detail = printable.Text(all[i].Detail, printable.MaxError)
	}
	if lacks == nil {
		return all
	}
	state := alertconf.Pending
	if is[*alertconf.RefusedError](lacks) {
		state = alertconf.ReloadFailed
	} else if errors.Is(lacks, alertconf.ErrFileChanged) {
		state = alertconf.FileChanged
	}
	for i := range all {
		if all[i].State != alertconf.Unreachable {
			all[i].State, all[i].Detail = state, printable.Text(lacks.Error(), printable.MaxError)
		}
	}
	return all
}

// elsewhere are the standings of Settings.Syncs, which have to run a revision.
func (e *Editor) elsewhere(f *force, revision uint64) (all []alertconf.Standing) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range f.settings.Syncs {
		r, ok := e.reports[name]
		s := r.Standing
		s.Server = name
		switch {
		case !ok:
			s.State, s.Detail = alertconf.Unreachable, "it has not reported since the exporter was started"
		case now.Sub(r.at) >= silentFor:
			s.State, s.Detail = alertconf.Unreachable, "it reported last at "+r.at.UTC().Format(time.RFC3339)
		case s.State == alertconf.InSync && r.Revision != revision: // more than that: an older file was restored here
			s.State, s.Detail = alertconf.Pending, fmt.Sprintf("it runs revision %d, want %d", r.Revision, revision)
		}
		all = append(all, s)
	}
	return all
}

// Report takes what became of a Bundle with one of Settings.Syncs.
func (e *Editor) Report(server string, r Result) error {
	f := e.force()
	if f == nil {
		return e.off()
	}
	if !slices.Contains(f.settings.Syncs, server) {
		return fmt.Errorf("%q is not the name of a user of role sync", printable.Text(server, printable.MaxLog))
	}
	now := time.Now().UTC()
	if !slices.Contains(alertconf.States(), r.Standing.State) {
		return managed.Invalid("result", []managed.Problem{{Pointer: "/standing/state", Detail: fmt.Sprintf("want one of %q", alertconf.States())}})
	}
	r.Standing.Detail = printable.Text(r.Standing.Detail, printable.MaxError)
	for _, at := range []*time.Time{&r.Standing.LookedAt, &r.Standing.InSyncAt, &r.Standing.LoadedAt} {
		if at.After(now) { // its clock is ahead
			*at = now
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports[server] = report{r, now}
	return nil
}
