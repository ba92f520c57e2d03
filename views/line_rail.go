package views

import (
	"fmt"
	"slices"
)

// The rail: the line standing up on a narrow panel, one stop below the other, with
// as many lanes on the left as wires run past.

const maxRails = 8

// railStop is the piece of rail beside one station.
type railStop struct {
	Wires   []railWire
	X, Y    int // the node
	SwitchX int // of the switch turned upright; its top is SwitchY
	SwitchY int
	Tall    bool // room for a bend above the switch
	Needs   []string
}

// railWire is an upright line from Y1 to Y2 or, with D, a bend.
type railWire struct {
	D      string
	X      int
	Y1, Y2 string
	Cold   bool
}

type railEdge struct {
	from, to *lineNode
	lane     int
	at       int // the lane it comes from, at the bottom of the stop above
}

// railsOf gives each station its piece of rail, and how many lanes there are.
func railsOf(ranks [][]*lineNode) (map[*lineNode]railStop, int) {
	var order []*lineNode
	for _, rank := range ranks {
		for _, n := range rank {
			if n.step != nil {
				order = append(order, n)
			}
		}
	}
	stops := map[*lineNode]railStop{}
	var running []railEdge
	lanes := 1
	lane := func(edges []railEdge) int {
		for l := 0; ; l++ {
			if !slices.ContainsFunc(edges, func(e railEdge) bool { return e.lane == l }) {
				lanes = max(lanes, l+1)
				return l
			}
		}
	}
	for _, n := range order {
		var in, past []railEdge
		for _, e := range running {
			if e.to == n {
				in = append(in, e)
			} else {
				past = append(past, e)
			}
		}
		at := -1
		for _, e := range in {
			if at < 0 || e.lane < at {
				at = e.lane
			}
		}
		if at < 0 {
			at = lane(running)
		}
		stops[n] = railStopOf(n, at, in, past)
		running = leave(n, at, past, order, lane)
	}
	return stops, lanes
}

// leave starts the wires of a node: the first goes on in its lane, the others
// take free ones.
func leave(n *lineNode, at int, past []railEdge, order []*lineNode, lane func([]railEdge) int) []railEdge {
	running := make([]railEdge, 0, len(past)+len(n.outs))
	for _, e := range past {
		e.at = e.lane
		running = append(running, e)
	}
	targets := realTargets(n)
	slices.SortFunc(targets, func(a, b *lineNode) int { return slices.Index(order, a) - slices.Index(order, b) })
	for i, to := range targets {
		e := railEdge{from: n, to: to, at: at, lane: at}
		if i > 0 {
			e.lane = lane(running)
		}
		running = append(running, e)
	}
	return running
}

// realTargets follows passing wires to the stations they lead to.
func realTargets(n *lineNode) []*lineNode {
	var out []*lineNode
	for _, to := range n.outs {
		if to.step != nil {
			out = append(out, to)
		} else {
			out = append(out, realTargets(to)...)
		}
	}
	return out
}

func railX(lane int) int { return 14 + 26*min(lane, 1) + 16*(max(min(lane, maxRails-1), 1)-1) }

func railStopOf(n *lineNode, at int, in, past []railEdge) railStop {
	bends := slices.ContainsFunc(in, func(e railEdge) bool { return e.at != at })
	s := railStop{X: railX(at), Y: 10}
	for _, e := range in {
		s.Needs = append(s.Needs, e.from.step.Name)
	}
	arrive := 10 // where the wires into the node end
	switch b := n.breaker(); {
	case b != nil && bends:
		s.Tall, s.Y, s.SwitchY, arrive = true, 90, 20, 28
	case b != nil:
		s.Y, s.SwitchY, arrive = 66, -4, 4
	case len(in) > 1:
		s.Y, arrive = 66, 66
	}
	s.SwitchX = s.X + 22
	for _, e := range in {
		s.run(e.at, at, fmt.Sprint(arrive), e.from.cold)
	}
	for _, e := range past {
		s.run(e.at, e.lane, "100%", e.from.cold)
	}
	if n.breaker() != nil {
		s.Wires = append(s.Wires, railWire{X: s.X, Y1: fmt.Sprint(s.Y - 10), Y2: fmt.Sprint(s.Y), Cold: n.cold})
	}
	if len(n.outs) > 0 {
		s.Wires = append(s.Wires, railWire{X: s.X, Y1: fmt.Sprint(s.Y), Y2: "100%", Cold: n.cold})
	}
	return s
}

// run draws a wire from its lane above to its lane here, and down to where it ends;
// it begins a pixel early, so that no seam shows between two stops.
func (s *railStop) run(from, to int, end string, cold bool) {
	x0, x1 := railX(from), railX(to)
	if x0 == x1 {
		s.Wires = append(s.Wires, railWire{X: x0, Y1: "-1", Y2: end, Cold: cold})
		return
	}
	s.Wires = append(s.Wires,
		railWire{D: fmt.Sprintf("M%d -1V0C%d 14 %d 10 %d 24", x0, x0, x1, x1), Cold: cold},
		railWire{X: x1, Y1: "24", Y2: end, Cold: cold})
}

func (w railWire) class() string {
	if w.Cold {
		return "wire cold"
	}
	return "wire"
}
