// HealthcheckTargetRestart fires when HealthcheckTargetDown does, and goes to the restart receiver alone. Alertmanager
// inhibits an alert for all routes or for none; with one alert for both a target that nobody wants to hear of would not
// be repaired either.
{
  local c = $._config,
  local down = 'HealthcheckTargetDown',

  local request = {
    alert: 'HealthcheckTargetRestart',
    // The rules of a group are evaluated in order, each with what the ones before it found, so it is never later.
    expr: |||
      max without (alertname, alertstate, severity) (
        ALERTS{alertname="%s",alertstate="firing",%s}
      )
    ||| % [down, c.targetSelector],
    labels: { severity: 'none' },
    dashboard:: 'target',
    annotations: {
      summary: 'A target that is down may have to be restarted.',
      description: '{{ with $labels.target }}{{ . }} at {{ end }}{{ $labels.instance }} fails its health check. The restart receiver decides by its own probes.',
    },
  },

  local hasDown(group) = std.length([r for r in group.rules if 'alert' in r && r.alert == down]) > 0,

  prometheusAlerts+:: {
    groups: [
      if hasDown(group) then group { rules+: [request] } else group
      for group in super.groups
    ],
  },
}
