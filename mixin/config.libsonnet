{
  _config+:: {
    // Selectors go between the {} of every query.
    targetSelector: 'job="healthcheck"',
    exporterSelector: 'job="healthcheck_exporter"',

    // The labels that identify one target; lookups in annotations match on all of them. A label that a series does
    // not have matches as the empty string.
    targetLabels: ['job', 'instance', 'target', self.environmentLabel],

    // While the scrape of a target fails, the target is still considered to be as it was. This is the `up` that says
    // so, and the labels by which a target's series finds it.
    //   /probe, one scrape per target:     the defaults
    //   /probe/all, one scrape for all:    scrapeLabels: ['job']
    //   the exporter's own job instead:    scrapeSelector: self.exporterSelector, and in scrapeLabels a label that
    //                                      the relabelling of both jobs sets to the same value, e.g. ['exporter']
    scrapeSelector: self.targetSelector,
    scrapeLabels: ['job', 'instance', 'target'],

    // How long the last result of a target counts when there is no newer one. `lostScrape` applies always: it must be
    // longer than the longest scrape interval, and is how long a target that was removed while it was down still
    // fires. `exporterOutage` applies while the scrape of the target fails. After that an alert resolves although
    // nobody saw the target recover. Every evaluation reads this much of probe_success. So it is with what the exporter
    // says of itself, its restarts and its inventory.
    lostScrape: '10m',
    exporterOutage: '6h',

    // One rule per environment, and one for every other target, also those without an environment. The markers that
    // inhibit alerts have the label `environment`, whatever it is called here.
    //
    // `for: 0s` tells of the first failed probe that Prometheus evaluates. Let the probe try again instead of waiting here:
    // `attempts: 2, retry_delay: 1s` in the module costs a second or two, and only when something fails. A `for` of any
    // length costs that much, rounded up to the next evaluation, of every message and every restart.
    environmentLabel: 'environment',
    environments: {
      LIVE: { 'for': '0s', severity: 'critical' },
    },
    otherEnvironments: { 'for': '1m', severity: 'warning' },

    // How often the rules about targets that are down are evaluated, such as '5s'; null: Prometheus' evaluation_interval.
    downInterval: null,

    // How long a target still counts as down for its dependants after it was seen to fail: they need a probe each to be
    // seen up again.
    dependencyHold: '1m',

    // A recovery has to be told within `after`: Alertmanager's group_interval for HealthcheckTargetDown is 15 s shorter, or
    // less. From then on Prometheus' repeats of it are not told, for `repeated`. They come a minute later at the soonest
    // (--rules.alert.resend-delay), and for a quarter of an hour. `undelivered` is when messages are lost: then the repeats make
    // up for them. Without such a series nothing is.
    recovery: {
      after: '50s',
      repeated: '17m',
      undelivered: 'increase(alertmanager_notifications_failed_total{integration="slack"}[5m]) > 0',
    },

    // More changes between up and down than that.
    flapping: { changes: 4, window: '15m', severity: 'warning' },

    // The mean of 5 minutes is more than `factor` times its own median over `baseline`, which has begun `history` ago or
    // earlier, and more than `floor` seconds.
    slow: { factor: 3, floor: 0.3, baseline: '1d', history: '6h', 'for': '10m', severity: 'warning' },

    // Less than so many days are left, and less than this part of the certificate's life where that is known. Who renews
    // by themselves do so when a third is left. It is about the chain that clients verify; the first level is also for what
    // is sent along beside it.
    certificates: [
      { days: 21, lifetime: 0.25, 'for': '5m', severity: 'warning' },
      { days: 7, lifetime: 0.08, 'for': '5m', severity: 'critical' },
    ],

    // Of a mute that a person has set, so long before its end, such as { before: '1h', severity: 'info' }. null: nobody is told.
    muteEndsSoon: null,

    // Of a target's scrape, while all exporters can be scraped: the query is wrong, or takes too long.
    scrapeFailed: { 'for': '5m', severity: 'warning' },

    exporterDown: { 'for': '1m', severity: 'critical' },
    exporterAbsent: { 'for': '5m', severity: 'critical' },
    configReloadFailed: { 'for': '1m', severity: 'warning' },
    // It has not answered for so long, and not because nobody asked. Longer than the interval of the slowest source.
    inventorySource: { stale: '15m', 'for': '5m', severity: 'warning' },
    alertmanagerDrift: { 'for': '5m', severity: 'warning' },
    managedStoreDown: { 'for': '1m', severity: 'warning' },
    // Longer than it takes to see that nobody has probed a target.
    targetsStale: { 'for': '10m', severity: 'warning' },

    // `window` is how long an alert about something that has happened goes on.
    restarts: {
      restarted: { window: '10m', severity: 'info' },
      notVerified: { window: '10m', severity: 'warning' },
      wouldAct: { window: '10m', severity: 'info' },
      lockedOut: { severity: 'critical' },
      // `release` is release_time and release_percent of the exporter's own configuration, which the alert tells.
      braked: { 'for': '30s', severity: 'critical', release: { time: '5 min', percent: 20 } },
      unarmed: { 'for': '15m', severity: 'warning' },
      // So many or less are left of an hour's or a day's restarts, and some were used.
      budgetLow: { left: 1, severity: 'warning' },
      // Not those that a person wants to hold (mode, paused, maintenance), that end by themselves (cooldown), that hold in
      // every exporter but the leading one, or that have an alert of their own.
      held: { 'for': '10m', except: ['mode', 'paused', 'maintenance', 'cooldown', 'leader', 'journal', 'unarmed', 'locked_out', 'brake'], severity: 'warning' },
      // What does not end by itself: a paused update, and a rollout that does not get on.
      unfit: { 'for': '10m', reasons: ['paused', 'rolling'], severity: 'warning' },
      // Alertmanager does not repeat a request that is answered so, until it has to send the alert anyhow.
      receiverRefused: { window: '10m', codes: ['400', '401', '403', '413'], severity: 'critical' },
      stateUnwritable: { window: '10m', severity: 'critical' },
      noLeader: { 'for': '5m', severity: 'critical' },
    },

    // Multi-window, multi-burn-rate: over both windows the error budget goes `factor` times as fast as would use it up in
    // exactly `period`. The windows are those of chapter 5 of the SRE workbook, for a period of 30 days.
    slo: {
      objective: 0.999,
      period: '30d',
      // So many probes have to fail within the short window: of a target that is probed once a minute a single failure is
      // 1.7 % of an hour, and no reason to wake somebody.
      failures: 2,
      windows: [
        { short: '5m', long: '1h', factor: 14.4, 'for': '2m', severity: 'critical' },
        { short: '30m', long: '6h', factor: 6, 'for': '15m', severity: 'critical' },
        { short: '2h', long: '1d', factor: 3, 'for': '1h', severity: 'warning' },
        { short: '6h', long: '3d', factor: 1, 'for': '3h', severity: 'warning' },
      ],
    },

    // Names of alerts that nobody wants.
    disabled: [],

    // %s is the name of the alert.
    runbookURLPattern: 'https://github.com/healthcheck-exporter/healthcheck_exporter/blob/main/docs/runbooks/%s.md',

    // Where Grafana is, such as 'https://grafana.example.org'; null: alerts have no dashboard_url.
    grafanaUrl: null,
    dashboardUids: { overview: 'healthcheck-overview', target: 'healthcheck-target', exporter: 'healthcheck-exporter' },
    dashboardTags: ['healthcheck'],
    dashboardTitlePrefix: 'Healthcheck / ',
    dashboardRefresh: '30s',
  },
}
