(import 'down.libsonnet') +
(import 'restart_request.libsonnet') +
(import 'targets.libsonnet') +
(import 'slo.libsonnet') +
(import 'exporter.libsonnet') +
(import 'restarts.libsonnet')
