{
  local c = $._config,
  local lookup = (import '../lib/lookup.libsonnet')(c),
  local seconds = import '../lib/duration.libsonnet',

  // What happened while nobody wanted to be told is not told at the end of that either.
  local unlessQuiet(window) =
    local quiet = 'max_over_time(ALERTS{alertname=~"HealthcheckTarget(Muted|Maintenance)"}[%s])' % window;
    'unless on (target, %s)\n%s' % [
      c.environmentLabel,
      if c.environmentLabel == 'environment' then quiet
      else 'label_replace(%s, "%s", "$1", "environment", "(.*)")' % [quiet, c.environmentLabel],
    ],

  local flapping = {
    alert: 'HealthcheckTargetFlapping',
    expr: 'changes(probe_success{%s}[%s]) > %d\n' % [c.targetSelector, c.flapping.window, c.flapping.changes] + unlessQuiet(c.flapping.window),
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
    ||| % (c + c.slow) + unlessQuiet('5m'),
    'for': c.slow['for'],
    labels: { severity: c.slow.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A target is much slower than it used to be.',
      description: lookup.target + ' takes {{ $value | humanizeDuration }}' + lookup.environment + ', which is more than %g times the median of %s.' % [c.slow.factor, c.slow.baseline],
    },
  },

  // The expiry is known for as long as an outage may take: a target that is down shows no certificate.
  local known(metric) = 'last_over_time(%s{%s}[%s])' % [metric, c.targetSelector, c.exporterOutage],
  local earliest = {
    expiry: known('probe_ssl_earliest_cert_expiry'),
    lifetime: known('probe_ssl_earliest_cert_lifetime_seconds'),
  },
  // What clients verify. Others than this exporter know only the first of all certificates.
  local chain = {
    expiry: '(%s or %s)' % [known('probe_ssl_last_chain_expiry_timestamp_seconds'), earliest.expiry],
    lifetime: '(%s or %s)' % [known('probe_ssl_last_chain_lifetime_seconds'), earliest.lifetime],
  },
  local ending(which, level) = |||
    %(expiry)s - time() < %(days)g * 86400
    unless
    %(expiry)s - time() >= %(fraction)g * %(lifetime)s
  ||| % (which { days: level.days, fraction: level.lifetime }),

  local certificate(level) = {
    alert: 'HealthcheckCertificateExpiring',
    expr: ending(chain, level),
    'for': level['for'],
    labels: { severity: level.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A certificate expires soon.',
      description: 'The certificate of ' + lookup.target + lookup.environment + ' {{ if gt $value 0.0 }}expires in {{ $value | humanizeDuration }}{{ else }}has expired{{ end }}.',
    },
  },

  // A certificate that is sent along and that the verified chain does without, such as an old cross-signed root. Never more
  // than a warning: nobody is kept out by it.
  local sentAlong(level) = certificate(level) {
    labels+: { certificate: 'sent_along' },  // promtool takes two rules of one name with the same labels for a mistake
    expr: |||
      (
        %(earliest)s
      )
      unless
      %(chainExpiry)s <= %(earliestExpiry)s
      unless (
        %(chain)s
      )
    ||| % {
      earliest: std.strReplace(std.rstripChars(ending(earliest, level), '\n'), '\n', '\n  '),
      chain: std.strReplace(std.rstripChars(ending(chain, level), '\n'), '\n', '\n  '),
      chainExpiry: chain.expiry,
      earliestExpiry: earliest.expiry,
    },
    annotations+: {
      summary: 'A certificate that is sent along expires soon.',
      description: 'A certificate that ' + lookup.target + lookup.environment + ' sends along {{ if gt $value 0.0 }}expires in {{ $value | humanizeDuration }}{{ else }}has expired{{ end }}. The chain that was verified lasts longer without it.',
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

  local muteEndsSoon = {
    alert: 'HealthcheckMuteEndsSoon',
    expr: |||
      max by (target, environment) (
        healthcheck_target_mute_end_timestamp_seconds{%s}
      ) - time() < %d
    ||| % [c.exporterSelector, seconds(c.muteEndsSoon.before)],
    labels: { severity: c.muteEndsSoon.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A mute ends soon.',
      description: '{{ $labels.target }} ({{ $labels.environment }}) is muted for another {{ $value | humanizeDuration }}: after that people are told of it again.',
    },
  },

  prometheusAlerts+:: {
    groups+: [
      {
        name: 'healthcheck-targets',
        rules: [flapping, slow] + [certificate(level) for level in c.certificates] + [sentAlong(c.certificates[0])] + [scrapeFailed]
               + (if c.muteEndsSoon == null then [] else [muteEndsSoon]),
      },
    ],
  },
}
