{
  local c = $._config,
  local lookup = (import '../lib/lookup.libsonnet')(c),

  local seconds = import '../lib/duration.libsonnet',

  local burn(w) = {
    alert: 'HealthcheckErrorBudgetBurn',
    expr: |||
      target:probe_failure:ratio%(long)s{%(selector)s} > %(factor)g * %(budget)g
      and
      target:probe_failure:ratio%(short)s{%(selector)s} > %(factor)g * %(budget)g
      and
      target:probe_failure:ratio%(short)s{%(selector)s} * avg_over_time(target:probe_success:count5m{%(selector)s}[%(short)s]) * %(spans)g > %(failures)g
    ||| % w {
      selector: c.targetSelector,
      budget: 1 - c.slo.objective,
      spans: seconds(w.short) / seconds('5m'),
      failures: c.slo.failures - 0.5,  // an average is not quite a whole number
    },
    'for': w['for'],
    labels: { severity: w.severity, short: w.short, long: w.long },
    dashboard:: 'target',
    annotations: {
      summary: 'A target uses up its error budget too fast.',
      description: lookup.target + ' failed {{ $value | humanizePercentage }} of its probes within ' + w.long + lookup.environment
                   + ': that is more than %g times what %s allow for %g %%.' % [w.factor, c.slo.period, 100 * c.slo.objective],
    },
  },

  prometheusAlerts+:: {
    groups+: [{ name: 'healthcheck-slo', interval: '1m', rules: [burn(w) for w in c.slo.windows] }],
  },
}
