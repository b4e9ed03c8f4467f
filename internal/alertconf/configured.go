package alertconf

import (
	"fmt"
	"os"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// PlaceOf is the Place of a configuration of the exporter.
func PlaceOf(a *config.Alertmanager) Place {
	return Place{Dir: a.Dir, SeenAs: a.SeenAs, Mode: a.Mode()}
}

// CheckConfig returns why channels cannot be put into the base file that a configuration names. File is where it was read from.
func CheckConfig(file string, c *config.Config) error {
	if c.Alertmanager == nil {
		return nil
	}
	text, err := os.ReadFile(c.Alertmanager.Base)
	if err == nil {
		err = CheckBase(text)
	}
	if err != nil {
		return fmt.Errorf("%s: alertmanager.base: %q: %w", file, c.Alertmanager.Base, err)
	}
	return nil
}
