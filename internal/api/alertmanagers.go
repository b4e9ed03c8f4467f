package api

import (
	"net/http"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/send"
)

// Alertmanagers serve what is known of those that run the channels, and what they run.
type Alertmanagers struct {
	Channels Channels
	Author   Author
}

// Show serves how all of them are.
func (s *Alertmanagers) Show(w http.ResponseWriter, r *http.Request) {
	err := bare(r)
	var all channels.Alertmanager
	if err == nil {
		all, err = s.Channels.Alertmanager()
	}
	if err != nil {
		Fail(w, err)
		return
	}
	answerList(w, r, complete(all))
}

// Config serves the configuration that was written, as people may see it.
func (s *Alertmanagers) Config(w http.ResponseWriter, r *http.Request) {
	err := bare(r)
	var text []byte
	if err == nil {
		text, err = s.Channels.Config()
	}
	if err != nil {
		Fail(w, err)
		return
	}
	w.Header().Set("Content-Type", yamlTypes[2])
	w.Header().Set("Cache-Control", caching)
	send.Body(w, r, send.ETag(text), text)
}

// Apply publishes the configuration once more.
func (s *Alertmanagers) Apply(w http.ResponseWriter, r *http.Request) {
	all, err := s.apply(w, r)
	if err != nil {
		failChannels(w, err)
		return
	}
	status := http.StatusOK
	if slices.ContainsFunc(all.Servers, behind) {
		status = http.StatusAccepted
	}
	answerAs(w, status, complete(all))
}

func (s *Alertmanagers) apply(w http.ResponseWriter, r *http.Request) (channels.Alertmanager, error) {
	p, _ := query.Parse(r.URL.RawQuery)
	p.Only("overwrite")
	overwrite := p.Flag("overwrite")
	err := p.Err()
	if err == nil {
		_, _, err = nothing.read(w, r)
	}
	by := s.Author(r, access.Edit, "the configuration of Alertmanager")
	if err == nil {
		err = by.May()
	}
	if err != nil {
		return channels.Alertmanager{}, err
	}
	return s.Channels.Apply(r.Context(), by, overwrite)
}

// behind reports whether an Alertmanager does not run what was written.
func behind(s alertconf.Standing) bool {
	return s.State != alertconf.InSync && s.State != alertconf.Unverified
}

// Bundle serves what an Alertmanager elsewhere runs. It has secrets.
func (s *Alertmanagers) Bundle(w http.ResponseWriter, r *http.Request) {
	err := bare(r)
	var bundle channels.Bundle
	if err == nil {
		bundle, err = s.Channels.Bundle()
	}
	if err != nil {
		Fail(w, err)
		return
	}
	bundle.Channels = append([]alertconf.Channel{}, bundle.Channels...) // and not null
	if bundle.Secrets == nil {
		bundle.Secrets = map[string]string{}
	}
	answerCached(w, r, "no-store", bundle)
}

// Result takes what became of a Bundle with whoever has fetched it.
func (s *Alertmanagers) Result(w http.ResponseWriter, r *http.Request) {
	if err := s.result(w, r); err != nil {
		Fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Alertmanagers) result(w http.ResponseWriter, r *http.Request) error {
	if err := bare(r); err != nil {
		return err
	}
	body, _, err := oneObject.read(w, r)
	if err != nil {
		return err
	}
	var result channels.Result
	if err := assign("result", body, map[string]any{"revision": &result.Revision, "standing": &result.Standing}); err != nil {
		return err
	}
	return s.Channels.Report(s.Author(r, access.Sync, "").Name, result)
}

// complete is an Alertmanager whose list is not null.
func complete(a channels.Alertmanager) channels.Alertmanager {
	a.Servers = append([]alertconf.Standing{}, a.Servers...)
	return a
}
