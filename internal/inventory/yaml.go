package inventory

import "go.yaml.in/yaml/v3"

// ParseYAML reads one YAML document within the limits of a file of target_files. Aliases are not expanded.
func ParseYAML(data []byte) (*yaml.Node, error) { return parseYAML(data) }
