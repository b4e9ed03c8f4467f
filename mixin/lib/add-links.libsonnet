// The links that every alert has. A rule says in its hidden field `dashboard` which one shows more about it.
{
  local c = $._config,
  local query = {
    overview: '',
    target: '?var-target={{ $labels.target | urlquery }}&var-instance={{ $labels.instance | urlquery }}',
    exporter: '?var-service={{ $labels.service | urlquery }}',
  },
  local withLinks(rule) = rule {
    annotations+: {
      runbook_url: c.runbookURLPattern % rule.alert,
      [if c.grafanaUrl != null then 'dashboard_url']: '%s/d/%s%s' % [c.grafanaUrl, c.dashboardUids[rule.dashboard], query[rule.dashboard]],
    },
  },
  prometheusAlerts+:: {
    groups: [
      group { rules: [
        if std.objectHas(rule, 'record') then rule else withLinks(rule)
        for rule in group.rules
        if std.objectHas(rule, 'record') || !std.member(c.disabled, rule.alert)
      ] }
      for group in super.groups
    ],
  },
}
