package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alerttest"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// channelsPath is where the channels are.
const channelsPath = "api/v1/channels"

// channelsOptions are the arguments of the commands for channels.
type channelsOptions struct {
	Exporter exporterOptions
	Name     string
	Format   string // "text" or "json"
}

// addChannels adds the group of commands for channels.
func addChannels(p *program) {
	group := p.Command("channels", "List the channels of a running exporter, which say who is told of what, and test one.")
	var list, test channelsOptions
	c := group.Command("list", "List the channels: where each sends to, and what it hears of. Exit status: 0 success, 1 the exporter did not answer, 2 usage.")
	channelFlags(c, &list)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return listChannels(ctx, out, errOut, list) })

	c = group.Command("test", "Send a test message to a channel, also to one that is off, and report how it got through each hop. Nobody else is told. "+
		"Example: channels test alerts-live. Needs a user of role operate. Exit status: 0 it came through, 1 a hop failed or the exporter refused, 2 usage.")
	c.Arg("name", "Name of the channel.").Required().StringVar(&test.Name)
	channelFlags(c, &test)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return testChannel(ctx, out, errOut, test) })
}

func channelFlags(c *kingpin.CmdClause, o *channelsOptions) {
	connectionFlags(c, &o.Exporter)
	c.Flag("format", "Output format: text or json.").Short('o').Default(formatText).EnumVar(&o.Format, formatText, formatJSON)
}

// listChannels lists the channels of a running exporter on out. It returns the exit status.
func listChannels(ctx context.Context, out, errOut io.Writer, o channelsOptions) int {
	s, err := o.Exporter.connect("channels")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer s.Close()
	var all struct {
		Channels []channels.Channel `json:"channels"`
	}
	r := request{path: channelsPath, format: o.Format, answer: &all}
	if status := r.send(ctx, s, out, errOut); status != ExitSuccess {
		return status
	}
	if o.Format != formatJSON {
		writeChannels(out, all.Channels)
	}
	return ExitSuccess
}

// writeChannels writes a table.
func writeChannels(out io.Writer, all []channels.Channel) {
	var rows table
	rows.add("NAME", "TYPE", "STATE", "TO", "MATCHERS")
	for i := range all {
		c := &all[i]
		state := "on"
		if !c.Enabled {
			state = "off"
		}
		to := cmp.Or(c.Channel.Channel, c.URL, c.Receiver)
		if to == "" && c.Secret.Set {
			to = "its webhook"
		}
		rows.add(c.Name, string(c.Kind), state, to, cmp.Or(strings.Join(c.Matchers, ", "), "everything"))
	}
	rows.write(out)
}

// testPause is between two questions whether a test has ended.
const testPause = 500 * time.Millisecond

// testChannel has a running exporter test a channel, and reports each hop on out. It returns the exit status.
func testChannel(ctx context.Context, out, errOut io.Writer, o channelsOptions) int {
	s, err := o.Exporter.connect("channels")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer s.Close()
	path := channelsPath + "/" + url.PathEscape(o.Name) + "/test"
	answer, err := change{method: http.MethodPost, path: path, value: struct{}{}}.send(ctx, s, io.Discard)
	if err != nil {
		say(errOut, "asking %s: %v", s, err)
		complainOf(errOut, err)
		return ExitFailed
	}
	show := func(h channels.Hop) {
		if o.Format != formatJSON {
			writeHop(out, alerttest.Hop(h))
		}
	}
	test, err := awaitTest(ctx, s, path, answer.Body, show)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errOut, "interrupted: the test goes on, and ends by itself")
		return ExitFailed
	case err != nil:
		say(errOut, "asking %s: %v", s, err)
		return ExitFailed
	}
	if o.Format == formatJSON {
		answerJSON(out, errOut, test)
	}
	if test.Error != "" {
		say(errOut, "%s", test.Error)
	}
	if !test.OK {
		return ExitFailed
	}
	return ExitSuccess
}

// awaitTest asks for a test until it has ended, and shows each hop when its outcome is known.
func awaitTest(ctx context.Context, s *remote.Server, path string, body []byte, show func(channels.Hop)) (test channels.Test, err error) {
	if err := s.Decode(body, &test); err != nil {
		return test, err
	}
	started, shown := test.Started, 0
	for {
		for ; shown < len(test.Hops); shown++ {
			show(test.Hops[shown])
		}
		if !test.Ended.IsZero() {
			return test, nil
		}
		select {
		case <-ctx.Done():
			return test, ctx.Err()
		case <-time.After(testPause):
		}
		test = channels.Test{}
		if err := s.GetJSON(ctx, path, &test); err != nil {
			return test, err
		}
		if !test.Started.Equal(started) {
			return test, errors.New("somebody has begun another test of this channel: that of this command is not known any more")
		}
	}
}
