package page

import "net/http"

// List serves how the targets are that a query asks for.
func (p *Pages) List(w http.ResponseWriter, r *http.Request) {
	c := catalogueFor(r)
	p.render(w, r, http.StatusOK, shell{catalogue: c, Content: "list", Title: c.say("nav.all"), Root: "./"}, "")
}
