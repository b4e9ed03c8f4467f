package config

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/traits"
	commonconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// The default times of an API.
const (
	DefaultAPIInterval = time.Minute
	DefaultAPITimeout  = 10 * time.Second
)

// The formats of an API's answer; see TargetAPI.
const (
	FormatHTTPSD  = "http_sd"
	FormatTargets = "targets"
)

// TargetFile names files that list targets. In a file it may be just the path.
type TargetFile struct {
	// Path is the path of a file; "*" stands for any number of characters. Required.
	Path string `yaml:"path"`
	// Module probes the targets that do not name a module. Empty: the module of DefaultModuleFor.
	Module string `yaml:"module,omitempty"`
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (f *TargetFile) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&f.Path)
	}
	type plain TargetFile
	return n.Decode((*plain)(f))
}

// MarshalYAML implements yaml.Marshaler.
func (f TargetFile) MarshalYAML() (any, error) {
	if f.Module == "" {
		return f.Path, nil
	}
	type plain TargetFile
	return plain(f), nil
}

// TargetAPI is a list of targets that is fetched over HTTP, as JSON.
type TargetAPI struct {
	// Name identifies the API. Required.
	Name string `yaml:"name"`
	URL  string `yaml:"url"`
	// Interval is how often it is asked. 0: DefaultAPIInterval.
	Interval Duration `yaml:"interval,omitempty"`
	// Timeout bounds one answer. 0: DefaultAPITimeout, or the interval if that is shorter.
	Timeout Duration `yaml:"timeout,omitempty"`
	// Format is FormatHTTPSD, which is what Prometheus' own HTTP service discovery reads, or FormatTargets, a list of Target.
	Format string `yaml:"format,omitempty"`
	// Map makes targets from any other JSON. Exactly one of Format and Map is set.
	Map *TargetMap `yaml:"map,omitempty"`

	// Client holds authentication, TLS, proxy and redirect settings, as in every Prometheus component.
	Client commonconfig.HTTPClientConfig `yaml:",inline"`
}

// UnmarshalYAML implements the older of the two interfaces of package yaml, which keeps the decoder strict. It sets the
// defaults first.
func (a *TargetAPI) UnmarshalYAML(unmarshal func(any) error) error {
	a.Client = commonconfig.DefaultHTTPClientConfig
	type plain TargetAPI
	return unmarshal((*plain)(a))
}

// TargetMap has an expression for each field of a Target. A result that is absent, null or an empty text leaves the field out.
type TargetMap struct {
	// Items is a list whose items are the targets. nil: the body itself.
	Items *Expression `yaml:"items,omitempty"`

	Name        *Expression `yaml:"name"`
	URL         *Expression `yaml:"url"`
	Module      *Expression `yaml:"module,omitempty"`
	Environment *Expression `yaml:"environment,omitempty"`
	// Interval and Timeout are durations, or numbers of seconds.
	Interval *Expression `yaml:"interval,omitempty"`
	Timeout  *Expression `yaml:"timeout,omitempty"`
	// Notification is a bool, a number (0 is off), or "on" or "off".
	Notification *Expression            `yaml:"notification,omitempty"`
	Labels       map[string]*Expression `yaml:"labels,omitempty"`
	DependsOn    *Expression            `yaml:"depends_on,omitempty"`
	RunbookURL   *Expression            `yaml:"runbook_url,omitempty"`
	Method       *Expression            `yaml:"method,omitempty"`
}

// Items are the items that an expression found in a document. Each is decoded when it is looked at.
type Items struct{ list traits.Lister }

// Len returns how many there are.
func (i Items) Len() int {
	n, _ := i.list.Size().(types.Int)
	return int(n)
}

// At returns item n, for Fields.
func (i Items) At(n int) any { return i.list.Get(types.Int(n)) }

// Split finds the items of a document.
func (m *TargetMap) Split(ctx context.Context, body *Document) (Items, error) {
	if m.Items == nil {
		list, ok := body.root.(traits.Lister)
		if !ok {
			return Items{}, errors.New("the body is not a list; the expression items can find one in it")
		}
		return Items{list}, nil
	}
	out, err := m.Items.eval(ctx, body, nil)
	if err != nil {
		return Items{}, fmt.Errorf("evaluating items: %w", err)
	}
	list, ok := out.(traits.Lister)
	if !ok {
		return Items{}, fmt.Errorf("items is of type %s, want a list", out.Type().TypeName())
	}
	return Items{list}, nil
}

// Fields returns an item of a document as the keys and values of a Target, in YAML.
func (m *TargetMap) Fields(ctx context.Context, body *Document, item any) (map[string]any, error) {
	fields := map[string]any{}
	for _, f := range []struct {
		key    string
		e      *Expression
		adjust func(any) any
	}{
		{"name", m.Name, text},
		{"url", m.URL, text},
		{"module", m.Module, text},
		{"environment", m.Environment, text},
		{"interval", m.Interval, seconds},
		{"timeout", m.Timeout, seconds},
		{"notification", m.Notification, onOff},
		{"depends_on", m.DependsOn, nil},
		{"runbook_url", m.RunbookURL, text},
		{"method", m.Method, text},
	} {
		v, err := field(ctx, f.e, body, item)
		if err != nil {
			return fields, fmt.Errorf("%s: %w", f.key, err)
		}
		if f.adjust != nil {
			v = f.adjust(v)
		}
		if v != nil && v != "" {
			fields[f.key] = v
		}
	}
	labels := map[string]any{}
	for name, e := range m.Labels {
		v, err := field(ctx, e, body, item)
		if err != nil {
			return fields, fmt.Errorf("labels.%s: %w", name, err)
		}
		if v = text(v); v != nil && v != "" {
			labels[name] = v
		}
	}
	if len(labels) > 0 {
		fields["labels"] = labels
	}
	return fields, nil
}

func field(ctx context.Context, e *Expression, body *Document, item any) (any, error) {
	if e == nil {
		return nil, nil
	}
	out, err := e.eval(ctx, body, item)
	if err != nil {
		return nil, fmt.Errorf("evaluating %q: %w", e.Text, err)
	}
	return native(out)
}

// text makes a text from a number or bool. Anything else is left to the checks of the target.
func text(v any) any {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return v
	}
}

// seconds makes a duration from a number.
func seconds(v any) any {
	switch v.(type) {
	case int64, uint64, float64:
		return fmt.Sprint(text(v), "s")
	default:
		return v
	}
}

// onOff makes "on" or "off" from a bool or number.
func onOff(v any) any {
	var on bool
	switch v := v.(type) {
	case bool:
		on = v
	case int64:
		on = v != 0
	case uint64:
		on = v != 0
	case float64:
		on = v != 0
	default:
		return v
	}
	if on {
		return notificationOn
	}
	return notificationOff
}
