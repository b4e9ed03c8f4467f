package app

import (
	"fmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// posts are the sentinels for checks on loopback addresses, and those for all others; nil: there are none.
type posts map[bool]*restart.Sentinels

// sentinels makes those of the configuration.
func sentinels(cfg *config.Config, modules map[string]collector.Module) (posts, error) {
	all := posts{}
	for i, s := range cfg.Restart.Sentinels {
		m, ok := modules[s.Module]
		if !ok {
			m.Config = config.SentinelModule()
			var err error
			if m.Prober, err = prober.New(m.Config, cfg.TargetRules); err != nil {
				return nil, fmt.Errorf("restart.sentinels[%d]: %w", i, err)
			}
		}
		u, err := prober.ParseTarget(s.URL, m.Config.Prober)
		if err != nil {
			return nil, fmt.Errorf("restart.sentinels[%d]: %w", i, err)
		}
		local := config.Loopback(u)
		if all[local] == nil {
			all[local] = &restart.Sentinels{}
		}
		all[local].Checks = append(all[local].Checks, restart.Check{
			Name: prober.MaskURL(u), Definition: s.URL + "\n" + s.Module, Prober: m.Prober, Request: prober.Request{URL: u},
			Timeout: restart.SentinelTimeout,
		})
	}
	return all, nil
}

// stand gives every check the sentinels of its side.
func (p posts) stand(checks []restart.Check) {
	for i := range checks {
		checks[i].Sentinels = p[config.Loopback(checks[i].Request.URL)]
	}
}
