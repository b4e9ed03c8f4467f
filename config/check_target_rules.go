package config

// targetRules refuses an empty rule, which would match everything.
func (c *checker) targetRules(p place, cfg *TargetRules) {
	for key, rules := range map[string][]TargetRule{"allow": cfg.Allow, "deny": cfg.Deny} {
		for i, r := range rules {
			at := c.at(p.field(key).item(i))
			if r.CIDR == nil && r.Host.IsZero() && len(r.Ports) == 0 {
				c.fail(at, "the rule is empty, want cidr, host or ports")
			}
			if r.Host.port != 0 {
				c.fail(c.sub(at, "host"), "got %q with a port, want the port under ports", r.Host.text)
			}
		}
	}
}
