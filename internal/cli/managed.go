package cli

import (
	"context"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// managedPath is where all managed targets are exported and imported.
const managedPath = "api/v1/managed"

// addManaged adds the group of commands for the targets that people edit.
func addManaged(p *program) {
	group := p.Command("managed", "Export the targets that people edit in a running exporter, and apply files to them.")
	var export exportOptions
	c := group.Command("export", "Write all managed targets to stdout, as managed apply reads them. Exit status: 0 success, 1 the exporter did not answer, 2 usage.")
	connectionFlags(c, &export.Exporter)
	c.Flag("format", "Output format: yaml or json.").Default(formatYAML).EnumVar(&export.Format, formatYAML, formatJSON)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return exportManaged(ctx, out, errOut, export) })

	var apply applyOptions
	c = group.Command("apply", "Make the managed targets what files say, all or none, and show what that changes. Applying again changes nothing. "+
		"Example: managed apply targets.yml --prune --dry-run. Needs a user of role edit. "+
		"Exit status: 0 applied, 1 the exporter refused or did not answer, or with --exit-code there is a difference, 2 usage.")
	c.Arg("file", "YAML or JSON with targets, as managed export writes it; several files count as one.").Required().StringsVar(&apply.Files)
	exporterFlags(c, &apply.Exporter, &apply.Format)
	c.Flag("prune", "Delete the managed targets that no file has. Refused if that is all of them.").BoolVar(&apply.Prune)
	c.Flag("dry-run", "Check everything and show what would change; change nothing.").BoolVar(&apply.DryRun)
	c.Flag("exit-code", "Exit with 1 if there is a difference.").BoolVar(&apply.ExitCode)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return applyManaged(ctx, out, errOut, apply) })
}

// exportOptions are the arguments of managed export.
type exportOptions struct {
	Exporter exporterOptions
	Format   string // "yaml" or "json"
}

// exportManaged writes the managed targets of a running exporter to out. It returns the exit status.
func exportManaged(ctx context.Context, out, errOut io.Writer, o exportOptions) int {
	s, err := o.Exporter.connect("managed")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer s.Close()
	d, _, err := exported(ctx, s)
	if err != nil {
		say(errOut, "asking %s: %v", s, err)
		complainOf(errOut, err)
		return ExitFailed
	}
	if o.Format == formatJSON {
		return answerJSON(out, errOut, d)
	}
	if err := writeDocument(out, d); err != nil {
		say(errOut, "writing YAML: %v", err)
		return ExitFailed
	}
	return ExitSuccess
}

// exported returns the managed targets of an exporter, and the ETag of all of them.
func exported(ctx context.Context, s *remote.Server) (d managed.Document, etag string, err error) {
	answer, err := s.Do(ctx, remote.Request{Method: "GET", Path: managedPath})
	if err != nil {
		return d, "", err
	}
	var all struct {
		Targets []yaml.Node `yaml:"targets"`
	}
	if err := yaml.Unmarshal(asYAML(answer.Body), &all); err != nil {
		return d, "", fmt.Errorf("the answer does not come from a healthcheck_exporter: %w", err)
	}
	d.Targets = []rawJSON{}
	for i := range all.Targets {
		text, err := toJSON(&all.Targets[i])
		if err != nil {
			return d, "", fmt.Errorf("the answer does not come from a healthcheck_exporter: %w", err)
		}
		d.Targets = append(d.Targets, text)
	}
	return d, answer.ETag, nil
}
