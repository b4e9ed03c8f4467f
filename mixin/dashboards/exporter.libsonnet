local g = import '../lib/grafana.libsonnet';
{
  local c = $._config,
  local exporter = '%s,instance=~"$instance"' % c.exporterSelector,
  local own(name, matchers='') = 'healthcheck_exporter_%s{%s%s}' % [name, exporter, matchers],
  local restart(name, matchers='') = 'healthcheck_restart_%s{%s,service=~"$service"%s}' % [name, exporter, matchers],
  local central(name, matchers='') = 'healthcheck_restart_%s{%s%s}' % [name, exporter, matchers],
  local rate(series) = 'rate(%s[$__rate_interval])' % series,
  local quantile(q, series, by) = 'histogram_quantile(%g, sum by (le, %s) (%s))' % [q, by, rate(series)],

  local overview = [
    g.stat('Exporters up', 'Exporters that Prometheus can scrape.', 'none', 'sum(up{%s})' % exporter),
    g.stat('Targets', 'Targets in the inventory.', 'none', 'sum(%s)' % own('inventory_targets')),
    g.stat('Configuration', 'Whether the last load of the configuration succeeded.', 'none', 'min(%s)' % own('config_last_reload_successful'), ['red', [1, 'green']]) {
      fieldConfig+: { defaults+: { mappings: g.binary(['failed', 'red'], ['loaded', 'green']) } },
    },
    g.stat('Locked out', 'Services that are not restarted any more: restarts did not help.', 'none', 'sum(%s)' % restart('lockout'), ['green', [1, 'red']]),
    g.stat('Brake', 'Scopes in which nothing is restarted because much fails at once.', 'none', 'sum(%s)' % central('brake'), ['green', [1, 'red']]),
    g.stat('Unarmed', 'Services that were never seen healthy by their checks.', 'none', 'count(%s == 0) or vector(0)' % restart('armed'), ['green', [1, 'orange']]),
  ],

  local restarts = [
    g.row('Restarts'),
    g.timeline('States', 'The state of each service.', [g.query(restart('state') + ' == 1', '{{service}}: {{state}}')]).size(12, 8),
    g.timeline('Holds', 'The guard that refused last, while a service fails.', [g.query('max by (service, reason) (%s)' % restart('hold'), '{{service}}: {{reason}}')], g.binary(['', 'transparent'], ['held', 'orange'])).size(12, 8),
    g.timeseries('Attempts', 'Restarts within the range of the dashboard, by how they ended.', 'none', [g.query('sum by (service, outcome) (increase(%s[$__range]))' % restart('attempts_total'), '{{service}}: {{outcome}}')]),
    g.timeseries('Decisions', 'How often the decision about a service changed, within the range of the dashboard.', 'none', [g.query('sum by (decision, reason) (increase(%s[$__range]))' % restart('decisions_total'), '{{decision}} {{reason}}')]),
    g.timeseries('Budget left', 'Attempts that are left of an hour and of a day.', 'none', [g.query(restart('budget_remaining'), '{{service}}: {{window}}')]),
    g.timeseries('Duration of restarts', 'How long nine of ten restarts and verifications took, within the range of the dashboard.', 's', [g.query('histogram_quantile(0.9, sum by (le, backend, phase) (increase(%s[$__range])))' % central('duration_seconds_bucket'), '{{backend}} {{phase}}')]),
    g.timeseries('Deliveries of Alertmanager', 'Requests for restarts, by the status of the answer.', 'reqps', [g.query('sum by (code) (%s)' % rate(central('webhook_requests_total')), '{{code}}')]),
    g.timeseries('Alerts of deliveries', 'Alerts in them: mapped to a service, or not.', 'none', [g.query('sum by (status, outcome) (%s)' % rate(central('webhook_alerts_total')), '{{status}} {{outcome}}')]),
    g.timeseries('Under way', 'Services that are being restarted or verified, and errors of the journal, within the range of the dashboard.', 'none', [
      g.query('sum(%s)' % central('open_intents'), 'under way'),
      g.query('sum(increase(%s[$__range]))' % central('journal_errors_total'), 'errors of the journal'),
    ]),
    g.table('Services', 'Which service is restarted by what, and by which targets it is checked.', 'none', restart('info'), ['Value', 'instance']),
  ],

  local probing = [
    g.row('Probing'),
    g.timeseries('Probes', 'Probes per second, by how they ended.', 'ops', [g.query('sum by (result) (%s)' % rate(own('probes_total')), '{{result}}')], stack=true),
    g.timeseries('Duration of probes', 'How long half of all probes took, and 99 of 100, by module.', 's', [
      g.query(quantile(0.5, own('probe_duration_seconds_bucket'), 'module'), '{{module}} 0.5'),
      g.query(quantile(0.99, own('probe_duration_seconds_bucket'), 'module'), '{{module}} 0.99'),
    ]),
    g.timeseries('In flight', 'Probes that are under way.', 'none', [g.query(own('probes_in_flight'), '{{instance}}')]),
    g.timeseries('Rejected', 'Queries that named nothing that could be probed, per second.', 'ops', [g.query('sum by (reason) (%s)' % rate(own('probes_rejected_total')), '{{reason}}')]),
  ],

  local sources = [
    g.row('Inventory and process'),
    g.timeseries('Targets by source', 'How many targets come from where.', 'none', [g.query('sum by (source) (%s)' % own('inventory_targets'), '{{source}}')], stack=true),
    g.timeseries('Age of sources', 'How long ago each source last answered.', 's', [g.query('time() - ' + own('inventory_source_last_success_timestamp_seconds'), '{{source}}')]),
    g.timeseries('Trouble with sources', 'Answers that were none, within the range of the dashboard, and single targets that are wrong.', 'none', [
      g.query('sum by (source) (increase(%s[$__range]))' % own('inventory_source_errors_total'), '{{source}}: no answer'),
      g.query('sum by (source) (%s)' % own('inventory_source_problems'), '{{source}}: wrong targets'),
    ]),
    g.timeseries('Memory', 'Memory of the exporter.', 'bytes', [g.query('process_resident_memory_bytes{%s}' % exporter, '{{instance}}')]),
    g.timeseries('Processor', 'Processor time of the exporter, in cores.', 'none', [g.query(rate('process_cpu_seconds_total{%s}' % exporter), '{{instance}}')]),
    g.timeseries('File descriptors', 'Open file descriptors, of those that are allowed.', 'percentunit', [g.query('process_open_fds{%(e)s} / process_max_fds{%(e)s}' % { e: exporter }, '{{instance}}')]),
    g.table('Versions', 'Which exporter runs which version.', 'none', own('build_info'), ['Value', 'branch', 'tags', 'revision']).size(12, 5),
  ],

  grafanaDashboards+:: {
    'healthcheck-exporter.json': g.dashboard(
      c,
      c.dashboardUids.exporter,
      'Exporter and restarts',
      'The exporter itself, and what it restarts.',
      [
        g.variable('instance', 'up{%s}' % c.exporterSelector, 'instance'),
        g.variable('service', 'healthcheck_restart_info{%s,instance=~"$instance"}' % c.exporterSelector, 'service'),
      ],
      overview + restarts + probing + sources,
    ),
  },
}
