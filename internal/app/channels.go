package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alerttest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// newChannels makes who lets people say who hears of what.
func (a *App) newChannels() {
	a.channels = channels.New(channels.Options{Registry: a.managed, Log: a.limits.log})
	a.channelTests = channels.NewTests(a.channels, func(ctx context.Context, alert channels.TestAlert, tell func(channels.Hop)) error {
		return a.alertmanagers.test(ctx, a.channels.Standings(), alert, tell)
	})
	a.silences = channels.NewSilences(a.alertmanagers.silences)
	a.metrics.registry.MustRegister(a.channels.Collector())
}

// openChannels puts what a configuration says of channels into force. It is the last step of a load that can fail: because another
// exporter writes to the directory, or a client cannot be made; then nothing has changed. Anything else keeps people from
// changing channels, for as long as it lasts.
func (a *App) openChannels(c *config.Config) error {
	servers, err := connectAlertmanagers(c.Alertmanager)
	if err != nil {
		return err
	}
	err = a.channels.Configure(channelSettings(c, servers))
	if locked, ok := errors.AsType[*alertconf.LockedError](err); ok {
		servers.close()
		return fmt.Errorf("alertmanager.dir: %w", locked)
	}
	if err != nil {
		a.log.Error("No channel can be changed", "err", err)
	}
	if before := a.alertmanagers.current.Swap(&servers); before != nil {
		before.close() // what is under way goes on
	}
	return nil
}

// channelSettings are what a configuration says of channels; nil: nothing.
func channelSettings(c *config.Config, servers alertmanagerSet) *channels.Settings {
	am := c.Alertmanager
	if am == nil {
		return nil
	}
	s := &channels.Settings{Base: am.Base, Place: alertconf.PlaceOf(am), Hosts: am.Hosts(), Syncs: c.Syncs()}
	for _, one := range servers {
		s.Servers = append(s.Servers, alertconf.NewHTTPServer(one.name, one.api))
	}
	return s
}

// closeChannels ends what New and loads have begun of channels.
func (a *App) closeChannels(ctx context.Context) error {
	a.silences.Close()
	err := errors.Join(a.channelTests.Close(ctx), a.channels.Close())
	if servers := a.alertmanagers.current.Load(); servers != nil {
		servers.close()
	}
	return err
}

// settling is how long an Alertmanager may be away, or on its way to another configuration, until people are told.
const settling = time.Minute

// urgency is which of the states people have to hear of, the worst first, and whether only after settling: until then it may pass
// by itself. Of one that does not say what it runs, nothing is known.
var urgency = map[alertconf.State]struct {
	rank   int
	passes bool
}{
	alertconf.ReloadFailed: {1, false}, alertconf.FileChanged: {2, false},
	alertconf.NotLoaded: {3, true}, alertconf.Unreachable: {4, true}, alertconf.Pending: {5, true},
}

// unsynced are the Alertmanagers of which people have to hear that they do not run what is shown, the worst first.
func (a *App) unsynced() []alertconf.Standing { return a.troubled(a.channels.Standings()) }

