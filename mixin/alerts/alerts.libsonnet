(import 'down.libsonnet') +
(import 'exporter.libsonnet')
