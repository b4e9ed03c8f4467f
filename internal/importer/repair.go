package importer

import (
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// repair replaces values that blackbox_exporter reads in its own way with what they mean there. It says what it
// replaced, and what means something else here.
func repair(n *yaml.Node) (notes []string) {
	for key, v := range pairs(n) {
		switch {
		case key.Value == "preferred_ip_protocol" && v.Kind == yaml.ScalarNode && !slices.Contains([]string{"", "ip4", "ip6"}, v.Value):
			// Every value but ip6 is ip4 there (its prober/utils.go, chooseProtocol).
			notes = append(notes, fmt.Sprintf("preferred_ip_protocol: %q is ip4 to blackbox_exporter, and is written as that", v.Value))
			v.Value, v.Tag, v.Style = "ip4", "", 0
		case key.Value == "valid_http_versions":
			for _, version := range v.Content {
				if version.Value == "HTTP/2" || version.Value == "HTTP/3" { // blackbox_exporter compares it with the Proto of a response
					notes = append(notes, fmt.Sprintf("valid_http_versions: %q is %s.0 here, and nothing to blackbox_exporter", version.Value, version.Value))
				}
			}
		}
		notes = append(notes, repair(v)...)
	}
	return notes
}

// needsHTTP1 reports whether nothing is wrong with a module but headers that HTTP/2 does not send. In blackbox_exporter
// such a module works over HTTP/1.1, so with every http URL.
func needsHTTP1(err error) bool {
	problems, ok := errors.AsType[config.Errors](err)
	return ok && !slices.ContainsFunc(problems, func(p config.Problem) bool {
		return p.Message != config.NotOverHTTP2
	})
}

// speakHTTP1 turns off HTTP/2 in a module that says nothing about it.
func speakHTTP1(module *yaml.Node) bool {
	block := value(module, "http")
	if block == nil || value(block, "enable_http2") != nil {
		return false
	}
	block.Content = append(block.Content, mapping("enable_http2", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"}).Content...)
	return true
}
