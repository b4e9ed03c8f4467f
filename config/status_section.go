package config

// Status is what is known of targets, and who finds it out.
type Status struct {
	// SelfProbe says when the exporter probes targets by itself: SelfProbeOff or SelfProbeWhenStale. Empty: off.
	SelfProbe string `yaml:"self_probe,omitempty"`
	// Persist says whether what is known of targets outlives the exporter. nil: it does.
	Persist *bool `yaml:"persist,omitempty"`
}

// When the exporter probes targets by itself.
const (
	SelfProbeOff       = "off"
	SelfProbeWhenStale = "when_stale"
)

// Persisted reports whether what is known of targets outlives the exporter.
func (s *Status) Persisted() bool { return s.Persist == nil || *s.Persist }

func (c *checker) status(p place, s *Status) {
	switch s.SelfProbe {
	case "", SelfProbeOff, SelfProbeWhenStale:
	default:
		c.fail(c.sub(p, "self_probe"), "got %q, want %q or %q", s.SelfProbe, SelfProbeOff, SelfProbeWhenStale)
	}
}
