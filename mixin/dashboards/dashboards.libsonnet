(import 'overview.libsonnet') +
(import 'target.libsonnet') +
(import 'exporter.libsonnet')
