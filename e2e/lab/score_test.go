package main

import (
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	at := func(seconds ...int) (all []restart) {
		for _, s := range seconds {
			all = append(all, restart{"app", time.Duration(s) * time.Second})
		}
		return all
	}
	for _, tc := range []struct {
		name     string
		class    class
		restarts []restart
		healthy  time.Duration
		wrong    int
		missed   bool
	}{
		{"nothing to repair", class{}, nil, 3, 0, false},
		{"each is wrong where none repairs", class{}, at(1, 2), 3, 2, false},
		{"the first repairs", class{repairable: true}, at(1), 3, 0, false},
		{"a second disturbs", class{repairable: true}, at(1, 5), 3, 1, false},
		{"one for each service", class{repairable: true}, append(at(1), restart{"other", 2}), 3, 0, false},
		{"too early", class{repairable: true, from: 10 * time.Second}, at(5, 11), 3, 1, false},
		{"as PM2 starts it the cause is gone", class{repairable: true, from: 10*time.Second + startUp}, at(10), 3, 0, false},
		{"never", class{repairable: true}, nil, -1, 0, true},
		{"nobody could", class{}, nil, -1, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := judge(&setting{class: tc.class}, tc.restarts, tc.healthy)
			if r.wrong != tc.wrong || r.missed != tc.missed {
				t.Errorf("%d wrong, missed %t; want %d, %t", r.wrong, r.missed, tc.wrong, tc.missed)
			}
		})
	}
}

// The report fails for what the exporter must not do, and only for the exporter.
func TestReport(t *testing.T) {
	find := func(name string) class {
		for _, c := range classes() {
			if c.name == name {
				return c
			}
		}
		t.Fatalf("there is no class %s", name)
		return class{}
	}
	for _, tc := range []struct {
		name, class, actor string
		wrong              int
		healthy            time.Duration
		good               bool
	}{
		{"well", "hang", actorExporter, 0, 1, true},
		{"wrong", "404", actorExporter, 1, -1, false},
		{"missed", "hang", actorExporter, 0, -1, false},
		{"forgiven", "crashloop", actorExporter, 1, 1, true},
		{"not forgiven twice", "crashloop", actorExporter, 2, 1, false},
		{"another", "404", actorCron, 9, -1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &setting{class: find(tc.class), actor: actor{name: tc.actor}}
			one := result{setting: s, wrong: tc.wrong, healthy: tc.healthy, missed: s.class.repairable && tc.healthy < 0}
			var out strings.Builder
			if good := report(&out, []result{one}); good != tc.good || !strings.Contains(out.String(), "| "+tc.class+" | "+tc.actor+" | 1 |") {
				t.Errorf("good is %t, want %t:\n%s", good, tc.good, out.String())
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		all  []time.Duration
		want time.Duration
	}{
		{[]time.Duration{3, 1, 2}, 2},
		{[]time.Duration{-1, 1, 2}, 2},
		{[]time.Duration{-1, -1, 2}, -1},
	} {
		if got := (&row{healthy: tc.all}).median(); got != tc.want {
			t.Errorf("the median of %v is %d, want %d", tc.all, got, tc.want)
		}
	}
}

func TestChoose(t *testing.T) {
	name := func(c *class) string { return c.name }
	if all, err := choose(classes(), "", name); err != nil || len(all) != len(classes()) {
		t.Errorf("%d classes, %v", len(all), err)
	}
	if some, err := choose(classes(), "hang,404", name); err != nil || len(some) != 2 {
		t.Errorf("%d classes, %v; want 2", len(some), err)
	}
	if _, err := choose(classes(), "hang,nothing", name); err == nil {
		t.Error("a class that is not known is no error")
	}
}
