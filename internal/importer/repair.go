package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// repair writes what means something else to blackbox_exporter as what it means there, and says what it did, and what
// means something else here.
func repair(n *yaml.Node) (notes []string) {
	for key, v := range pairs(n) {
		switch {
		case key.Value == "preferred_ip_protocol" && v.Kind == yaml.ScalarNode && !slices.Contains([]string{"", "ip4", "ip6"}, v.Value):
			// Every one but ip6 is ip4 there (its prober/utils.go, chooseProtocol).
			notes = append(notes, fmt.Sprintf("preferred_ip_protocol: %q is ip4 to blackbox_exporter, and is written as that", v.Value))
			v.Value, v.Tag, v.Style = "ip4", "", 0
		case key.Value == "valid_http_versions":
			for _, version := range v.Content {
				if version.Value == "HTTP/2" || version.Value == "HTTP/3" { // there it is compared with the Proto of a response
					notes = append(notes, fmt.Sprintf("valid_http_versions: %q is %s.0 here, and nothing to blackbox_exporter", version.Value, version.Value))
				}
			}
		}
		notes = append(notes, repair(v)...)
	}
	return notes
}

// needsHTTP1 reports whether nothing is wrong with a module but headers that HTTP/2 does not send. With blackbox_exporter such a
// module works wherever HTTP/1.1 is spoken, as by every http URL.
func needsHTTP1(err error) bool {
	problems, ok := errors.AsType[config.Errors](err)
	return ok && !slices.ContainsFunc(problems, func(p config.Problem) bool {
		return !strings.HasSuffix(p.Message, "want enable_http2: false beside it")
	})
}

// speakHTTP1 turns HTTP/2 off in a module that does not say anything about it.
func speakHTTP1(module *yaml.Node) bool {
	block := value(module, "http")
	if block == nil || value(block, "enable_http2") != nil {
		return false
	}
	block.Content = append(block.Content, mapping("enable_http2", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"}).Content...)
	return true
}
