'# Generated from the mixin by `make mixin`. To change something, override its configuration: see mixin/README.md.\n'
+ std.manifestYamlDoc((import '../mixin.libsonnet').prometheusAlerts, indent_array_in_object=true, quote_keys=false)
