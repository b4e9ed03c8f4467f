package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// applyOptions are the arguments of managed apply.
type applyOptions struct {
	Exporter exporterOptions
	Files    []string
	Prune    bool
	DryRun   bool
	ExitCode bool
	Format   string // "text" or "json"
}

// applyManaged makes the managed targets of a running exporter what files say. It returns the exit status.
func applyManaged(ctx context.Context, out, errOut io.Writer, o applyOptions) int {
	targets, err := readDocuments(o.Files)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			say(errOut, "%s", line)
		}
		return ExitUsage
	}
	s, err := o.Exporter.connect("managed")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer s.Close()
	c := change{method: http.MethodPut, path: managedPath + "?" + o.query().Encode(), format: o.Format}
	if o.Prune {
		if c.ifMatch, err = o.revision(ctx, s, targets); err != nil {
			return refusedToApply(errOut, s, targets, err)
		}
	}
	d := managed.Document{Targets: []rawJSON{}}
	for i := range targets {
		d.Targets = append(d.Targets, targets[i].JSON)
	}
	c.value = d
	answer, err := c.send(ctx, s, out)
	var r managed.Report
	if err == nil {
		err = s.Decode(answer.Body, &r)
	}
	if err != nil {
		return refusedToApply(errOut, s, targets, err)
	}
	if o.Format != formatJSON {
		writeReport(out, &r, o.DryRun)
	}
	if o.ExitCode && len(r.Created)+len(r.Updated)+len(r.Deleted) > 0 {
		return ExitFailed
	}
	return ExitSuccess
}

func (o *applyOptions) query() url.Values {
	q := url.Values{"mode": {string(managed.Merge)}}
	if o.Prune {
		q.Set("mode", string(managed.Replace))
	}
	if o.DryRun {
		q.Set("dry_run", "true")
	}
	return q
}

// errPruneAll is why not everything is deleted.
var errPruneAll = errors.New("the wrong file, or an empty one?")

// revision returns the ETag of what is there. It refuses to delete all of it.
func (o *applyOptions) revision(ctx context.Context, s *remote.Server, targets []writtenTarget) (string, error) {
	there, etag, err := exported(ctx, s)
	switch {
	case err != nil:
		return "", err
	case etag == "":
		return "", errors.New("the answer has no ETag, so --prune could overwrite what others change; is it a healthcheck_exporter?")
	case o.DryRun || len(there.Targets) == 0:
		return etag, nil
	}
	stays := func(text rawJSON) bool {
		var named struct{ Name string }
		_ = json.Unmarshal(text, &named) // it has a name, which the exporter checked
		return slices.ContainsFunc(targets, func(t writtenTarget) bool { return t.Name == named.Name })
	}
	if !slices.ContainsFunc(there.Targets, stays) {
		return "", fmt.Errorf("--prune would delete all managed targets (%d): %w Nothing has changed; --dry-run shows what would", len(there.Targets), errPruneAll)
	}
	return etag, nil
}

// refusedToApply says why nothing was applied, with the places in the files. It returns the exit status.
func refusedToApply(errOut io.Writer, s *remote.Server, targets []writtenTarget, err error) int {
	refused, answered := errors.AsType[*remote.StatusError](err)
	switch {
	case errors.Is(err, errPruneAll):
		say(errOut, "%v", err)
		return ExitFailed
	case answered && refused.Code == http.StatusPreconditionFailed:
		say(errOut, "Somebody changed the managed targets meanwhile, so nothing was applied. Look at --dry-run, then apply again.")
	default:
		say(errOut, "asking %s: %v", s, err)
	}
	if !answered {
		return ExitFailed
	}
	for _, p := range refused.Problems {
		say(errOut, "  %s", at(placeOf(p.Pointer, targets), p.Detail))
	}
	return ExitFailed
}

// placeOf is the place in the files that a pointer into the document means. One that means none stays as it is.
func placeOf(pointer string, targets []writtenTarget) string {
	rest, ok := strings.CutPrefix(pointer, "/targets/")
	index, key, deeper := strings.Cut(rest, "/")
	i, err := strconv.Atoi(index)
	if !ok || err != nil || i < 0 || i >= len(targets) {
		return pointer
	}
	place := targets[i].place()
	if deeper {
		place += ": " + strings.NewReplacer("~1", "/", "~0", "~").Replace(strings.ReplaceAll(key, "/", "."))
	}
	return place
}

// writeReport writes what has changed, or would.
func writeReport(out io.Writer, r *managed.Report, dry bool) {
	for _, name := range r.Created {
		say(out, "+ %s", name)
	}
	for _, d := range r.Updated {
		say(out, "~ %s", d.Name)
		for _, key := range slices.Sorted(maps.Keys(d.Changes)) {
			was, now := d.Changes[key][0], d.Changes[key][1]
			paragraph(out, "    ", fmt.Sprintf("%s: %s → %s", key, valueOf(was), valueOf(now)))
		}
	}
	for _, name := range r.Deleted {
		say(out, "- %s", name)
	}
	for _, text := range r.Warnings {
		paragraph(out, "", "warning: "+text)
	}
	switch {
	case len(r.Created)+len(r.Updated)+len(r.Deleted) == 0:
		say(out, "No change: %d as they were (revision %d).", r.Unchanged, r.Revision)
	case dry:
		say(out, "Would be: %s. Nothing has changed.", sumOf(r))
	default:
		say(out, "%s (revision %d).", sumOf(r), r.Revision)
	}
}

func sumOf(r *managed.Report) string {
	return fmt.Sprintf("%d created, %d updated, %d deleted, %d unchanged", len(r.Created), len(r.Updated), len(r.Deleted), r.Unchanged)
}

// valueOf is a value of a target as people write it.
func valueOf(text rawJSON) string {
	var s string
	switch {
	case text == nil || string(text) == "null":
		return "(left out)"
	case json.Unmarshal(text, &s) == nil && s != "":
		return s
	default:
		return string(text)
	}
}
