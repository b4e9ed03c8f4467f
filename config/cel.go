package config

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"go.yaml.in/yaml/v3"
)

// interruptEvery is how many steps of a comprehension CEL makes between two looks at the context.
const interruptEvery = 100

// celEnv is what an expression sees: the one variable "body", the decoded JSON document.
var celEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(cel.Variable("body", cel.DynType))
})

// CEL is a condition on a JSON body in the Common Expression Language, compiled when the configuration was loaded.
type CEL struct {
	// Expression is the source text.
	Expression string

	program cel.Program
	builds  bool // whether it makes lists or maps of its own
}

// NewCEL compiles an expression over the variable "body". Its result must be a bool, or of a type that only
// the evaluation shows.
func NewCEL(expression string) (*CEL, error) {
	tree, program, err := compile(celEnv, expression)
	if err != nil {
		return nil, err
	}
	if t := tree.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("%q is of type %s, want bool", expression, t)
	}
	return &CEL{Expression: expression, program: program, builds: builds(tree)}, nil
}

// compile compiles an expression, which ends with the context of its evaluation.
func compile(environment func() (*cel.Env, error), expression string) (*cel.Ast, cel.Program, error) {
	if strings.TrimSpace(expression) == "" {
		return nil, nil, errors.New("must not be empty")
	}
	env, err := environment()
	if err != nil {
		return nil, nil, fmt.Errorf("preparing CEL: %w", err)
	}
	tree, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, nil, celIssues(expression, issues)
	}
	program, err := env.Program(tree, cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return nil, nil, fmt.Errorf("compiling %q: %w", expression, err)
	}
	return tree, program, nil
}

// builds reports whether an expression makes a list or a map with a loop, as the macros map and filter do, so that how much
// memory it takes is for the document to say.
func builds(a *cel.Ast) bool {
	found := false
	ast.PostOrderVisit(a.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			init := e.AsComprehension().AccuInit().Kind()
			found = found || init == ast.ListKind || init == ast.MapKind
		}
	}))
	return found
}

// celIssues puts the errors of the compiler, which draws pictures of several lines, on one line.
func celIssues(expression string, issues *cel.Issues) error {
	var all []string
	for _, e := range issues.Errors() {
		where := fmt.Sprintf("%d:%d: ", e.Location.Line(), e.Location.Column()+1)
		if text, ok := inWords(e.Message); ok {
			return fmt.Errorf("compiling %q: %s%s", expression, where, text) // what else is wrong follows from it
		}
		all = append(all, where+e.Message)
	}
	return fmt.Errorf("compiling %q: %s", expression, strings.Join(all, "; "))
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	assignment = regexp.MustCompile(`token recognition error at: '=[^=]?'$`)
)

// inWords describes two mistakes that people make by what they are, not by what the parser sees.
func inWords(message string) (string, bool) {
	switch m := undeclared.FindStringSubmatch(message); {
	case m != nil:
		return fmt.Sprintf("there is no %q here, want body or item, which are the JSON, or a function of CEL", m[1]), true
	case assignment.MatchString(message):
		return "got =, want == to compare", true
	default:
		return "", false
	}
}

// Eval evaluates the expression on a JSON document. It stops when ctx is done. A result that is not a
// bool is an error. Errors quote nothing of the document.
func (c *CEL) Eval(ctx context.Context, body *Document) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	body.allow(c.builds)
	out, _, err := c.program.ContextEval(ctx, map[string]any{"body": body.root})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		return false, celError(err)
	}
	v, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("got a result of type %s, want bool", out.Type().TypeName())
	}
	return v, nil
}

// Cost is how many bytes it takes at most to evaluate the expression on a JSON document, besides the text itself.
func (c *CEL) Cost(text []byte) int64 {
	items, members := separators(text)
	cost := 2*int64(len(text)) + itemCost*items + memberCost*members // a text as long as the document may be unquoted and copied
	if c.builds {
		cost += madeCost * items
	}
	return cost
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *CEL) UnmarshalYAML(n *yaml.Node) error {
	s, err := scalar(n, "a CEL expression")
	if err != nil {
		return err
	}
	v, err := NewCEL(s)
	if err != nil {
		return err
	}
	*c = *v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (c CEL) MarshalYAML() (any, error) { return c.Expression, nil }
