package views

import (
	"slices"
	"strconv"
)

// The ids of the two ends; a step's id is its name with a mark before it, so that
// no name can collide.
const (
	startID = "start"
	endID   = "end"
)

func stepID(name string) string { return "step " + name }

// lineGraph builds the nodes of a line rank by rank: ranks by the longest way,
// needs that others imply left out, long edges passing each rank in between.
func lineGraph(p LineProps) [][]*lineNode {
	nodes, edges := lineEdges(p)
	rankNodes(nodes, edges)
	ranks := make([][]*lineNode, 0, len(nodes))
	for _, n := range nodes {
		for len(ranks) <= n.rank {
			ranks = append(ranks, nil)
		}
		ranks[n.rank] = append(ranks[n.rank], n)
	}
	for _, e := range edges {
		from := e[0]
		for r := from.rank + 1; r < e[1].rank; r++ {
			pass := &lineNode{id: e[0].id + ">" + e[1].id + " " + strconv.Itoa(r), rank: r}
			ranks[r] = append(ranks[r], pass)
			join(from, pass)
			from = pass
		}
		join(from, e[1])
	}
	for _, rank := range ranks {
		for _, n := range rank {
			n.cold = isCold(p, n)
		}
	}
	return ranks
}

// isCold is asked rank by rank, so what comes before is known.
func isCold(p LineProps, n *lineNode) bool {
	anyCold := slices.ContainsFunc(n.ins, func(in *lineNode) bool { return in.cold })
	switch {
	case n.step == nil:
		return anyCold
	case p.Row:
		return n.step.Cold || n.step.Mark != "" && n.step.Mark != "processed"
	default:
		return n.step.Cold || n.open() || anyCold
	}
}

type edge = [2]*lineNode

// lineEdges gives the stations in the order of the configuration and what joins
// them. A need that is not there is left out, as is one that another need implies.
func lineEdges(p LineProps) ([]*lineNode, []edge) {
	var nodes []*lineNode
	byID := map[string]*lineNode{}
	add := func(id string, step *LineStep, end bool) {
		if _, known := byID[id]; known || step == nil {
			return
		}
		n := &lineNode{id: id, step: step, end: end}
		byID[id] = n
		nodes = append(nodes, n)
	}
	add(startID, p.Start, true)
	for i := range p.Steps {
		add(stepID(p.Steps[i].Name), &p.Steps[i], false)
	}
	add(endID, p.End, true)

	needs := reducedNeeds(p.Steps)
	needed := map[string]bool{}
	var edges []edge
	for _, s := range p.Steps {
		for _, need := range needs[s.Name] {
			edges = append(edges, edge{byID[stepID(need)], byID[stepID(s.Name)]})
			needed[need] = true
		}
		if start := byID[startID]; start != nil && len(needs[s.Name]) == 0 {
			edges = append(edges, edge{start, byID[stepID(s.Name)]})
		}
	}
	for _, s := range p.Steps {
		if end := byID[endID]; end != nil && !needed[s.Name] {
			edges = append(edges, edge{byID[stepID(s.Name)], end})
		}
	}
	return nodes, edges
}

// reducedNeeds drops the needs that other needs imply: a before c where a is
// before b and b before c. The order they bind is the same and the drawing calmer.
func reducedNeeds(steps []LineStep) map[string][]string {
	needs := map[string][]string{}
	for _, s := range steps {
		needs[s.Name] = nil
	}
	for _, s := range steps {
		for _, need := range s.Needs {
			if _, known := needs[need]; known && need != s.Name && !slices.Contains(needs[s.Name], need) && !reaches(needs, need, s.Name) {
				needs[s.Name] = append(needs[s.Name], need)
			}
		}
	}
	reduced := map[string][]string{}
	for name, direct := range needs {
		for _, need := range direct {
			implied := slices.ContainsFunc(direct, func(other string) bool {
				return other != need && reaches(needs, other, need)
			})
			if !implied {
				reduced[name] = append(reduced[name], need)
			}
		}
	}
	return reduced
}

// reaches says whether a step needs another, through whatever lies between.
func reaches(needs map[string][]string, from, to string) bool {
	return slices.ContainsFunc(needs[from], func(need string) bool {
		return need == to || reaches(needs, need, to)
	})
}

// rankNodes puts each node one behind the last of what it needs. The graph has no
// circle: reducedNeeds leaves out the need that would close one.
func rankNodes(nodes []*lineNode, edges []edge) {
	for range nodes {
		for _, e := range edges {
			e[1].rank = max(e[1].rank, e[0].rank+1)
		}
	}
}

func join(from, to *lineNode) {
	from.outs = append(from.outs, to)
	to.ins = append(to.ins, from)
}
