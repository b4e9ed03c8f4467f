{
  local c = $._config,
  local lookup = (import '../lib/lookup.libsonnet')(c),

  local flapping = {
    alert: 'HealthcheckTargetFlapping',
    expr: 'changes(probe_success{%s}[%s]) > %d' % [c.targetSelector, c.flapping.window, c.flapping.changes],
    labels: { severity: c.flapping.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A target goes up and down.',
      description: lookup.target + ' changed {{ $value | printf "%.0f" }} times between up and down within ' + c.flapping.window + lookup.environment + '.',
      reason: lookup.reason,
    },
  },

  local slow = {
    alert: 'HealthcheckTargetSlow',
    expr: |||
      (
        target:probe_duration_seconds:mean5m{%(targetSelector)s}
        > %(factor)g * target:probe_duration_seconds:median%(baseline)s{%(targetSelector)s}
      ) > %(floor)g
      and
      target:probe_duration_seconds:mean5m{%(targetSelector)s} offset %(history)s
      and
      last_over_time(probe_success{%(targetSelector)s}[%(lostScrape)s]) == 1
    ||| % (c + c.slow),
    'for': c.slow['for'],
    labels: { severity: c.slow.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A target is much slower than it used to be.',
      description: lookup.target + ' takes {{ $value | humanizeDuration }}' + lookup.environment + ', which is more than %g times the median of %s.' % [c.slow.factor, c.slow.baseline],
    },
  },

  local certificate(level) = {
    alert: 'HealthcheckCertificateExpiring',
    // The expiry is known for as long as an outage may take: a target that is down shows no certificate.
    expr: |||
      last_over_time(probe_ssl_earliest_cert_expiry{%(selector)s}[%(outage)s]) - time() < %(days)g * 86400
      unless
      last_over_time(probe_ssl_earliest_cert_expiry{%(selector)s}[%(outage)s]) - time()
      >= %(lifetime)g * last_over_time(probe_ssl_earliest_cert_lifetime_seconds{%(selector)s}[%(outage)s])
    ||| % level { selector: c.targetSelector, outage: c.exporterOutage },
    'for': level['for'],
    labels: { severity: level.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A certificate expires soon.',
      description: 'The certificate of ' + lookup.target + lookup.environment + ' {{ if gt $value 0.0 }}expires in {{ $value | humanizeDuration }}{{ else }}has expired{{ end }}.',
    },
  },

  local scrapeFailed = {
    alert: 'HealthcheckTargetScrapeFailed',
    expr: |||
      up{%(targetSelector)s} == 0
      unless on ()
      up{%(exporterSelector)s} == 0
    ||| % c,
    'for': c.scrapeFailed['for'],
    labels: { severity: c.scrapeFailed.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A target cannot be probed.',
      description: 'Prometheus gets no answer of the exporter about ' + lookup.target + lookup.environment + ': nobody knows how it is. Its alerts stay as they were.',
    },
  },

  prometheusAlerts+:: {
    groups+: [
      {
        name: 'healthcheck-targets',
        rules: [flapping, slow] + [certificate(level) for level in c.certificates] + [scrapeFailed],
      },
    ],
  },
}
