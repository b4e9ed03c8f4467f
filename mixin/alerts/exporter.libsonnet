{
  local c = $._config,
  local held = (import '../lib/held.libsonnet')(c),

  // While the exporter itself cannot be scraped.
  local down = {
    alert: 'HealthcheckExporterDown',
    expr: 'up{%(exporterSelector)s} == 0' % c,
    'for': c.exporterDown['for'],
    labels: { severity: c.exporterDown.severity },
    dashboard:: 'exporter',
    annotations: {
      summary: 'The health check exporter cannot be scraped.',
      description: 'Prometheus cannot scrape healthcheck_exporter at {{ $labels.instance }}: nobody knows how its targets are. Their alerts stay as they were.',
    },
  },

  // The only labels of absent() are those that the selector sets with `=`.
  local absent = {
    alert: 'HealthcheckExporterAbsent',
    expr: 'absent(up{%(exporterSelector)s})' % c,
    'for': c.exporterAbsent['for'],
    labels: { severity: c.exporterAbsent.severity },
    dashboard:: 'exporter',
    annotations: {
      summary: 'Prometheus does not know the health check exporter.',
      description: 'Prometheus has no target that matches up{%(exporterSelector)s}{{ with $externalLabels.cluster }} in {{ . }}{{ end }}: nobody would notice if the exporter were down.' % c,
    },
  },

  local reload = {
    alert: 'HealthcheckConfigReloadFailed',
    expr: held.exporter('healthcheck_exporter_config_last_reload_successful{%(exporterSelector)s}' % c, ' == 0'),
    'for': c.configReloadFailed['for'],
    labels: { severity: c.configReloadFailed.severity },
    dashboard:: 'exporter',
    annotations: {
      summary: 'The health check exporter could not load its configuration.',
      description: 'healthcheck_exporter at {{ $labels.instance }} goes on with the configuration that it had. If it is restarted it will not start.',
    },
  },

  local source = {
    alert: 'HealthcheckInventorySourceStale',
    // Errors only: a source that is asked once a day has not answered for hours and is well. One that has not answered
    // since the exporter was started has no time of its last success.
    expr: |||
      (
        time() - healthcheck_exporter_inventory_source_last_success_timestamp_seconds{%(selector)s} > %(seconds)d
        or
        healthcheck_exporter_inventory_source_errors_total{%(selector)s}
        unless
        healthcheck_exporter_inventory_source_last_success_timestamp_seconds{%(selector)s}
      )
      and
      increase(healthcheck_exporter_inventory_source_errors_total{%(selector)s}[%(stale)s]) > 0
    ||| % { selector: c.exporterSelector, stale: c.inventorySource.stale, seconds: (import '../lib/duration.libsonnet')(c.inventorySource.stale) },
    'for': c.inventorySource['for'],
    labels: { severity: c.inventorySource.severity },
    dashboard:: 'exporter',
    annotations: {
      summary: 'A source of targets does not answer.',
      description: '{{ $labels.source }} does not answer healthcheck_exporter at {{ $labels.instance }}, or not with a list of targets: what it last said holds, and new targets are not probed.',
    },
  },

  local drift = {
    alert: 'HealthcheckAlertmanagerDrift',
    expr: held.exporter('healthcheck_exporter_alertmanager_in_sync{%(exporterSelector)s}' % c, ' == 0'),
    'for': c.alertmanagerDrift['for'],
    labels: { severity: c.alertmanagerDrift.severity },
    dashboard:: 'exporter',
    annotations: {
      summary: 'An Alertmanager does not run the channels that people see.',
      description: '{{ $labels.server }} does not run the configuration that healthcheck_exporter at {{ $labels.instance }} has written: others may be told of alerts than the page says.',
    },
  },

  local store = {
    alert: 'HealthcheckManagedStoreDown',
    expr: held.exporter('healthcheck_exporter_managed_store_up{%(exporterSelector)s}' % c, ' == 0'),
    'for': c.managedStoreDown['for'],
    labels: { severity: c.managedStoreDown.severity },
    dashboard:: 'exporter',
    annotations: {
      summary: 'What people edit cannot be read or written.',
      description: 'healthcheck_exporter at {{ $labels.instance }} cannot use its file of managed targets, mutes and maintenance: /sd answers 503, so that Prometheus keeps its targets, and nothing can be changed.',
    },
  },

  // One that another exporter probes is stale here, and nobody minds: a part of a shared inventory, an exporter that stands by. The
  // number says when it ends: the series of a target that is not stale are absent, and the last sample of them lingers.
  local stale = {
    alert: 'HealthcheckTargetsStale',
    expr: |||
      (
      %(some)s
      )
      and on (job, instance)
      (
        (
      %(each)s
        )
        unless on (target, environment)
        %(probed)s
      )
    ||| % {
      some: held.indent(held.exporter('healthcheck_exporter_targets_stale{%(exporterSelector)s}' % c, ' > 0')),
      each: held.indent(held.exporter('healthcheck_target_stale{%(exporterSelector)s}' % c), '    '),
      probed: held.inEnvironment('probe_success{%(targetSelector)s}' % c),
    },
    'for': c.targetsStale['for'],
    labels: { severity: c.targetsStale.severity },
    dashboard:: 'exporter',
    annotations: {
      summary: 'Nobody probes some targets.',
      description: 'healthcheck_exporter at {{ $labels.instance }} has not probed {{ $value }} of its targets for two of their intervals, and no other exporter probes at least one of them. If that one goes down, no alert fires.',
    },
  },

  local watchdog = {
    alert: 'HealthcheckWatchdog',
    expr: 'vector(1)',
    labels: { severity: 'none' },
    dashboard:: 'exporter',
    annotations: {
      summary: 'This alert always fires.',
      description: 'Where it does not arrive any more{{ with $externalLabels.cluster }} from {{ . }}{{ end }}, no other alert would.',
    },
  },

  prometheusAlerts+:: {
    groups+: [{ name: 'healthcheck-exporter', rules: [down, absent, reload, source, drift, store, stale, watchdog] }],
  },
}
