{
  local c = $._config,

  prometheusAlerts+:: {
    groups+: [
      {
        name: 'healthcheck-exporter',
        rules: [
          {
            alert: 'HealthcheckExporterDown',
            expr: 'up{%(exporterSelector)s} == 0' % c,
            'for': c.exporterDown['for'],
            labels: { severity: c.exporterDown.severity },
            annotations: {
              summary: 'The health check exporter cannot be scraped.',
              description: 'Prometheus cannot scrape healthcheck_exporter at {{ $labels.instance }}: nobody knows how its targets are. Their alerts stay as they were.',
            },
          },
          {
            // The only labels of absent() are those that the selector sets with `=`.
            alert: 'HealthcheckExporterAbsent',
            expr: 'absent(up{%(exporterSelector)s})' % c,
            'for': c.exporterAbsent['for'],
            labels: { severity: c.exporterAbsent.severity },
            annotations: {
              summary: 'Prometheus does not know the health check exporter.',
              description: 'Prometheus has no target that matches up{%(exporterSelector)s}{{ with $externalLabels.cluster }} in {{ . }}{{ end }}: nobody would notice if the exporter were down.' % c,
            },
          },
        ],
      },
    ],
  },
}
