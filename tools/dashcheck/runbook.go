package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// A Runbook is a page of which people copy queries.
type Runbook struct {
	name string
	// Queries are the lines of its blocks of PromQL, comments among them.
	Queries []string
}

// promql is a block of queries, one on each line.
var promql = regexp.MustCompile("(?ms)^ *```promql\n(.*?)^ *```$")

func readRunbook(name string) (Runbook, error) {
	r := Runbook{name: name}
	text, err := os.ReadFile(name)
	if err != nil {
		return r, err
	}
	for _, block := range promql.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if line = strings.TrimSpace(line); line != "" {
				r.Queries = append(r.Queries, line)
			}
		}
	}
	return r, nil
}

func checkRunbooks(files []string, names Names) ([]string, error) {
	var wrong []string
	for _, name := range files {
		r, err := readRunbook(name)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, r.Check(names)...)
	}
	return wrong, nil
}

// Check says what is wrong with the queries. They may ask for metrics of Prometheus and Alertmanager, too.
func (r Runbook) Check(names Names) []string {
	var f findings
	f.want(len(r.Queries) > 0, "%s: no block of promql", r.name)
	for _, q := range r.Queries {
		f.add(fmt.Sprintf("%s: ", r.name), checkExpr(q, names))
	}
	return f
}
