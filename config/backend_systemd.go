package config

import (
	"fmt"
	"regexp"
)

// Systemd is the back-end that restarts a service unit of systemd.
type Systemd struct {
	// Unit is the full name of the unit, with ".service".
	Unit string `yaml:"unit"`
	// Bus is "system" or "user", whichever manager has the unit. Empty: "system".
	Bus string `yaml:"bus,omitempty"`
}

func (*Systemd) shown() []string { return []string{"unit", "bus"} }

func (b *Systemd) unit() (id, what string) {
	return fmt.Sprintf("%q %t", b.Unit, b.Bus == "user"), "unit"
}

// unitName matches the name of a service that can be started. A template with nothing after its @ cannot.
var unitName = regexp.MustCompile(`^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\@-]+)?\.service$`)

// maxUnitName is the longest name of a unit that systemd takes.
const maxUnitName = 255

func (b *Systemd) check(c *checker, p place) {
	switch unit := c.sub(p, "unit"); {
	case b.Unit == "":
		c.fail(unit, "missing, want the name of a unit, such as shop.service")
	case !unitName.MatchString(b.Unit) || len(b.Unit) > maxUnitName:
		c.fail(unit, "got %q, want the full name of one unit that ends in .service, such as shop.service or worker@1.service", b.Unit)
	}
	if b.Bus != "" && b.Bus != "system" && b.Bus != "user" {
		c.fail(c.sub(p, "bus"), `got %q, want "system" or "user"`, b.Bus)
	}
}
