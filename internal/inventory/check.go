package inventory

import (
	"context"
	"net/url"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// CheckFiles reads the files of cfg.TargetFiles as an exporter does when it starts. It returns how many targets it would take
// from them, and what is wrong. No API is asked, and what people edit is not read: if cfg has either, only the exporter can tell
// which names are taken or missing.
// Offset and mask are those of Options.
func CheckFiles(ctx context.Context, cfg *config.Config, offset time.Duration, mask func(*url.URL) string) (int, []error) {
	inv, errs := ReadFiles(ctx, cfg, offset, mask)
	if len(cfg.TargetAPIs) == 0 && !cfg.Managed.Targets {
		for _, source := range inv.sources {
			errs = append(errs, inv.problems[source]...)
		}
	}
	return len(inv.entries) - len(cfg.Targets), errs
}

// ReadFiles returns the inventory of cfg without its APIs, and what is wrong with its files. The arguments are those of
// CheckFiles.
func ReadFiles(ctx context.Context, cfg *config.Config, offset time.Duration, mask func(*url.URL) string) (*Inventory, []error) {
	parts, errs := []Part{{Source: StaticSource, Reviewed: true, Targets: cfg.Targets}}, []error(nil)
	for _, file := range cfg.TargetFiles {
		f := newFiles(file, config.TargetReader{Modules: cfg.Modules, Foreign: cfg.Foreign(), Offset: offset}, mask)
		docs, err := f.fetch(ctx, nil)
		if err != nil {
			errs = append(errs, err)
		}
		s := source{name: "file:" + file.Path, state: state{docs: docs}}
		errs = append(errs, s.problems()...)
		parts = append(parts, Part{Source: s.name, Reviewed: true, More: s.targets()})
	}
	return Merge(cfg, parts, mask), errs
}
