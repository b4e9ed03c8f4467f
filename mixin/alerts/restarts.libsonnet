{
  local c = $._config,
  local k = c.restarts,
  local held = (import '../lib/held.libsonnet')(c),
  local lookup = (import '../lib/lookup.libsonnet')(c),

  local series(name, matchers='') = 'healthcheck_restart_%s{%s%s}' % [name, c.exporterSelector, matchers],

  // The services for which an expression has a series: one alert for each of a service's targets, so that what inhibits
  // the alerts of a target inhibits this one as well. The rest of the labels are those to route by.
  local services(expr) = |||
    (
    %s
    )
    and on (job, instance, service)
    (
    %s
    )
  ||| % [held.indent(held.exporter(series('info'))), held.indent(expr)],

  // What has happened within the window. A counter is there, with 0, from the start of the exporter.
  local happened(name, matchers, window) = 'increase(%s[%s]) > 0' % [series(name, matchers), window],

  local rule(alert, knobs, expr, annotations) = {
    alert: alert,
    expr: expr,
    [if 'for' in knobs then 'for']: knobs['for'],
    labels: { severity: knobs.severity },
    dashboard:: 'exporter',
    annotations: annotations,
  },

  local service = '{{ $labels.service }}{{ with $labels.environment }} in {{ . }}{{ end }}',

  local low = |||
    (
    %(held)s
    )
    and
    last_over_time(%(left)s[%(outage)s]) < max_over_time(%(left)s[1d])
  ||| % {
    left: series('budget_remaining'),
    held: held.indent(held.exporter(series('budget_remaining'), ' <= %d' % k.budgetLow.left)),
    outage: c.exporterOutage,
  },

  // The guard becomes a label: `for` begins anew with another one. A scrape in the middle of a change may see two of them.
  local waits = |||
    %(info)s
    * on (job, instance, service) group_left (reason)
    topk by (job, instance, service) (1,
      (
    %(hold)s
      )
      and on (job, instance, service)
      (
    %(failing)s
      )
      and on (job, instance, service)
      (
    %(demanded)s
      )
    )
  ||| % {
    info: 'last_over_time(%s[%s])' % [series('info'), c.exporterOutage],
    hold: held.indent(held.exporter(series('hold', ',reason!~"%s"' % std.join('|', k.held.except)), ' == 1'), '    '),
    failing: held.indent(held.exporter(series('checks_failing'), ' == 1'), '    '),
    demanded: held.indent(held.exporter(series('demanded'), ' == 1'), '    '),
  },

  prometheusAlerts+:: {
    groups+: [
      {
        name: 'healthcheck-restarts',
        rules: [
          rule('HealthcheckRestarted', k.restarted, services(happened('attempts_total', ',outcome="recovered"', k.restarted.window)), {
            summary: 'A service was restarted and is well again.',
            description: service + ' was restarted by {{ $labels.backend }}, and its own probes succeed again.',
          }),
          rule('HealthcheckRestartNotVerified', k.notVerified, services(happened('attempts_total', ',outcome!="recovered"', k.notVerified.window)), {
            summary: 'A restart is not known to have helped.',
            description: service + ' was to be restarted by {{ $labels.backend }}, and is not known to be well again.',
            reason: lookup.outcome(k.notVerified.window),
          }),
          rule('HealthcheckRestartLockedOut', k.lockedOut, services(held.exporter(series('lockout'), ' == 1')), {
            summary: 'A service is not restarted any more.',
            description: service + ' is locked out: restarts did not help, so that somebody has to.',
            reason: lookup.unverified,
          }),
          rule('HealthcheckRestartBraked', k.braked, held.exporter(series('brake'), ' == 1'), {
            summary: 'Nothing is restarted because much fails at once.',
            description: 'The mass brake of {{ $labels.scope }} is on at {{ $labels.instance }}: so many services fail at once that it is hardly their own fault. It is released when for %(time)s (release_time) at most one service, or less than %(percent)d %% (release_percent), fails in a way that a restart may repair; once no failure has begun for %(time)s it lets go of one service at a time, where something proves that the network is there. restarts explain names what is missing, and restarts release-brake releases it.' % k.braked.release,
          }),
          rule('HealthcheckRestartUnarmed', k.unarmed, services(|||
            (
            %s
            )
            unless on (job, instance, service)
            %s == 1
          ||| % [held.indent(held.exporter(series('armed'), ' == 0')), series('mode', ',mode="off"')]), {
            summary: 'A service would not be restarted because it was never seen healthy.',
            description: service + ' was not seen healthy by the checks that it has now: they are wrong, or it does not work. It is not restarted.',
          }),
          rule('HealthcheckRestartBudgetLow', k.budgetLow, services(low), {
            summary: 'A service was restarted so often that hardly any restart is left.',
            description: service + ' was restarted again and again; restarts left for now: {{ with %s }}{{ . | first | value | printf "%%.0f" }}{{ else }}hardly any{{ end }}. What has to be restarted so often needs somebody.'
                                   % lookup.left,
          }),
          rule('HealthcheckRestartUnfit', k.unfit, services(|||
            (
            %s
            )
            and on (job, instance, service)
            (
            %s
            )
          ||| % [
            held.indent(held.exporter(series('unfit', ',reason=~"%s"' % std.join('|', k.unfit.reasons)), ' == 1')),
            held.indent(held.exporter(series('checks_failing'), ' == 0')),
          ]), {
            summary: 'A service is well, and would not be restarted if it failed.',
            description: service + ' is well, but its last restart left it in such a way that it is not restarted any more: healthcheck_restart_unfit names the reason, and `healthcheck_exporter restarts explain {{ $labels.service }}` what {{ $labels.backend }} says. Repair that before it fails.',
          }),
          rule('HealthcheckRestartHeld', k.held, waits, {
            summary: 'A service fails, an alert asks for its restart, and a guard holds it.',
            description: service + ' fails by its own probes and is not restarted: {{ $labels.reason }} has held it for %s. The runbook says what to do about each guard; `healthcheck_exporter restarts explain {{ $labels.service }}` says what this one saw.' % k.held['for'],
          }),
          rule('HealthcheckRestartReceiverRefused', k.receiverRefused, happened('webhook_requests_total', ',code=~"%s"' % std.join('|', k.receiverRefused.codes), k.receiverRefused.window), {
            summary: 'The restart receiver refuses what Alertmanager sends.',
            description: 'healthcheck_exporter at {{ $labels.instance }} answered {{ $labels.code }} to a delivery: {{ if eq $labels.code "400" }}it is not what Alertmanager sends{{ else if eq $labels.code "413" }}it is too large{{ else }}its credentials are missing or wrong{{ end }}. No alert in it leads to a restart.',
          }),
          rule('HealthcheckRestartStateUnwritable', k.stateUnwritable, happened('journal_errors_total', '', k.stateUnwritable.window), {
            summary: 'Nothing is restarted because it could not be written down.',
            description: 'healthcheck_exporter at {{ $labels.instance }} cannot read or write the state of its restarts, or their audit log. While that is so it restarts nothing.',
          }),
          // Without an election every exporter says that it may act. One that went away counts as it was for a while: who comes
          // after it needs some seconds.
          rule('HealthcheckRestartNoLeader', k.noLeader, 'max by (job) (last_over_time(%s[%s])) == 0' % [series('leader'), c.lostScrape], {
            summary: 'Nothing is restarted because no exporter leads.',
            description: 'None of the exporters of the job {{ $labels.job }} holds the lease of their leader_election. While that is so none of them restarts anything.',
          }),
          rule('HealthcheckRestartWouldAct', k.wouldAct, services(happened('decisions_total', ',decision="would_restart"', k.wouldAct.window)), {
            summary: 'A service would have been restarted.',
            description: service + ' would have been restarted by {{ $labels.backend }}, but the mode is observe.',
          }),
        ],
      },
    ],
  },
}
