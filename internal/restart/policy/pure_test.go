package policy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure are the packages of which the policy is made. None of them waits, writes, logs or starts anything.
var pure = []string{
	"cmp", "crypto/sha256", "encoding/hex", "fmt", "maps", "net/http", "slices", "strconv", "strings", "time",
	"github.com/healthcheck-exporter/healthcheck_exporter/prober",
}

// used is how much of a package the policy may use, where that is not all of it.
var used = map[string]func(name string) bool{
	"http":   func(name string) bool { return strings.HasPrefix(name, "Status") },
	"prober": func(name string) bool { return strings.HasPrefix(name, "Reason") },
	"time": func(name string) bool {
		return slices.Contains([]string{"Time", "Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}, name)
	},
}

// What was recorded can be judged again only if the policy reads no clock and knows nothing but what it is given.
func TestIsPure(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); !slices.Contains(pure, path) || i.Name != nil {
				t.Errorf("%s imports %s, want one of %q by its own name", name, i.Path.Value, pure)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				_, starts := n.(*ast.GoStmt)
				if starts {
					t.Errorf("%s starts a goroutine", fset.Position(n.Pos()))
				}
				return true
			}
			if pkg, ok := s.X.(*ast.Ident); ok && used[pkg.Name] != nil && !used[pkg.Name](s.Sel.Name) {
				t.Errorf("%s uses %s.%s", fset.Position(n.Pos()), pkg.Name, s.Sel.Name)
			}
			return true
		})
	}
}
