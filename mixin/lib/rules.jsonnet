'# Generated from the mixin by `make mixin`. To change something, override its configuration: see mixin/README.md.\n'
+ std.manifestYamlDoc((import '../mixin.libsonnet').prometheusRules, indent_array_in_object=true, quote_keys=false)
