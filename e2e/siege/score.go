package main

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A score is what was seen during the siege.
type score struct {
	lasted time.Duration

	mu           sync.Mutex // protects the following
	took         []time.Duration
	failures     map[string]int
	firstFailure time.Duration
	lies         map[string]int
	healthy      int // answers of /-/healthy
	deaf         int // times without one
	deafInARow   int
	deafAtMost   int
	most         usage
	service      outage
	struck       map[string]map[string]int // attacks and what came of them
}

func (s *score) scraped(at, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = append(s.took, took)
	if err != nil {
		add(&s.failures, err.Error())
		first(&s.firstFailure, at)
	}
}

func add(counts *map[string]int, what string) {
	if *counts == nil {
		*counts = map[string]int{}
	}
	(*counts)[what]++
}

func (s *score) said(lies []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lie := range lies {
		add(&s.lies, lie)
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
	if s.struck == nil {
		s.struck = map[string]map[string]int{}
	}
	counts := s.struck[attack]
	add(&counts, what)
	s.struck[attack] = counts
}

// common are the keys of counts, the most frequent first.
func common(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return compare(a, b)
	})
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}
