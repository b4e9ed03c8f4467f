package config

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"go.yaml.in/yaml/v3"
)

// expressionEnv has the variables of an expression that maps a document: "body", all of it, and "item", one of its items.
var expressionEnv = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(cel.Variable("body", cel.DynType), cel.Variable("item", cel.DynType), cel.OptionalTypes(), ext.Strings())
})

// An Expression makes a value from a JSON document. It is in the Common Expression Language, with optional values and the
// string functions of cel-go, and was compiled when the configuration was loaded.
type Expression struct {
	// Text is the source text.
	Text string

	program  cel.Program
	usesItem bool
	builds   bool // see CEL
}

// NewExpression compiles an expression over the variables "body" and "item".
func NewExpression(text string) (*Expression, error) {
	tree, program, err := compile(expressionEnv, text)
	if err != nil {
		return nil, err
	}
	e := &Expression{Text: text, program: program, builds: builds(tree)}
	for _, r := range tree.NativeRep().ReferenceMap() {
		e.usesItem = e.usesItem || r.Name == "item"
	}
	return e, nil
}

// eval evaluates the expression. It stops when ctx is done. Errors quote nothing of the document.
func (e *Expression) eval(ctx context.Context, body *Document, item any) (ref.Val, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	body.allow(e.builds)
	out, _, err := e.program.ContextEval(ctx, map[string]any{"body": body.root, "item": item})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, celError(err)
	default:
		return out, nil
	}
}

// native turns a value of CEL into nil, bool, int64, uint64, float64, string, []any or map[string]any.
func native(v ref.Val) (any, error) {
	switch v := v.(type) {
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return native(v.GetValue())
	case types.Null:
		return nil, nil
	case types.Bool, types.Int, types.Uint, types.Double, types.String:
		return v.Value(), nil
	case traits.Mapper:
		out := map[string]any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			value, err := native(v.Get(key))
			if err != nil {
				return nil, err
			}
			out[fmt.Sprint(key.Value())] = value
		}
		return out, nil
	case traits.Lister:
		var out []any
		for it := v.Iterator(); it.HasNext() == types.True; {
			value, err := native(it.Next())
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		return out, nil
	default:
		return nil, fmt.Errorf("got a result of type %s, want a text, a number, a bool, a list or a map", v.Type().TypeName())
	}
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (e *Expression) UnmarshalYAML(n *yaml.Node) error {
	s, err := scalar(n, "a CEL expression")
	if err != nil {
		return err
	}
	v, err := NewExpression(s)
	if err != nil {
		return err
	}
	*e = *v
	return nil
}

// MarshalYAML implements yaml.Marshaler.
func (e Expression) MarshalYAML() (any, error) { return e.Text, nil }
