package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// A Dashboard is what is looked at of a dashboard of Grafana.
type Dashboard struct {
	UID, Title, Description string
	SchemaVersion           int
	Editable                bool
	Panels                  []Panel
	Templating              struct{ List []Variable }
	Annotations             struct{ List []Annotation }
}

// A Panel is one panel, or the heading of a row.
type Panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  Grid
	Datasource               Datasource
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []Target
}

// Grid is where a panel is, in columns and rows; there are 24 columns.
type Grid struct{ X, Y, W, H int }

const columns = 24

// Datasource is where data comes from.
type Datasource struct{ Type, UID string }

// A Target is one query of a panel.
type Target struct {
	Expr, RefID string
	Datasource  Datasource
}

// A Variable is one that people can choose a value of.
type Variable struct {
	Name, Type string
	Query      any
}

// An Annotation is a query for marks in all panels.
type Annotation struct{ Name, Expr string }

func readDashboard(name string) (*Dashboard, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var d Dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return &d, nil
}

// Units of Grafana that the dashboards use. One that Grafana does not know is shown as text behind the value.
var units = []string{"none", "percentunit", "s", "bytes", "ops", "reqps"}

// The schema that is generated; Grafana translates older ones, each in its own way.
const schema = 39

// Check says what is wrong with a dashboard. Names may be nil: then those of metrics are not checked.
func (d *Dashboard) Check(names Names) []string {
	var f findings
	f.want(d.UID != "" && d.Title != "" && d.Description != "", "uid, title or description is missing")
	f.want(!d.Editable, "it is editable: what somebody changes would be lost")
	f.want(d.SchemaVersion == schema, "the schema is %d, want %d", d.SchemaVersion, schema)
	f.want(len(d.Panels) > 0, "it has no panels")
	ids := map[int]bool{}
	for i := range d.Panels {
		p := &d.Panels[i]
		at := fmt.Sprintf("panel %q: ", p.Title)
		f.want(p.ID > 0 && !ids[p.ID], at+"id %d is missing or taken", p.ID)
		ids[p.ID] = true
		for j := range i {
			f.want(!p.GridPos.overlaps(d.Panels[j].GridPos), at+"it overlaps %q", d.Panels[j].Title)
		}
		f.add(at, p.check())
	}
	for _, e := range d.expressions() {
		f.add(e.where+": ", checkExpr(expand(e.expr), names))
	}
	f.add("", d.checkVariables())
	return f
}

func (p *Panel) check() []string {
	var f findings
	g := p.GridPos
	f.want(g.W > 0 && g.H > 0 && g.X >= 0 && g.Y >= 0 && g.X+g.W <= columns, "it leaves the grid of %d columns", columns)
	f.want(p.Title != "", "it has no title")
	if p.Type == "row" {
		return f
	}
	f.want(strings.HasSuffix(p.Description, "."), "its description %q is no sentence", p.Description)
	f.want(slices.Contains(units, p.FieldConfig.Defaults.Unit), "its unit is %q", p.FieldConfig.Defaults.Unit)
	f.want(p.Datasource == variableSource, "its data source is not the variable")
	f.want(len(p.Targets) > 0, "it has no query")
	refs := map[string]bool{}
	for _, t := range p.Targets {
		f.want(t.RefID != "" && !refs[t.RefID], "refId %q is missing or taken", t.RefID)
		refs[t.RefID] = true
		f.want(t.Datasource == variableSource, "the data source of query %s is not the variable", t.RefID)
	}
	return f
}

var variableSource = Datasource{Type: "prometheus", UID: "${datasource}"}

func (g Grid) overlaps(o Grid) bool {
	return g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H
}

// An expression is one of a dashboard, and where it is.
type expression struct{ where, expr string }

// expressions are all of a dashboard.
func (d *Dashboard) expressions() []expression {
	var all []expression
	for _, p := range d.Panels {
		for _, t := range p.Targets {
			all = append(all, expression{fmt.Sprintf("panel %q, %s", p.Title, t.RefID), t.Expr})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, expression{fmt.Sprintf("annotation %q", a.Name), a.Expr})
	}
	for _, v := range d.Templating.List {
		if m := labelValues.FindStringSubmatch(v.query()); m != nil {
			all = append(all, expression{fmt.Sprintf("variable %q", v.Name), m[1]})
		}
	}
	return all
}

var labelValues = regexp.MustCompile(`^label_values\((.+), *[a-z_]+\)$`)

// query is what a variable asks; its form in JSON depends on the type.
func (v *Variable) query() string {
	if q, ok := v.Query.(map[string]any); ok {
		text, _ := q["query"].(string)
		return text
	}
	text, _ := v.Query.(string)
	return text
}

// checkVariables wants every variable to be defined before it is used, and to be used.
func (d *Dashboard) checkVariables() []string {
	var f findings
	used := map[string]bool{"datasource": true} // in every panel
	known := map[string]bool{}
	use := func(where, text string) {
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			name := m[1] + m[2]
			_, builtIn := builtIns[name]
			f.want(builtIn || known[name], "%s: the variable %q is not defined, or later", where, name)
			used[name] = true
		}
	}
	for _, v := range d.Templating.List {
		f.want(!known[v.Name], "the variable %q is defined twice", v.Name)
		f.want(v.Type == "datasource" || labelValues.MatchString(v.query()), "the variable %q asks %q", v.Name, v.query())
		use(fmt.Sprintf("variable %q", v.Name), v.query())
		known[v.Name] = true
	}
	for _, e := range d.expressions() {
		if !strings.HasPrefix(e.where, "variable") {
			use(e.where, e.expr)
		}
	}
	for name := range known {
		f.want(used[name], "the variable %q is used nowhere", name)
	}
	return f
}

// builtIns are the variables of Grafana itself that occur, and values for them.
var builtIns = map[string]string{"__range": "1h", "__rate_interval": "1m", "__interval": "15s"}

var variable = regexp.MustCompile(`\$(?:\{([a-zA-Z_]+)(?::[a-z]+)?\}|([a-zA-Z_]+))`)

// expand puts values in the place of variables: of those that are chosen, All.
func expand(expr string) string {
	return variable.ReplaceAllStringFunc(expr, func(text string) string {
		m := variable.FindStringSubmatch(text)
		if value, ok := builtIns[m[1]+m[2]]; ok {
			return value
		}
		return ".*"
	})
}

// findings are what is wrong.
type findings []string

func (f *findings) want(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

func (f *findings) add(where string, more []string) {
	for _, m := range more {
		*f = append(*f, where+m)
	}
}
