(import 'down.libsonnet') +
(import 'restart_request.libsonnet') +
(import 'exporter.libsonnet')
