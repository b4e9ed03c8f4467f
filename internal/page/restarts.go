package page

import (
	"net/http"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
)

// maxRestarts is how many of the last restarts the page of a target has.
const maxRestarts = 10

// Restarts are what is restarted where a target is down. What holds a restart is not for everybody.
type restarts struct {
	Services []service
	Last     []eventLine
}

// A service may be restarted.
type service struct {
	Name    string
	Explain string // the command line that says what holds its restart
}

// restarts are those of the services that check a target; nil: there are none.
func (p *Pages) restarts(c *catalogue, target string, r *http.Request) *restarts {
	names := p.Services(target)
	if len(names) == 0 {
		return nil
	}
	found := &restarts{}
	for _, name := range names {
		found.Services = append(found.Services, service{printable.Text(name, printable.MaxLog), printable.Clean(p.explain(name, r))})
	}
	all, _ := p.Board.Status.Events(status.Filter{Kind: status.KindRestart})
	for i := range all {
		if len(found.Last) < maxRestarts && slices.Contains(names, all[i].Service) {
			found.Last = append(found.Last, eventOf(c, &all[i], above))
		}
	}
	return found
}
