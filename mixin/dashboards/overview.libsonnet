local g = import '../lib/grafana.libsonnet';
{
  local c = $._config,
  local selector = '%s,%s=~"$environment",target=~"$target"' % [c.targetSelector, c.environmentLabel],
  local names = '{{target}} {{instance}}',

  grafanaDashboards+:: {
    'healthcheck-overview.json': g.dashboard(
      c,
      c.dashboardUids.overview,
      'Overview',
      'All targets: what needs attention first.',
      [
        g.variable('environment', 'probe_success{%s}' % c.targetSelector, c.environmentLabel),
        g.variable('target', 'probe_success{%s,%s=~"$environment"}' % [c.targetSelector, c.environmentLabel], 'target'),
      ],
      [
        g.stat('Down', 'Targets whose last probe failed.', 'none', 'count(probe_success{%s} == 0) or vector(0)' % selector, ['green', [1, 'red']]),
        g.stat('Up', 'Targets whose last probe succeeded.', 'none', 'count(probe_success{%s} == 1) or vector(0)' % selector),
        g.stat('Not probed', 'Targets of which Prometheus got no answer: nobody knows how they are.', 'none', 'count(up{%s} == 0) or vector(0)' % selector, ['green', [1, 'orange']]),
        g.stat('Nobody is told of', 'Targets that are muted or in maintenance.', 'none', 'count(ALERTS{alertname=~"HealthcheckTarget(Muted|Maintenance)",alertstate="firing"}) or vector(0)'),
        g.stat('Availability', 'The share of probes that succeeded, of all targets, over the range of the dashboard.', 'percentunit', 'avg(avg_over_time(probe_success{%s}[$__range]))' % selector),
        g.stat('Next certificate to expire', 'How long the first of all certificates is still valid.', 's', 'min(probe_ssl_earliest_cert_expiry{%s}) - time()' % selector, ['red', [7 * 86400, 'orange'], [21 * 86400, 'green']]),
        g.table('Down now, and why', 'Targets whose last probe failed, with the reason and the phase in which it failed.', 'none', 'probe_failure_info{%s}' % selector, ['Value']).size(12, 8),
        g.table('Alerts', 'What fires. Markers that only inhibit are left out.', 'none', 'ALERTS{alertname=~"Healthcheck.+",alertstate="firing",severity!="none"}', ['Value', 'alertstate']).size(12, 8),
        g.timeline('Up and down', 'Each target over time. A gap: nobody looked.', [g.query('probe_success{%s}' % selector, names)], g.binary(['down', 'red'], ['up', 'green'])).size(24, 9),
        g.timeseries('Why targets fail', 'How many targets fail, by the reason of the failure.', 'none', [g.query('count by (reason) (probe_failure_info{%s})' % selector, '{{reason}}')], stack=true).size(12, 8),
        g.bars('Uptime', 'The share of probes that succeeded over the range of the dashboard, the worst first.', 'percentunit', g.query('bottomk(20, avg_over_time(probe_success{%s}[$__range]))' % selector, names), ['red', [c.slo.objective, 'green']]).size(12, 8),
        g.bars('Slowest', 'The mean duration of a probe over the range of the dashboard.', 's', g.query('topk(20, avg_over_time(probe_duration_seconds{%s}[$__range]))' % selector, names)).size(12, 8),
        g.bars('Certificates', 'How long the first certificate that a target presents is still valid, the shortest first.', 's', g.query('bottomk(20, probe_ssl_earliest_cert_expiry{%s} - time())' % selector, names), ['red', [7 * 86400, 'orange'], [21 * 86400, 'green']]).size(12, 8),
        g.bars('Error budget left', 'What is left of the failures that %s allow for an objective of %g %%, the least first.' % [c.slo.period, 100 * c.slo.objective], 'percentunit', g.query('bottomk(20, 1 - target:probe_failure:ratio%s{%s} / %g)' % [c.slo.period, selector, 1 - c.slo.objective], names), ['red', [0, 'orange'], [0.5, 'green']]).size(24, 8),
      ],
    ),
  },
}
