package pipeline

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Node is one step of a graph and the steps that must be processed before it.
type Node struct {
	Name  string   `json:"name"`
	Needs []string `json:"needs"`
}

// Graph is the shape of a pipeline at one time. A row keeps the graph it was
// accepted with, so a change of configuration never strands rows under way.
// Build one with NewGraph; it is immutable afterwards.
type Graph struct {
	id       string
	pipeline string
	nodes    []Node
	index    map[string]int
	unlocks  [][]Unlock
	roots    []string
	later    []string
	sinks    []string
}

// Unlock is a step that may start once all its needs are processed.
type Unlock struct {
	Step  string
	Needs []string
}

// NewGraph checks the nodes (unique names, known needs, no circle) and derives
// what the engine asks for at every step.
func NewGraph(pipeline string, nodes []Node) (*Graph, error) {
	g := &Graph{pipeline: pipeline, index: make(map[string]int, len(nodes))}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("pipeline %s has no steps", pipeline)
	}
	for i, n := range nodes {
		if _, twice := g.index[n.Name]; twice {
			return nil, fmt.Errorf("pipeline %s has two steps named %s", pipeline, n.Name)
		}
		g.index[n.Name] = i
		g.nodes = append(g.nodes, Node{Name: n.Name, Needs: slices.Clone(n.Needs)})
	}
	for _, n := range g.nodes {
		for _, need := range n.Needs {
			if _, ok := g.index[need]; !ok {
				return nil, fmt.Errorf("step %s of pipeline %s needs %s, which is no step", n.Name, pipeline, need)
			}
		}
	}
	if circle := g.circle(); circle != nil {
		return nil, fmt.Errorf("steps of pipeline %s need each other in a circle: %s", pipeline, strings.Join(circle, " -> "))
	}
	g.derive()
	return g, nil
}

func (g *Graph) derive() {
	g.unlocks = make([][]Unlock, len(g.nodes))
	for _, n := range g.nodes {
		if len(n.Needs) == 0 {
			g.roots = append(g.roots, n.Name)
		} else {
			g.later = append(g.later, n.Name)
		}
		for _, need := range n.Needs {
			i := g.index[need]
			g.unlocks[i] = append(g.unlocks[i], Unlock{Step: n.Name, Needs: n.Needs})
		}
	}
	for i, n := range g.nodes {
		if len(g.unlocks[i]) == 0 {
			g.sinks = append(g.sinks, n.Name)
		}
	}
	text, _ := json.Marshal(struct {
		Pipeline string
		Nodes    []Node
	}{g.pipeline, g.nodes})
	sum := sha256.Sum256(text)
	g.id = strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
}

// circle returns the steps of one circle in order, or nil.
func (g *Graph) circle() []string {
	const (
		unseen = iota
		onPath
		finished
	)
	mark := make([]int, len(g.nodes))
	var path []string
	var visit func(i int) []string
	visit = func(i int) []string {
		mark[i] = onPath
		path = append(path, g.nodes[i].Name)
		for _, need := range g.nodes[i].Needs {
			j := g.index[need]
			switch mark[j] {
			case onPath:
				return append(slices.Clone(path[slices.Index(path, need):]), need)
			case unseen:
				if c := visit(j); c != nil {
					return c
				}
			}
		}
		mark[i] = finished
		path = path[:len(path)-1]
		return nil
	}
	for i := range g.nodes {
		if mark[i] == unseen {
			if c := visit(i); c != nil {
				return c
			}
		}
	}
	return nil
}

// ID is a short stable name for this exact shape, unique over all pipelines.
func (g *Graph) ID() string { return g.id }

// Pipeline is the name of the pipeline the graph belongs to.
func (g *Graph) Pipeline() string { return g.pipeline }

// Nodes are the steps in the order of the configuration. Callers must not
// change them.
func (g *Graph) Nodes() []Node { return g.nodes }

// Has tells whether step is part of the graph.
func (g *Graph) Has(step string) bool { _, ok := g.index[step]; return ok }

// Needs of a step; nil for a root and for a step the graph does not have.
func (g *Graph) Needs(step string) []string {
	if i, ok := g.index[step]; ok {
		return g.nodes[i].Needs
	}
	return nil
}

// Roots are the steps without needs, Later all others, Sinks those nothing
// needs: a row is done when every sink is processed.
func (g *Graph) Roots() []string { return g.roots }

// Later are the steps that wait for others.
func (g *Graph) Later() []string { return g.later }

// Sinks are the steps that no other step needs.
func (g *Graph) Sinks() []string { return g.sinks }

// Unlocks are the steps that may start once step is processed.
func (g *Graph) Unlocks(step string) []Unlock {
	if i, ok := g.index[step]; ok {
		return g.unlocks[i]
	}
	return nil
}

// Descendants are all steps that need step, directly or through others, in the
// order of the configuration.
func (g *Graph) Descendants(step string) []string {
	below := map[string]bool{}
	var walk func(string)
	walk = func(s string) {
		for _, u := range g.Unlocks(s) {
			if !below[u.Step] {
				below[u.Step] = true
				walk(u.Step)
			}
		}
	}
	walk(step)
	var names []string
	for _, n := range g.nodes {
		if below[n.Name] {
			names = append(names, n.Name)
		}
	}
	return names
}
