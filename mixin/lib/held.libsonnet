// Series as they were when they were last seen. last_over_time steps over lost scrapes and over the stale marker that a
// failed scrape leaves, so that neither ends an alert or starts its `for` anew. What is seen otherwise ends it at once.
function(c) {
  local held(series, condition, labels, up) = |||
    last_over_time(%(series)s[%(lostScrape)s])%(condition)s
    or
    (
      last_over_time(%(series)s[%(exporterOutage)s])%(condition)s
      and on (%(labels)s)
      up{%(up)s} == 0
    )
  ||| % c { series: series, condition: condition, labels: std.join(', ', labels), up: up },

  // Those of a target; condition is '' or such as ' == 0'.
  target(series, condition=''):: held(series, condition, c.scrapeLabels, c.scrapeSelector),

  // Those of an exporter itself.
  exporter(series, condition=''):: held(series, condition, ['job', 'instance'], c.exporterSelector),

  // A target that is down.
  down:: self.target('probe_success{%s}' % c.targetSelector, ' == 0'),

  // Series of targets with the environment in the label `environment`, whatever it is called here: so it is in the exporter's own.
  inEnvironment(series)::
    if c.environmentLabel == 'environment' then series
    else 'label_replace(%s, "environment", "$1", "%s", "(.*)")' % [series, c.environmentLabel],

  // An expression of several lines as a part of another one.
  indent(expr, by='  '):: std.join('\n', [if line == '' then '' else by + line for line in std.split(std.stripChars(expr, '\n'), '\n')]),
}
