// Knobs turned the other way. `make check` wants the rules that come out of it to be rules.
local mixin = (import '../mixin.libsonnet') + {
  _config+:: {
    targetSelector: 'job=~"healthcheck|websocket"',
    exporterSelector: 'job="hc",cluster="a"',
    environmentLabel: 'env',
    environments: {},
    otherEnvironments+: { 'for': '10m' },
    scrapeLabels: ['job'],
    downInterval: '5s',
    muteEndsSoon: { before: '2m', severity: 'info' },
    disabled: ['HealthcheckWatchdog'],
    grafanaUrl: 'https://grafana.example.org',
    slow+: { baseline: '7d' },
    slo+: { objective: 0.99, period: '28d', windows: [{ short: '30m', long: '12h', factor: 2, 'for': '5m', severity: 'info' }] },
  },
};
local rules = [r for g in mixin.prometheusAlerts.groups for r in g.rules if 'alert' in r];
assert std.all(['dashboard_url' in r.annotations for r in rules]) : 'an alert has no dashboard_url';
assert std.all([r.alert != 'HealthcheckWatchdog' for r in rules]) : 'a disabled alert is there';
assert std.length([r for r in rules if r.alert == 'HealthcheckTargetDown']) == 1 : 'without environments there is one rule';
std.manifestYamlDoc({ groups: mixin.prometheusAlerts.groups + mixin.prometheusRules.groups })
