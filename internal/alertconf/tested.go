package alertconf

// The labels by which a test of a channel is routed to that channel alone, see Render.
const (
	TestLabel        = "healthcheck_test"    // "true"
	TestChannelLabel = "healthcheck_channel" // the name of the channel
)

// ReceiverName is the receiver to which the channel sends while it is on, and to which its tests go always.
func (c *Channel) ReceiverName() string { return c.receiver() }

// TestLabels are the labels of a test alert of the channel: those that its matchers ask for, so that the message is like others of the channel,
// and those of a test. A label without a value is one that an alert does not have. The alertname is always the same: alerts of some
// others inhibit those of other environments, and who may test one channel must not silence the rest.
func (c *Channel) TestLabels() map[string]string {
	labels := map[string]string{"alertname": "HealthcheckTargetDown"}
	for _, text := range c.Matchers {
		if m, err := ParseMatcher(text); err == nil && m.Op == Equal && m.Value != "" && m.Name != "alertname" {
			labels[m.Name] = m.Value
		}
	}
	labels[TestLabel], labels[TestChannelLabel] = "true", c.Name
	return labels
}
