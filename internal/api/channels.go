package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// Channels keep who hears of what and look after the Alertmanagers that run it, as channels.Editor does.
type Channels interface {
	Known() error
	List() []channels.Channel
	Channel(name string) (channels.Channel, bool)
	Put(ctx context.Context, e managed.Edit, name string, body []byte) (channels.Outcome, error)
	Patch(ctx context.Context, e managed.Edit, name string, patch []byte) (channels.Outcome, error)
	Delete(ctx context.Context, e managed.Edit, name string) (channels.Outcome, error)
	Apply(ctx context.Context, by managed.Author, overwrite bool) (channels.Alertmanager, error)
	Alertmanager() (channels.Alertmanager, error)
	Config() ([]byte, error)
	Bundle() (channels.Bundle, error)
	Report(server string, r channels.Result) error
}

// ChannelTests test channels, as channels.Tests does.
type ChannelTests interface {
	Start(name, by string) (channels.Test, error)
	Last(name string) (channels.Test, bool)
}

// ChannelEdits serve channels, their changes and their tests.
type ChannelEdits struct {
	Channels Channels
	Tests    ChannelTests
	Author   Author
	// Prefix is the path below which everything is served: "" or "/path".
	Prefix string
}

// ChannelList is the answer of GET /api/v1/channels, sorted by name.
type ChannelList struct {
	Channels []channels.Channel `json:"channels"`
	// Next is where the list goes on, relative to the path of the request. Empty: this is the end.
	Next string `json:"next,omitempty"`
}

// A ChangedChannel is the answer to a change of a channel: the channel as it is then.
type ChangedChannel struct {
	channels.Channel

	// Warnings are what was accepted and may not be meant.
	Warnings []string `json:"warnings,omitempty"`
}

// List serves the channels.
func (s *ChannelEdits) List(w http.ResponseWriter, r *http.Request) {
	p, values := query.Parse(r.URL.RawQuery)
	p.Only("after", "limit")
	part := pagingOf(p, values)
	err := p.Err()
	if err == nil {
		err = unread(s.Channels.Known())
	}
	if err != nil {
		Fail(w, err)
		return
	}
	list := ChannelList{Channels: []channels.Channel{}}
	for _, c := range s.Channels.List() {
		if c.Name <= part.after {
			continue
		}
		if len(list.Channels) == part.limit {
			list.Next = part.next(list.Channels[part.limit-1].Name)
			break
		}
		list.Channels = append(list.Channels, c)
	}
	answerList(w, r, list)
}

// Show serves the channel that the path names.
func (s *ChannelEdits) Show(w http.ResponseWriter, r *http.Request) {
	err := bare(r)
	var c channels.Channel
	if err == nil {
		c, err = s.named(r)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	setRevision(w, c.Revision)
	answer(w, c)
}

// Put makes the channel that the path names what the body says.
func (s *ChannelEdits) Put(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, oneObject, s.Channels.Put)
}

// Patch changes the channel that the path names by a merge patch (RFC 7396).
func (s *ChannelEdits) Patch(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, onePatch, s.Channels.Patch)
}

// Delete removes the channel that the path names.
func (s *ChannelEdits) Delete(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, nothing, func(ctx context.Context, e managed.Edit, name string, _ []byte) (channels.Outcome, error) {
		return s.Channels.Delete(ctx, e, name)
	})
}

// write serves a change of a channel.
func (s *ChannelEdits) write(w http.ResponseWriter, r *http.Request, in intake, do func(context.Context, managed.Edit, string, []byte) (channels.Outcome, error)) {
	name := r.PathValue("name")
	request := changes{what: "channel", author: s.Author, changed: func(name string, want managed.Condition) error {
		now, _ := s.Channels.Channel(name)
		return &channels.ChangedError{ChangedError: managed.ChangedError{Revision: now.Revision, Want: want}, Current: now}
	}}
	edit, body, err := request.read(w, r, in, "dry_run")
	var outcome channels.Outcome
	if err == nil {
		outcome, err = do(r.Context(), edit, name, body)
	}
	if err != nil {
		failChannels(w, err)
		return
	}
	result := done{
		action: outcome.Action, pending: outcome.Pending,
		location: s.path(name), body: ChangedChannel{outcome.Channel, outcome.Warnings},
	}
	switch {
	case outcome.Action != managed.Deleted:
		result.revision = outcome.Channel.Revision
	case outcome.Action == managed.Deleted && !outcome.Pending:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	result.answer(w)
}

// Test begins a test of the channel that the path names, and does not wait for its end.
func (s *ChannelEdits) Test(w http.ResponseWriter, r *http.Request) {
	test, err := s.test(w, r)
	if err != nil {
		failChannels(w, err)
		return
	}
	w.Header().Set("Location", s.path(test.Channel)+"/test")
	answerAs(w, http.StatusAccepted, told(test))
}

func (s *ChannelEdits) test(w http.ResponseWriter, r *http.Request) (channels.Test, error) {
	if err := bare(r); err != nil {
		return channels.Test{}, err
	}
	if _, _, err := nothing.read(w, r); err != nil {
		return channels.Test{}, err
	}
	c, err := s.named(r)
	if err != nil {
		return channels.Test{}, err
	}
	by := s.Author(r, access.Operate, printable.Text(c.Name, printable.MaxLog))
	if err := by.May(c.Environments()...); err != nil {
		return channels.Test{}, err
	}
	return s.Tests.Start(c.Name, by.Name)
}

// LastTest serves what became of the last test of the channel that the path names.
func (s *ChannelEdits) LastTest(w http.ResponseWriter, r *http.Request) {
	err := bare(r)
	var c channels.Channel
	if err == nil {
		c, err = s.named(r)
	}
	if err != nil {
		Fail(w, err)
		return
	}
	test, ok := s.Tests.Last(c.Name)
	if !ok {
		Fail(w, &StatusError{Status: http.StatusNotFound, Err: fmt.Errorf("channel %q was not tested since the exporter was started", printable.Text(c.Name, printable.MaxLog))})
		return
	}
	answer(w, told(test))
}

// told is a test in which no list is null.
func told(t channels.Test) channels.Test {
	t.Hops = append([]channels.Hop{}, t.Hops...)
	for i := range t.Hops {
		t.Hops[i].Said = append([]string{}, t.Hops[i].Said...)
	}
	return t
}

// named is the channel that the path names. The error is a channels.MissingError, unless it is not known which there are.
func (s *ChannelEdits) named(r *http.Request) (channels.Channel, error) {
	name := r.PathValue("name")
	if c, ok := s.Channels.Channel(name); ok {
		return c, nil
	}
	if err := unread(s.Channels.Known()); err != nil {
		return channels.Channel{}, err
	}
	names := func(yield func(string) bool) {
		for _, c := range s.Channels.List() {
			if !yield(c.Name) {
				return
			}
		}
	}
	return channels.Channel{}, &channels.MissingError{Name: printable.Text(name, printable.MaxLog), Meant: config.Closest(name, names)}
}

// path is where a channel is.
func (s *ChannelEdits) path(name string) string {
	return s.Prefix + "/api/v1/channels/" + url.PathEscape(name)
}

// failChannels answers with why something could not be done that writes the configuration of Alertmanager.
func failChannels(w http.ResponseWriter, err error) {
	if is(alertconf.ErrFileChanged)(err) {
		err = fmt.Errorf("%w; POST /api/v1/alertmanager/apply?overwrite=true replaces it", err)
	}
	Fail(w, err)
}
