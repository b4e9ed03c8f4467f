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
    // nobody saw the target recover. Every evaluation reads this much of probe_success.
    lostScrape: '10m',
    exporterOutage: '6h',

    // One rule per environment, and one for every other target, also those without an environment.
    environmentLabel: 'environment',
    environments: {
      LIVE: { 'for': '15s', severity: 'critical' },
    },
    otherEnvironments: { 'for': '1m', severity: 'warning' },

    exporterDown: { 'for': '1m', severity: 'critical' },
    exporterAbsent: { 'for': '5m', severity: 'critical' },

    // How often the rules about targets are evaluated, such as '5s'; null: Prometheus' evaluation_interval.
    downInterval: null,

    // %s is the name of the alert.
    runbookURLPattern: 'https://github.com/healthcheck-exporter/healthcheck_exporter/blob/main/docs/runbooks/%s.md',
  },
}
