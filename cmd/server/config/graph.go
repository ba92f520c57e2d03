package config

import (
	"maps"
	"slices"
	"strings"
)

// graph collects the steps of a pipeline to judge how they hang together.
type graph struct {
	r        *reader
	pipeline string
	order    []string
	lines    map[string]int // of the steps that have a name
	needs    map[string][]need
}

type need struct {
	name string
	line int
}

// add reads the needs of a step and remembers them with the lines they are on.
func (g *graph) add(s *section, st *Step) {
	items, _ := s.items("needs")
	var ns []need
	for _, n := range items {
		wrong := len(s.r.mistakes)
		text := element(s, "needs", n, "", name)
		if len(s.r.mistakes) == wrong {
			ns = append(ns, need{text, lineOf(n)})
			st.Needs = append(st.Needs, text)
		}
	}
	if st.Name == "" {
		return
	}
	if earlier, twice := g.lines[st.Name]; twice {
		e, _ := s.get("name")
		g.r.mistake(e.line, "give it another name", "there are two steps called %q, the other in line %d", st.Name, earlier)
		return
	}
	e, _ := s.get("name")
	g.lines[st.Name], g.needs[st.Name] = e.line, ns
	g.order = append(g.order, st.Name)
	g.r.queues.steps = append(g.r.queues.steps, queueUse{pipeline: g.pipeline, step: st.Name, line: lineOf(e.value)})
}

func (g *graph) check() {
	for _, step := range g.order {
		g.checkNeeds(step)
	}
	g.checkCycles()
}

func (g *graph) checkNeeds(step string) {
	seen := map[string]bool{}
	for _, n := range g.needs[step] {
		_, exists := g.lines[n.name]
		switch {
		case n.name == step:
			g.r.mistake(n.line, "take it out", "step %q needs itself", step)
		case !exists:
			g.r.mistake(n.line, g.suggest(n.name, step), "step %q needs %q, which is no step of this pipeline", step, n.name)
		case seen[n.name]:
			g.r.mistake(n.line, "keep one of them", "step %q needs %q twice", step, n.name)
		}
		seen[n.name] = true
	}
}

func (g *graph) suggest(written, besides string) string {
	others := slices.DeleteFunc(slices.Collect(maps.Keys(g.lines)), func(s string) bool { return s == besides })
	return nearestIs(written, others)
}

// checkCycles walks from every step along its needs; a step met again on the way
// closes a circle, in which nobody could ever start.
func (g *graph) checkCycles() {
	const onTheWay, done = 1, 2
	state := map[string]int{}
	var way []string
	var visit func(step string)
	visit = func(step string) {
		state[step], way = onTheWay, append(way, step)
		for _, n := range g.needs[step] {
			_, exists := g.lines[n.name]
			switch {
			case !exists || n.name == step:
			case state[n.name] == onTheWay:
				circle := append(slices.Clone(way[slices.Index(way, n.name):]), n.name)
				g.r.mistake(n.line, "take one of these needs out", "steps need each other in a circle: %s", strings.Join(circle, " -> "))
			case state[n.name] != done:
				visit(n.name)
			}
		}
		state[step], way = done, way[:len(way)-1]
	}
	for _, step := range g.order {
		if state[step] == 0 {
			visit(step)
		}
	}
}
