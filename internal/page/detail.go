package page

import "net/http"

// Detail serves all that is known of the target that the path names.
func (p *Pages) Detail(w http.ResponseWriter, r *http.Request) {
	c := catalogueFor(r)
	p.render(w, r, http.StatusOK, shell{catalogue: c, Content: "detail", Title: r.PathValue("name"), Root: "../"}, "")
}
