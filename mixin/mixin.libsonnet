(import 'config.libsonnet') +
(import 'alerts/alerts.libsonnet') +
(import 'lib/add-runbook-links.libsonnet')
