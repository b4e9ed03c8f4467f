package prober_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// reasonConstants reads the constants of type Reason from the source, without the empty one.
func reasonConstants(t *testing.T) []prober.Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []prober.Reason
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Reason" {
			return true
		}
		for _, v := range spec.Values {
			s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			if s != "" {
				reasons = append(reasons, prober.Reason(s))
			}
		}
		return true
	})
	if len(reasons) == 0 {
		t.Fatal("found no Reason in reason.go")
	}
	return reasons
}
