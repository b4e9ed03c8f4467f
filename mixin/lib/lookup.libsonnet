// Annotations that ask Prometheus about the target of an alert. What they say changes while the alert fires, so it must
// not be a label: a changed label would end one alert and begin another.
function(c) {
  // `query` of a PromQL expression; each %s in it becomes the matchers for these labels of this alert.
  local askBy(labels, expr) =
    local parts = std.split(expr, '%s');
    local matchers = std.join(',', [l + '=%q' for l in labels]);
    local values = std.join(' ', ['$labels.' + l for l in std.repeat(labels, std.length(parts) - 1)]);
    '(printf `%s` %s | query)' % [std.join(matchers, parts), values],
  local ask(expr) = askBy(c.targetLabels, expr),

  // The target in a sentence, and where it is.
  target:: '{{ with $labels.target }}{{ . }} at {{ end }}{{ $labels.instance }}',
  environment:: '{{ with $labels.%s }} in {{ . }}{{ end }}' % c.environmentLabel,

  // Of the latest failed probe, whatever there is by now: an alert and its annotations are queries one after the other, and
  // between them a probe may succeed. `or` asks the next only if the one before has no answer. The second is for just that,
  // in steps as short as an interval may be; the others are for an exporter that is away, and the last one is expensive: some
  // milliseconds for each alert.
  local latest(now, before) = std.join(' ', [ask(now)] + [
    ask(before(now, range))
    for range in ['1m:1s', '10m:15s', c.exporterOutage + ':1m']
  ]),
  local failure = 'probe_failure_info{%s}',
  // The number of a status is one of a probe that failed because of it: both are samples of the same scrape.
  local status = 'probe_http_status_code{%s} and on (' + std.join(', ', c.targetLabels) + ') probe_failure_info{reason="status",%s}',
  reason:: std.join('', [
    '{{ with or ',
    latest(failure, function(expr, range) 'topk(1, max_over_time(timestamp(%s)[%s]))' % [expr, range]),
    ' }}{{ with first . }}{{ .Labels.reason }}',
    '{{ if eq .Labels.reason "status" }}{{ with or ',
    latest(status, function(expr, range) 'last_over_time((%s)[%s])' % [expr, range]),
    ' }}{{ . | first | value | printf " %.0f" }}{{ end }}{{ end }}',
    // A complete answer that was judged unhealthy: the reason says it all.
    '{{ if ne .Labels.phase "check" }} in phase {{ .Labels.phase }}{{ end }}{{ end }}{{ else }}unknown{{ end }}',
  ]),

  // When the alert became pending: one evaluation after the first failed probe at the latest. In the very first evaluation
  // of an alert with `for: 0s` Prometheus does not know it yet, and it is now.
  local since(alert) = 'min(ALERTS_FOR_STATE{alertname="%s",%%s})' % alert,
  local sinceOrNow(alert, format) = '{{ with or %s (query "time()") }}{{ . | first | value | %s }}{{ end }}' % [ask(since(alert)), format],
  failingSince(alert):: sinceOrNow(alert, 'humanizeTimestamp'),
  failingSinceUnix(alert):: sinceOrNow(alert, 'printf "%.0f"'),
  failingFor(alert):: '{{ with %s }}{{ . | first | value | humanizeDuration }}{{ end }}' % ask('floor(time() - %s)' % since(alert)),

  // What becomes of the services that have this target as a check, one after the other; nothing where there are none.
  local series(name, matchers='') = 'healthcheck_restart_%s{%s%s}' % [name, c.exporterSelector, matchers],
  local ofService(name) = '(printf `%s` .Labels.job .Labels.instance .Labels.service | query)' % name,
  local same = 'job=%q,instance=%q,service=%q',
  // A message stays as it is for hours: what is decided a moment later must not read as if it never were.
  local held = ofService('healthcheck_restart_hold{reason!="mode",%s} == 1' % same),
  local lastAttempt = ofService('floor(time() - healthcheck_restart_last_attempt_timestamp_seconds{%s})' % same),
  local notYet = '{{ with %s }}not restarted again yet{{ else }}no restart yet{{ end }}{{ with %s }}{{ else }}, not decided when this was written{{ end }}' % [lastAttempt, held],
  local words = [
    { state: 'unarmed', words: 'not restarted: its own checks have never seen it healthy' },
    { state: 'idle', words: notYet },
    { state: 'suspect', words: notYet },
    { state: 'executing', words: 'being restarted' },
    { state: 'verifying', words: 'restarted, and being watched' },
    { state: 'cooldown', words: 'restarted, and was well after that' },
    { state: 'refused', words: 'not restarted: it was refused, nothing was done' },
    { state: 'backoff', words: 'restarted, which did not help' },
    { state: 'locked_out', words: 'not restarted any more: it did not help' },
  ],
  restarts:: std.join('', [
    '{{ range $i, $s := (printf `%s == 1 and on (job, instance, service) %s` (or $labels.target $labels.instance) | query | sortByLabel "service") }}'
    % [series('state'), series('info', ',target=%q')],
    '{{ if $i }}; {{ end }}{{ with $s }}{{ .Labels.service }}: ',
    '{{ if %s }}not restarted: the mode is off{{ else if %s }}not restarted: the mode is observe' % [
      ofService('healthcheck_restart_mode{mode="off",%s} == 1' % same),
      ofService('healthcheck_restart_mode{mode="observe",%s} == 1' % same),
    ],
    std.join('', ['{{ else if eq .Labels.state "%(state)s" }}%(words)s' % w for w in words]),
    '{{ end }}',
    '{{ with %s }}, held by {{ with first . }}{{ .Labels.reason }}{{ if eq .Labels.reason "unconfirmed" }} when this was written{{ end }}{{ end }}{{ end }}' % held,
    '{{ with %s }}, last attempt {{ . | first | value | humanizeDuration }} ago{{ end }}'
    % lastAttempt,
    '{{ end }}{{ end }}',
  ]),

  // How restarts ended that are not known to have helped.
  outcome(window):: '{{ range $i, $s := sortByLabel "outcome" %s }}{{ if $i }}, {{ end }}{{ $s.Labels.outcome }}{{ end }}'
                    % askBy(['job', 'instance', 'service'], 'increase(healthcheck_restart_attempts_total{outcome!="recovered",%%s}[%s]) > 0' % window),
  unverified:: '{{ with %s }}{{ . | first | value | printf "%%.0f" }} restarts in a row did not help{{ end }}'
               % askBy(['job', 'instance', 'service'], 'healthcheck_restart_consecutive_unverified{%s} > 0'),
  left:: askBy(['job', 'instance', 'service'], 'min(healthcheck_restart_budget_remaining{%s})'),
}
