package page

import (
	"html/template"
	"net/http"
	"slices"
	"time"

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
	// Standing is what that is; nil: it is not for everybody. Until is its Next; empty: that is not known.
	Standing *Standing
	Until    template.HTML
}

// A Standing is what is between a service and its restart.
type Standing struct {
	// Demanded says that a restart is asked for.
	Demanded bool
	// Guard is the first that refuses it; empty: all agree. Next is when they would all agree, as far as that is known.
	Guard string
	Next  time.Time
}

// restarts are those of the services that check a target; nil: there are none.
func (p *Pages) restarts(c *catalogue, target string, r *http.Request) *restarts {
	names := p.Services(target)
	if len(names) == 0 {
		return nil
	}
	found := &restarts{}
	for _, name := range names {
		one := service{Name: printable.Text(name, printable.MaxLog), Explain: printable.Clean(p.explain(name, r)), Standing: p.Standing(r, name)}
		if s := one.Standing; s != nil && !s.Next.IsZero() {
			one.Until = clock(s.Next)
		}
		found.Services = append(found.Services, one)
	}
	all, _ := p.Board.Status.Events(status.Filter{Kind: status.KindRestart})
	for i := range all {
		if len(found.Last) < maxRestarts && slices.Contains(names, all[i].Service) {
			found.Last = append(found.Last, eventOf(c, &all[i], above))
		}
	}
	return found
}
