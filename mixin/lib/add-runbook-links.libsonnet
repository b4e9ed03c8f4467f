{
  local pattern = $._config.runbookURLPattern,
  local withLink(rule) = rule {
    [if 'alert' in rule then 'annotations']+: { runbook_url: pattern % rule.alert },
  },
  prometheusAlerts+:: {
    groups: [group { rules: [withLink(rule) for rule in group.rules] } for group in super.groups],
  },
}
