package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// counts says how often each thing was seen.
type counts map[string]int

// A score is what was observed during the siege.
type score struct {
	lasted time.Duration

	mu           sync.Mutex // protects the following
	took         []time.Duration
	failures     counts
	firstFailure time.Duration
	lies         counts
	healthy      int // answers of /-/healthy
	deaf         int // times without an answer
	deafInARow   int
	deafAtMost   int
	most         usage
	service      outage
	struck       map[string]counts // the effect of each attack
}

func newScore() *score {
	return &score{failures: counts{}, lies: counts{}, struck: map[string]counts{}, service: outage{refused: counts{}}}
}

func (s *score) scraped(at, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = append(s.took, took)
	if err != nil {
		s.failures[err.Error()]++
		first(&s.firstFailure, at)
	}
}

func (s *score) said(lies []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lie := range lies {
		s.lies[lie]++
	}
}

func (s *score) alive(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is {
		s.healthy++
		s.deafInARow = 0
		return
	}
	s.deaf++
	s.deafInARow++
	s.deafAtMost = max(s.deafAtMost, s.deafInARow)
}

func (s *score) used(u usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most.rss = max(s.most.rss, u.rss)
	s.most.peak = max(s.most.peak, u.peak)
	s.most.descriptors = max(s.most.descriptors, u.descriptors)
}

func (s *score) outage(change func(*outage)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.service)
}

func (s *score) hit(attack, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.struck[attack] == nil {
		s.struck[attack] = counts{}
	}
	s.struck[attack][what]++
}

// common returns what was counted, the most frequent first.
func (c counts) common() []string {
	return slices.SortedFunc(maps.Keys(c), func(a, b string) int { return cmp.Or(c[b]-c[a], strings.Compare(a, b)) })
}
