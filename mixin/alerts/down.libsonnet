{
  local c = $._config,
  local held = (import '../lib/held.libsonnet')(c),
  local lookup = (import '../lib/lookup.libsonnet')(c),
  local name = 'HealthcheckTargetDown',

  // The targets that are down, as they are seen before the markers. A scrape may end while the rules are evaluated: if the alert saw
  // it and the marker had not, people would be told of a muted target.
  local seen = 'target:probe_success:down',

  // One alert for every kind of failure: a target that goes from timeout to status 502 is still the same incident.
  local down(environment, knobs) = {
    alert: name,
    expr: '%s{%s%s} == 0' % [seen, c.targetSelector, environment],
    'for': knobs['for'],
    labels: { severity: knobs.severity },
    dashboard:: 'target',
    annotations: {
      summary: 'A target fails its health check.',
      description: lookup.target + ' fails its health check' + lookup.environment + '.',
      reason: lookup.reason,
      failing_since: lookup.failingSince(name),
      failing_since_unix: lookup.failingSinceUnix(name),
      failing_for: lookup.failingFor(name),
      restarts: lookup.restarts,
    },
  },

  local environments = std.objectFields(c.environments),
  local others = if environments == [] then '' else ',%s!~"%s"' % [c.environmentLabel, std.join('|', environments)],

  // A marker is not a message: it inhibits the alerts that have the same `target` and `environment`. All other labels are
  // dropped, because it has two sources.
  //
  // The probe says it of its own target, in the scrape that says that the target fails: nothing slips between. While that scrape
  // fails the marker stays as it was in the last evaluation. A series without a target would inhibit all others without one.
  //
  // The exporter says it of all targets, in its own scrape. The gauge is absent where it is not 1, so that the last sample of
  // hours ago means nothing. While the exporter cannot be scraped the marker stays if it was there when the exporter could last
  // be scraped: `timestamp` of a comparison is the time of the step, and that of the marker must not be before that of `up`.
  //
  // A marker that is over as the target recovers stays for that evaluation. The end of a marker is sent first, and Alertmanager
  // would tell of the target between that and the end of HealthcheckTargetDown.
  local marker(alert, subject, summary, description) = {
    local own = 'probe_target_%s{%s,target!=""}' % [subject, c.targetSelector],
    alert: alert,
    expr: |||
      max by (target, environment) (
        %(probed)s == 1
        or
        (
          %(lastProbed)s == 1
          and on (%(scrapeLabels)s)
          up{%(scrapeSelector)s} == 0
          and on (target, environment)
          ALERTS{alertname="%(alert)s"}
        )
        or
        %(metric)s{%(exporterSelector)s} == 1
        or
        (
          max_over_time(timestamp(%(metric)s{%(exporterSelector)s} == 1)[%(exporterOutage)s:1m])
          >= on (job, instance) group_left ()
          max_over_time(timestamp(up{%(exporterSelector)s} == 1)[%(exporterOutage)s:1m])
          and on (job, instance)
          up{%(exporterSelector)s} == 0
        )
        or
        (
          ALERTS{alertname="%(alert)s"}
          and on (target, environment)
          %(recovering)s
        )
      )
    ||| % c {
      alert: alert,
      recovering: held.inEnvironment('(ALERTS{alertname="%s",%s,alertstate="firing"} and on (%s) probe_success{%s} == 1)' % [
        name,
        c.targetSelector,
        std.join(', ', c.targetLabels),
        c.targetSelector,
      ]),
      metric: 'healthcheck_target_' + subject,
      probed: held.inEnvironment(own),
      lastProbed: held.inEnvironment('last_over_time(%s[%s])' % [own, c.exporterOutage]),
      scrapeLabels: std.join(', ', c.scrapeLabels),
    },
    labels: { severity: 'none' },
    dashboard:: 'target',
    annotations: { summary: summary, description: description },
  },

  local dependency = {
    alert: 'HealthcheckDependencyDown',
    // It fires for the dependant. The parent is found by its name and environment.
    expr: |||
      max by (target, environment, depends_on) (
        (
      %(info)s
        )
        and on (depends_on, depends_on_environment)
        label_replace(
          label_replace(
            (
              min_over_time(probe_success{%(targetSelector)s}[%(dependencyHold)s]) == 0
              or
      %(down)s
            ),
            "depends_on", "$1", "target", "(.+)"
          ),
          "depends_on_environment", "$1", "%(environmentLabel)s", "(.*)"
        )
      )
    ||| % c {
      info: held.indent(held.exporter('healthcheck_target_depends_on_info{%(exporterSelector)s}' % c), '    '),
      down: held.indent(held.down, '        '),
    },
    labels: { severity: 'none' },
    dashboard:: 'target',
    annotations: {
      summary: 'A target depends on one that is down.',
      description: '{{ $labels.target }} cannot be healthy while {{ $labels.depends_on }} is down: nobody needs to be told of it.',
    },
  },

  // Prometheus sends the end of an alert again each minute for a quarter of an hour, and Alertmanager compares what has ended
  // with its last message alone: of two that ended at different times each is news again and again, for as long as a third
  // fires. The marker inhibits HealthcheckTargetDown of a target whose end has been told. Only while another target of the
  // environment is down, and a little longer: otherwise Alertmanager tells no end twice, and if it could not tell one, the
  // next repeat makes up for it.
  //
  // It is gone in the evaluation in which the target fails again, and before HealthcheckTargetDown is sent. `offset` instead of
  // `for`, so that it is there in the evaluation in which the other one fails.
  local told = {
    local downs(matchers, time) = 'ALERTS{alertname="%s",%s%s}%s' % [name, c.targetSelector, matchers, time],
    local down = |||
      (
        probe_success{%s} == 0
        or
        %s
        or
        %s
      )
    ||| % [c.targetSelector, downs('', ''), downs('', ' offset ' + c.recovery.after)],
    alert: 'HealthcheckTargetRecovered',
    expr: |||
      max without (alertname, alertstate, severity) (
        max_over_time(%(fired)s)
      )
      unless on (%(labels)s)
      %(down)s
      unless on ()
      %(undelivered)s
      and on (%(environment)s)
      %(down)s
    ||| % {
      fired: downs(',alertstate="firing"', '[%s]' % c.recovery.repeated),
      labels: std.join(', ', c.targetLabels),
      environment: c.environmentLabel,
      undelivered: c.recovery.undelivered,
      down: std.stripChars(down, '\n'),
    },
    labels: { severity: 'none' },
    dashboard:: 'target',
    annotations: {
      summary: 'A target has recovered while another one is down.',
      description: lookup.target + ' has recovered' + lookup.environment + ', which people were told: they are not told again.',
    },
  },

  prometheusAlerts+:: {
    groups+: [
      {
        name: 'healthcheck-down',
        [if c.downInterval != null then 'interval']: c.downInterval,
        // Markers before alerts: Alertmanager has to have them before what they inhibit.
        rules: [
          { record: seen, expr: held.down },
          marker(
            'HealthcheckTargetMuted',
            'muted',
            'Nobody wants to be told of a target.',
            '{{ $labels.target }} is muted: nobody is told of it.',
          ),
          marker(
            'HealthcheckTargetMaintenance',
            'maintenance_active',
            'A target is in maintenance.',
            '{{ $labels.target }} is in maintenance: nobody is told of it, and it is not restarted.',
          ),
          dependency,
          told,
        ] + [
          down(',%s="%s"' % [c.environmentLabel, environment], c.environments[environment])
          for environment in environments
        ] + [down(others, c.otherEnvironments)],
      },
    ],
  },
}
