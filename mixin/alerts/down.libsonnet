{
  local c = $._config,
  local lookup = (import '../lib/lookup.libsonnet')(c),
  local name = 'HealthcheckTargetDown',

  // One alert for every kind of failure: a target that goes from timeout to status 502 is still the same incident.
  local down(environment, knobs) = {
    alert: name,
    // last_over_time steps over lost scrapes and over the stale marker that a failed scrape leaves, so neither ends the
    // alert or starts `for` anew. A successful probe ends it at once.
    expr: |||
      last_over_time(probe_success{%(selector)s}[%(lostScrape)s]) == 0
      or
      (
        last_over_time(probe_success{%(selector)s}[%(exporterOutage)s]) == 0
        and on (%(scrapeLabels)s)
        up{%(scrapeSelector)s} == 0
      )
    ||| % c {
      selector: c.targetSelector + environment,
      scrapeLabels: std.join(', ', c.scrapeLabels),
    },
    'for': knobs['for'],
    labels: { severity: knobs.severity },
    annotations: {
      summary: 'A target fails its health check.',
      description: '{{ with $labels.target }}{{ . }} at {{ end }}{{ $labels.instance }} fails its health check{{ with $labels.%s }} in {{ . }}{{ end }}.' % c.environmentLabel,
      reason: lookup.reason,
      failing_since: lookup.failingSince(name),
      failing_since_unix: lookup.failingSinceUnix(name),
      failing_for: lookup.failingFor(name),
    },
  },

  local environments = std.objectFields(c.environments),
  local others = if environments == [] then '' else ',%s!~"%s"' % [c.environmentLabel, std.join('|', environments)],

  prometheusAlerts+:: {
    groups+: [
      {
        name: 'healthcheck-down',
        [if c.downInterval != null then 'interval']: c.downInterval,
        rules: [
          down(',%s="%s"' % [c.environmentLabel, environment], c.environments[environment])
          for environment in environments
        ] + [down(others, c.otherEnvironments)],
      },
    ],
  },
}
