package aws

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

// letterCache is all letters by cause, as of a moment ago: pages ask for the
// groups again and again, and each time costs a read of all letters.
type letterCache struct {
	at     time.Time
	took   time.Duration
	groups map[string]*letterGroup
}

type letterGroup struct {
	pipeline.Group
	deaths []time.Time // newest last
}

// Groups returns letters by cause, at most Age old, older while it takes long to
// read them all.
func (l *letters) Groups(ctx context.Context, name, step string) ([]pipeline.Group, error) {
	groups, err := l.grouped(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	list := []pipeline.Group{}
	for _, g := range groups {
		if (name == "" || g.Pipeline == name) && (step == "" || g.Step == step) {
			list = append(list, g.at(now))
		}
	}
	slices.SortFunc(list, func(a, b pipeline.Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.LastAt.Compare(a.LastAt), strings.Compare(a.Group, b.Group))
	})
	return list, nil
}

// stale has the groups read again: this process has changed a letter.
func (l *letters) stale() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cache.groups = nil
}

func (l *letters) grouped(ctx context.Context) (map[string]*letterGroup, error) {
	l.mu.Lock()
	c := l.cache
	l.mu.Unlock()
	start := time.Now()
	if c.groups != nil && start.Sub(c.at) < max(l.s.age(), 10*c.took) {
		return c.groups, nil
	}
	list, err := l.walk(ctx, pipeline.LetterFilter{Oldest: true})
	if err != nil {
		return nil, err
	}
	groups := map[string]*letterGroup{}
	for it, err := range list {
		if err != nil {
			return nil, err
		}
		group(groups, it)
	}
	l.mu.Lock()
	l.cache = letterCache{at: start, took: time.Since(start), groups: groups}
	l.mu.Unlock()
	return groups, nil
}

func group(groups map[string]*letterGroup, it item) {
	d := letterOf(it)
	g := groups[d.Group]
	if g == nil {
		g = &letterGroup{Group: pipeline.Group{Group: d.Group, Error: it.str("ca"), Pipeline: d.Pipeline, Step: d.Step, Kind: d.Kind, FirstAt: d.DeadAt, LastAt: d.DeadAt}}
		groups[d.Group] = g
	}
	g.Count++
	if d.DeadAt.Before(g.FirstAt) {
		g.FirstAt = d.DeadAt
	}
	if d.DeadAt.After(g.LastAt) {
		g.LastAt = d.DeadAt
	}
	g.deaths = append(g.deaths, d.DeadAt)
}

func (g *letterGroup) at(now time.Time) pipeline.Group {
	out := g.Group
	for i, span := range [4]time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour} {
		for _, d := range g.deaths {
			if d.After(now.Add(-span)) {
				out.Recent[i]++
			}
		}
	}
	return out
}
