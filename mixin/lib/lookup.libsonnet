// Annotations that ask Prometheus about the target of an alert. What they say changes while the alert fires, so it must
// not be a label: a changed label would end one alert and begin another.
function(c) {
  // `query` of a PromQL expression; %s in it becomes the matchers for the target of this alert.
  local ask(expr) =
    local matchers = std.join(',', [l + '=%q' for l in c.targetLabels]);
    local values = std.join(' ', ['$labels.' + l for l in c.targetLabels]);
    '(printf `%s` %s | query)' % [expr % matchers, values],

  // While the exporter is away there is no reason of this moment; then the latest there was. `or` asks the next only if
  // the one before has no answer, and the last one is expensive: some milliseconds for each alert.
  local latest(range) = ask('topk(1, max_over_time(timestamp(probe_failure_info{%%s})[%s]))' % range),
  reason:: std.join('', [
    '{{ with or ',
    std.join(' ', [ask('probe_failure_info{%s}'), latest('10m:15s'), latest(c.exporterOutage + ':1m')]),
    ' }}{{ with first . }}{{ .Labels.reason }}',
    '{{ if eq .Labels.reason "status" }}{{ with ',
    ask('last_over_time(probe_http_status_code{%%s}[%s])' % c.exporterOutage),
    ' }}{{ . | first | value | printf " %.0f" }}{{ end }}{{ end }}',
    // A complete answer that was judged unhealthy: the reason says it all.
    '{{ if ne .Labels.phase "check" }} in phase {{ .Labels.phase }}{{ end }}{{ end }}{{ else }}unknown{{ end }}',
  ]),

  // When the alert became pending: one evaluation after the first failed probe at the latest. Empty in the very first
  // evaluation of an alert with `for: 0s`, where it is the time of the alert itself.
  local since(alert) = 'min(ALERTS_FOR_STATE{alertname="%s",%%s})' % alert,
  failingSince(alert):: '{{ with %s }}{{ . | first | value | humanizeTimestamp }}{{ end }}' % ask(since(alert)),
  failingSinceUnix(alert):: '{{ with %s }}{{ . | first | value | printf "%%.0f" }}{{ end }}' % ask(since(alert)),
  failingFor(alert):: '{{ with %s }}{{ . | first | value | humanizeDuration }}{{ end }}' % ask('floor(time() - %s)' % since(alert)),
}
