package board

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/query"
)

// However often a query says the same, a Filter looks for it once.
func TestFilterIsBounded(t *testing.T) {
	values := url.Values{}
	for range 5000 {
		values.Add("state", "up")
		values.Add("label", "team:shop")
	}
	f, err := ParseFilter(values, query.Of(values))
	if err != nil || len(f.states)+len(f.labels) != 2 {
		t.Errorf("%d states and %d labels, %v; want one of each", len(f.states), len(f.labels), err)
	}
	for i := range maxLabels {
		values.Add("label", fmt.Sprintf("a%d:", i))
	}
	p := query.Of(values)
	if f, err = ParseFilter(values, p); err != nil || p.Err() == nil {
		t.Errorf("%d labels are taken, want an error", len(f.labels))
	}
}