func (a *App) troubled(known []alertconf.Standing) (all []alertconf.Standing) {
	for _, s := range known {
		since := s.InSyncAt
		if since.Before(a.made) {
			since = a.made
		}
		if u, urgent := urgency[s.State]; urgent && (!u.passes || time.Since(since) >= settling) {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(x, y alertconf.Standing) int { return cmp.Compare(urgency[x.State].rank, urgency[y.State].rank) })
	return all
}

// alertLabels are the labels of the alert that a target is down, by the rules of the mixin as they are shipped: those that the
// service discovery gives to its series, and those of the rule.
func alertLabels(e *inventory.Entry) map[string]string {
	labels := map[string]string{"job": "healthcheck", "instance": e.Instance, "target": e.Name, "environment": e.Environment}
	for name, value := range e.Labels {
		if value != "" { // Prometheus drops it
			labels[name] = value
		}
	}
	labels["alertname"], labels["severity"] = "HealthcheckTargetDown", "warning"
	if e.Environment == "LIVE" {
		labels["severity"] = "critical"
	}
	return labels
}

// alertmanagers are those of the configuration in force.
type alertmanagers struct {
	current atomic.Pointer[alertmanagerSet]
}

// An alertmanagerSet is some Alertmanagers, in the order of the configuration.
type alertmanagerSet []alertmanager

type alertmanager struct {
	name string
	api  *remote.Server
}

func (all alertmanagerSet) close() {
	for _, one := range all {
		one.api.Close()
	}
}

// connectAlertmanagers prepares requests to those of a section, which may be nil. It sends nothing.
func connectAlertmanagers(section *config.Alertmanager) (all alertmanagerSet, err error) {
	if section == nil {
		return nil, nil
	}
	for i := range section.Servers {
		s := &section.Servers[i]
		api, err := remote.Connect(remote.Options{
			Name: "the Alertmanager " + s.Name, Kind: "an Alertmanager", URL: s.URL, User: "healthcheck_exporter",
			Client: &s.Client, ClientFlag: fmt.Sprintf("alertmanager.servers[%d]", i), MaxAnswer: alertconf.MaxMetrics,
		})
		if err != nil {
			all.close()
			return nil, fmt.Errorf("alertmanager.servers[%d]: %w", i, err)
		}
		all = append(all, alertmanager{s.Name, api})
	}
	return all, nil
}

// askTime is how long an Alertmanager may take to answer before the next one is asked.
const askTime = 3 * time.Second

// first asks one after the other, until one of them answers.
func (a *alertmanagers) first(ctx context.Context, ask func(context.Context, alertmanager) error) error {
	var all alertmanagerSet
	if known := a.current.Load(); known != nil {
		all = *known
	}
	if len(all) == 0 {
		return errors.New("alertmanager.servers in the configuration has no server: test where the Alertmanager runs, with healthcheck_exporter alert-test")
	}
	var errs error
	for _, one := range all {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, askTime)
			defer cancel()
			return ask(ctx, one)
		}()
		if err == nil {
			return nil
		}
		errs = errors.Join(errs, fmt.Errorf("%s: %w", one.name, err))
	}
	return fmt.Errorf("no Alertmanager can be asked: %w", errs)
}

// silences are those of the first Alertmanager that answers. All members of a cluster have the same.
func (a *alertmanagers) silences(ctx context.Context) (found []alertconf.Silence, err error) {
	err = a.first(ctx, func(ctx context.Context, one alertmanager) error {
		found, err = alertconf.NewClient(one.api).Silences(ctx)
		return err
	})
	return found, err
}

// The times of a test of a channel.
const (
	testWait = 45 * time.Second // for each hop: a member of a cluster waits 15 s for each one before it until it notifies
	testEnd  = 5 * time.Second  // how long the end may take, for which the exporter waits when it stops
)

// runs returns why an Alertmanager may have other routes than the channels', by its standing: a test would be sent to whomever those
// have.
func runs(server string, known []alertconf.Standing) error {
	for _, s := range known {
		if s.Server == server && s.State != alertconf.InSync && s.State != alertconf.Unverified {
			return fmt.Errorf("it answers, and is %s: a test could reach whomever its own routes have", s.State)
		}
	}
	return nil
}

// test sends a test alert by the first Alertmanager that answers and runs the channels. Known are their standings.
func (a *alertmanagers) test(ctx context.Context, known []alertconf.Standing, alert channels.TestAlert, tell func(channels.Hop)) error {
	var by alertmanager
	err := a.first(ctx, func(ctx context.Context, one alertmanager) error {
		by = one
		_, err := alertconf.NewClient(one.api).Setup(ctx)
		if err == nil {
			err = runs(one.name, known)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = alerttest.Run(ctx, alerttest.Options{
		Alertmanager: by.api, Called: by.name,
		Labels: alert.Labels, Receiver: alert.Receiver, Description: alert.Description,
		Wait: testWait, EndTime: testEnd,
		Tell:    func(h alerttest.Hop) { tell(channels.Hop(h)) },
		Waiting: func(error) {}, // it has answered just before
	})
	return err
}
