package cli

import (
	"context"
	"io"
)

// addMute adds the commands that mute targets, and end that.
func addMute(p *program) {
	var begin, end overlayOptions
	c := p.Command("mute", "Tell nobody about targets for a while. An alert that ends while its target is muted ends without a message. "+
		"Example: mute shop --duration=2h --reason='disk swap'. Needs a user of role operate. Exit status: 0 they are muted, 1 the exporter refused or did not answer, 2 usage.")
	overlayFlags(c, &begin)
	periodFlags(c, &begin)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return muting.begin(ctx, out, errOut, begin) })

	c = p.Command("unmute", "End the mute of targets. What the inventory mutes stays muted. Exit status: 0 it has ended, 1 the exporter refused or did not answer, 2 usage.")
	overlayFlags(c, &end)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return muting.end(ctx, out, errOut, end) })
}
