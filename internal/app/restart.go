package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/journal"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/lease"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/store"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// buildRestarts turns the restart section into what the controller watches. The modules are built before.
func (s *Snapshot) buildRestarts() error {
	r := s.Config.Restart
	s.Restarts = restart.Configuration{Brake: brake(r.BrakeOf())}
	if e := r.LeaderElection; e != nil {
		elector, err := lease.New(lease.Config{Namespace: e.Namespace, Name: e.Lease, Kubeconfig: e.KubeconfigFile, Context: e.Context})
		if err != nil {
			return fmt.Errorf("restart.leader_election: %w", err)
		}
		s.Restarts.Elector = elector
	}
	var err error
	if s.posts, err = sentinels(s.Config, s.Modules); err != nil {
		return err
	}
	for i := range r.Services {
		service, err := s.service(&r.Services[i])
		if err != nil {
			return fmt.Errorf("restart.services[%d]: %w", i, err)
		}
		s.posts.stand(service.Checks)
		s.Restarts.Services = append(s.Restarts.Services, service)
	}
	return nil
}

func (s *Snapshot) service(configured *config.Service) (restart.Service, error) {
	r := s.Config.Restart
	limits := r.LimitsOf(configured)
	back, err := backend(&configured.Backends)
	if err != nil {
		return restart.Service{}, err
	}
	definition, err := backendDefinition(&configured.Backends)
	if err != nil {
		return restart.Service{}, err
	}
	service := restart.Service{
		Name:          configured.Name,
		Group:         configured.Group,
		DependsOn:     configured.DependsOn,
		Match:         configured.Match,
		Policy:        policyOf(r.ModeOf(configured), limits),
		CheckInterval: time.Duration(limits.CheckInterval),
		Backend:       back,
		ExecTimeout:   time.Duration(limits.ExecTimeout),

		BackendDefinition: definition,
	}
	err = s.observe(&service, configured, inFile(s.Config))
	return service, err
}

// Policies are those of the services of a configuration, by name.
func Policies(c *config.Config) map[string]policy.Policy {
	all := map[string]policy.Policy{}
	if c.Restart == nil {
		return all
	}
	for i := range c.Restart.Services {
		s := &c.Restart.Services[i]
		all[s.Name] = policyOf(c.Restart.ModeOf(s), c.Restart.LimitsOf(s))
	}
	return all
}

func brake(b config.Brake) policy.BrakeLimits {
	return policy.BrakeLimits{
		Percent: b.Percent, Min: b.Min, Max: b.Max,
		Window:         time.Duration(b.Window),
		Settle:         time.Duration(b.Settle),
		ReleasePercent: b.ReleasePercent,
		ReleaseTime:    time.Duration(b.ReleaseTime),
	}
}

// missedRounds is after how many rounds without an answer a row of probes is broken.
const missedRounds = 3

func policyOf(mode string, l config.Limits) policy.Policy {
	return policy.Policy{
		Mode:      policy.Mode(mode),
		RestartOn: l.RestartOn.Codes(), RestartOnReasons: reasons(l.RestartOn),
		NeverRestartOn: l.NeverRestartOn.Codes(), NeverRestartOnReasons: reasons(l.NeverRestartOn),
		WarmUp:            time.Duration(l.WarmUp),
		ArmProbes:         l.ArmProbes,
		ArmTime:           time.Duration(l.ArmTime),
		ConfirmProbes:     l.ConfirmProbes,
		ConfirmInterval:   time.Duration(l.ConfirmInterval),
		ConfirmAge:        time.Duration(l.ConfirmAge),
		ProbeGap:          missedRounds * time.Duration(l.CheckInterval+l.CheckTimeout),
		OutagePercent:     l.OutagePercent,
		SuspectTime:       time.Duration(l.SuspectTime),
		WithoutAlertAfter: time.Duration(l.AsksWithoutAlert()),
		StartGrace:        time.Duration(l.StartGrace),
		InspectInterval:   time.Duration(l.InspectInterval),
		Cooldown:          time.Duration(l.Cooldown),
		CooldownMax:       time.Duration(l.CooldownMax),
		BudgetHour:        l.BudgetHour,
		BudgetDay:         l.BudgetDay,
		Concurrency:       l.Concurrency, ConcurrencyGroup: l.ConcurrencyGroup,
		FleetBudget: l.FleetBudget, FleetWindow: time.Duration(l.FleetWindow),
		VerifyProbes:  l.VerifyProbes,
		VerifyTimeout: time.Duration(l.VerifyTimeout),
		MaxUnverified: l.MaxUnverified,
		UnlockTime:    time.Duration(l.UnlockTime),
	}
}

func reasons(of config.Failures) []prober.Reason {
	var all []prober.Reason
	for _, r := range of.Reasons() {
		all = append(all, prober.Reason(r))
	}
	return all
}

// watch keeps watch over the services until the function that it returns is called. At the end of the exporter an attempt
// under way is waited for as long as there is time.
func (a *App) watch() (end func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.restarts.Run(ctx)
	}()
	a.onStop("the restarts", func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		select {
		case <-done:
		case <-time.After(max(time.Until(deadline), time.Second)): // at rest it takes no time, but some
			a.log.Warn("A restart is still under way; its outcome will not be known")
		}
		return nil
	})
	return func(context.Context) error {
		cancel()
		return nil
	}
}

// keepRestarts makes the journal, which ends with the exporter if there is no place for it.
func (a *App) keepRestarts() restart.Journal {
	if a.opts.StoragePath == "" {
		return witness{restart.NewMemory(), a.attemptEnded}
	}
	a.journal = journal.New(a.opts.StoragePath)
	return witness{a.journal, a.attemptEnded}
}

// A witness is a Journal that tells of every attempt that has ended.
type witness struct {
	restart.Journal
	ended func(*policy.Record)
}

// Audit implements restart.Journal.
func (w witness) Audit(r policy.Record) error {
	if r.Decision.Outcome != policy.OutcomeNone {
		w.ended(&r)
	}
	return w.Journal.Audit(r)
}

// attemptEnded makes an event of an attempt. It is about the first target of the inventory that the service checks.
func (a *App) attemptEnded(r *policy.Record) {
	ev := status.Event{
		At: r.Time.UTC(), Kind: status.KindRestart, Service: r.Service, Outcome: string(r.Decision.Outcome), Trigger: string(r.Trigger),
		Detail: printable.Text(cmp.Or(r.After.Preflight.Unfit, r.After.Preflight.Detail), printable.MaxError),
	}
	for _, s := range a.current.Load().Restarts.Services {
		if s.Name != r.Service {
			continue
		}
		for _, c := range s.Checks {
			ev.Target = cmp.Or(ev.Target, c.Inventory)
		}
	}
	a.status.Record(ev)
}

// openJournal opens the journal if something can be restarted. That another instance has it is a mistake in how the
// exporter was started. Anything else turns restarts off, for as long as it lasts, and probing goes on.
func (a *App) openJournal(c *config.Config) error {
	if a.journal == nil || c.Restart == nil {
		return nil
	}
	err := a.journal.Open()
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("--storage.path: %w", err)
	}
	if err != nil {
		a.log.Error("Nothing will be restarted: what is kept of restarts cannot be used", "err", err)
	}
	return nil
}

func (a *App) closeJournal(context.Context) error {
	if a.journal == nil {
		return nil
	}
	return a.journal.Close()
}
