{
  local c = $._config,
  local ratio(range) = 'target:probe_failure:ratio' + range,
  local seconds = import '../lib/duration.libsonnet',
  local mean(record, range) = 'avg_over_time(%s{%s}[%s])' % [record, c.targetSelector, range],

  // A window that is less than half full says nothing: of a new target a single failed probe would be most of it.
  local window(range) = {
    record: ratio(range),
    expr: |||
      %(mean)s
      and
      count_over_time(%(ratio5m)s{%(selector)s}[%(range)s]) >= %(half)d
    ||| % {
      mean: mean(ratio('5m'), range),
      ratio5m: ratio('5m'),
      selector: c.targetSelector,
      range: range,
      half: seconds(range) / seconds('1m') / 2,
    },
  },

  local windows = std.set(std.flattenArrays([[w.short, w.long] for w in c.slo.windows])),
  // Windows of days change slowly and read much.
  local long = [w for w in windows if std.endsWith(w, 'd') || std.endsWith(w, 'w')],

  prometheusRules+:: {
    groups+: [
      {
        name: 'healthcheck-latency',
        interval: '1m',
        rules: [{
          record: 'target:probe_duration_seconds:mean5m',
          expr: mean('probe_duration_seconds', '5m'),
        }],
      },
      {
        name: 'healthcheck-latency-baseline',
        interval: '5m',
        rules: [{
          record: 'target:probe_duration_seconds:median' + c.slow.baseline,
          expr: 'quantile_over_time(0.5, target:probe_duration_seconds:mean5m{%s}[%s])' % [c.targetSelector, c.slow.baseline],
        }],
      },
      {
        name: 'healthcheck-failures',
        interval: '1m',
        rules: [
          {
            // What fails in maintenance does not count, whoever says that it is: the probe or the exporter. Nor does what nobody saw.
            record: ratio('5m'),
            expr: |||
              1 - avg_over_time(probe_success{%(targetSelector)s}[5m])
              unless on (target, %(environmentLabel)s)
              max_over_time(probe_target_maintenance_active{%(targetSelector)s}[5m]) == 1
              unless on (target, %(environmentLabel)s)
            ||| % c + (
              local active = 'max_over_time(healthcheck_target_maintenance_active{%(exporterSelector)s}[5m]) == 1' % c;
              if c.environmentLabel == 'environment' then active
              else 'label_replace(%s, "%s", "$1", "environment", "(.*)")' % [active, c.environmentLabel]
            ),
          },
          {
            record: 'target:probe_success:count5m',
            expr: 'count_over_time(probe_success{%(targetSelector)s}[5m])' % c,
          },
        ] + [
          window(w)
          for w in std.setDiff(windows, long)
          if w != '5m'
        ],
      },
      {
        name: 'healthcheck-failures-long',
        interval: '5m',
        rules: [window(w) for w in long],
      },
      {
        // A sample for each quarter of an hour is enough for a month, and costs a fifteenth.
        name: 'healthcheck-failures-period',
        interval: '15m',
        rules: [
          { record: ratio('15m'), expr: mean(ratio('5m'), '15m') },
          { record: ratio(c.slo.period), expr: mean(ratio('15m'), c.slo.period) },
        ],
      },
    ],
  },
}
