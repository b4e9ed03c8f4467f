package config

// targetRules refuses a rule that matches everything by saying nothing.
func (c *checker) targetRules(p place, cfg *TargetRules) {
	for key, rules := range map[string][]TargetRule{"allow": cfg.Allow, "deny": cfg.Deny} {
		for i, r := range rules {
			at := c.at(p.field(key).item(i))
			if r.CIDR == nil && r.Host.IsZero() && len(r.Ports) == 0 {
				c.fail(at, "the rule says nothing, want cidr, host or ports")
			}
			if r.Host.port != 0 {
				c.fail(c.sub(at, "host"), "got %q with a port, want it under ports", r.Host.text)
			}
		}
	}
}
