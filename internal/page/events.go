package page

import "net/http"

// Events serves what happened to targets and services.
func (p *Pages) Events(w http.ResponseWriter, r *http.Request) {
	c := catalogueFor(r)
	p.render(w, r, http.StatusOK, shell{catalogue: c, Content: "events", Title: c.say("nav.events"), Here: "events", Root: "./"}, "")
}
