local g = import '../lib/grafana.libsonnet';
{
  local c = $._config,
  local selector = '%s,%s=~"$environment",target=~"$target",instance=~"$instance"' % [c.targetSelector, c.environmentLabel],
  local budget = 1 - c.slo.objective,
  // The services that have the target as a check, by its name or its URL.
  local services = 'healthcheck_restart_info{%s,target=~"$target|$instance"}' % c.exporterSelector,
  local restarts(name, condition='') = 'healthcheck_restart_%s{%s}%s and on (job, instance, service) %s' % [name, c.exporterSelector, condition, services],

  grafanaDashboards+:: {
    'healthcheck-target.json': g.dashboard(
      c,
      c.dashboardUids.target,
      'Target',
      'One target: where the time goes, why it fails, and what was done about it.',
      [
        g.variable('environment', 'probe_success{%s}' % c.targetSelector, c.environmentLabel),
        g.variable('target', 'probe_success{%s,%s=~"$environment"}' % [c.targetSelector, c.environmentLabel], 'target', multi=false),
        g.variable('instance', 'probe_success{%s,%s=~"$environment",target=~"$target"}' % [c.targetSelector, c.environmentLabel], 'instance', multi=false),
      ],
      [
        g.stat('Status', 'Whether the last probe succeeded.', 'none', 'min(probe_success{%s})' % selector, ['red', [1, 'green']]) {
          fieldConfig+: { defaults+: { mappings: g.binary(['down', 'red'], ['up', 'green']) } },
        },
        g.stat('Uptime', 'The share of probes that succeeded over the range of the dashboard.', 'percentunit', 'avg(avg_over_time(probe_success{%s}[$__range]))' % selector, ['red', [c.slo.objective, 'green']]),
        g.stat('Duration', 'How long the last probe took.', 's', 'max(probe_duration_seconds{%s})' % selector),
        g.stat('Status code', 'Of the last answer; 0 without one.', 'none', 'max(probe_http_status_code{%(s)s}) or max(probe_websocket_status_code{%(s)s})' % { s: selector }),
        g.stat('Certificate', 'How long the first certificate to expire is still valid.', 's', 'min(probe_ssl_earliest_cert_expiry{%s}) - time()' % selector, ['red', [7 * 86400, 'orange'], [21 * 86400, 'green']]),
        g.stat('Error budget left', 'What is left of the failures that %s allow for an objective of %g %%.' % [c.slo.period, 100 * c.slo.objective], 'percentunit', 'min(1 - target:probe_failure:ratio%s{%s} / %g)' % [c.slo.period, selector, budget], ['red', [0, 'orange'], [0.5, 'green']]),
        g.timeline('Up and down', 'The result of each probe. A gap: nobody looked.', [g.query('probe_success{%s}' % selector, '{{target}} {{instance}}')], g.binary(['down', 'red'], ['up', 'green'])).size(24, 4),
        g.timeline('Reasons', 'Why and in which phase probes failed.', [g.query('probe_failure_info{%s}' % selector, '{{reason}} in {{phase}}')]).size(24, 5),
        g.timeseries('Phases of HTTP', 'Where the time of a probe goes: the phases of the last attempt, one upon the other.', 's', [g.query('sum by (phase) (probe_http_duration_seconds{%s})' % selector, '{{phase}}')], stack=true),
        g.timeseries('Phases of a WebSocket', 'The same for a WebSocket, without the ping.', 's', [g.query('sum by (phase) (probe_websocket_duration_seconds{%s,phase!="ping"})' % selector, '{{phase}}')], stack=true),
        g.timeseries('WebSocket round trip', 'From the ping to its pong.', 's', [g.query('probe_websocket_duration_seconds{%s,phase="ping"}' % selector, '{{target}} {{instance}}')]),
        g.timeseries('Duration and what is usual', 'The whole probe, what it was allowed to take, and the median of %s.' % c.slow.baseline, 's', [
          g.query('probe_duration_seconds{%s}' % selector, 'duration'),
          g.query('probe_timeout_seconds{%s}' % selector, 'allowed'),
          g.query('target:probe_duration_seconds:median%s{%s}' % [c.slow.baseline, selector], 'usual'),
        ]),
        g.timeseries('Error budget left', 'What is left of the failures that %s allow. Below 0 it is used up.' % c.slo.period, 'percentunit', [g.query('1 - target:probe_failure:ratio%s{%s} / %g' % [c.slo.period, selector, budget], 'left')]) {
          fieldConfig+: { defaults+: { min: null } },
        },
        g.timeseries('How fast the budget goes', 'At 1 it lasts for exactly %s.' % c.slo.period, 'none', [
          g.query('target:probe_failure:ratio%s{%s} / %g' % [w, selector, budget], w)
          for w in ['5m', '1h']
        ]),
        g.timeline('What the restart machine does', 'The state of each service that has the target as a check.', [g.query(restarts('state', ' == 1'), '{{service}}: {{state}}')]).size(12, 6),
        g.timeline('What holds a restart', 'The guard that refused last, while the service fails.', [g.query('max by (service, reason) (%s)' % restarts('hold'), '{{service}}: {{reason}}')], g.binary(['', 'transparent'], ['held', 'orange'])).size(12, 6),
      ],
      [g.marks('Restarts', '1000 * ' + restarts('last_attempt_timestamp_seconds', ' > 0'), 'Restart of {{service}}')],
    ),
  },
}
