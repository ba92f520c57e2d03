package views

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The measures of a line, in pixels.
const (
	bandWidth    = 1144 // what a band may take: the panel of a 1440 px window
	stationWidth = 184
	endWidth     = 88
	pileWidth    = 50 // ticks before a switch
	switchWidth  = 64
	switchTail   = 54
)

// lineScale is how high a lane is, where its wire lies in it and where the
// words under a switch stand. Top is the lane at which a band begins.
type lineScale struct {
	lane, wire, label int
	top               float64
}

func scaleOf(row bool) lineScale {
	if row {
		return lineScale{lane: 92, wire: 34, label: 25}
	}
	return lineScale{lane: 128, wire: 36, label: 26}
}

func (s lineScale) y(n *lineNode) int { return int((n.y-s.top)*float64(s.lane)) + s.wire }

// lineWire is a stretch of wire; flow draws beads along it.
type lineWire struct {
	D          string
	Cold, Flow bool
}

func (w lineWire) class() string {
	switch {
	case w.Flow:
		return "flow"
	case w.Cold:
		return "wire cold"
	default:
		return "wire"
	}
}

// lineSwitch is a breaker drawn in a gap.
type lineSwitch struct {
	Breaker   LineBreaker
	TextX     int
	NameY     int
	StateY    int
	Pile      string // ticks before it
	Transform string
}

// lineGap is the drawing between two ranks; its width is fixed, stations stretch.
type lineGap struct {
	Column        int
	Width, Height int
	Wires         []lineWire
	Switches      []lineSwitch
}

// bendEnd is where the bends of a gap end: 0 if every wire is straight.
func bendEnd(right []*lineNode) int {
	widest := 0.0
	for _, n := range right {
		for _, in := range n.ins {
			widest = max(widest, math.Abs(n.y-in.y))
		}
	}
	if widest == 0 {
		return 0
	}
	return 42 + 12*int(max(0, math.Ceil(widest-0.5)))
}

func guarded(right []*lineNode) bool {
	return slices.ContainsFunc(right, func(n *lineNode) bool { return n.breaker() != nil })
}

// gapWidth is how wide the gap before a rank is, from where its bends end.
func gapWidth(right []*lineNode, bend int) int {
	switch {
	case guarded(right):
		return bend + pileWidth + switchWidth + switchTail
	case bend == 0 && right[0].id == endID:
		return 20
	case bend == 0:
		return 36
	default:
		return bend + 14
	}
}

// gapBefore draws the wires into a rank. With bends false they come straight from
// the left edge, because the band before has bent them already.
func gapBefore(right []*lineNode, scale lineScale, bends bool) lineGap {
	bend := 0
	if bends {
		bend = bendEnd(right)
	}
	gap := lineGap{Width: gapWidth(right, bend)}
	gap.Wires = bendWires(right, scale, bend)
	for _, n := range right {
		gap.lead(n, scale, bend)
	}
	slices.SortStableFunc(gap.Wires, func(a, b lineWire) int { return wireLayer(a) - wireLayer(b) })
	return gap
}

// gapAfter draws the wires that leave a band to the next one.
func gapAfter(right []*lineNode, scale lineScale) lineGap {
	bend := bendEnd(right)
	gap := lineGap{Width: bend + 28, Wires: bendWires(right, scale, bend)}
	for _, n := range right {
		y := scale.y(n)
		gap.Wires = append(gap.Wires,
			lineWire{D: fmt.Sprintf("M%d %dh20", bend, y), Cold: allCold(n.ins)},
			lineWire{D: fmt.Sprintf("M%d %dl5 5l-5 5", bend+17, y-5), Cold: false})
	}
	return gap
}

// bendWires are the bends of a gap; what comes of one node begins together and
// what goes into one ends together.
func bendWires(right []*lineNode, scale lineScale, bend int) []lineWire {
	if bend == 0 {
		return nil
	}
	var wires []lineWire
	for _, n := range right {
		for _, in := range n.ins {
			d := bendPath(scale.y(in), scale.y(n), bend)
			wires = append(wires, lineWire{D: d, Cold: in.cold})
			if n.flows() && !in.cold {
				wires = append(wires, lineWire{D: d, Flow: true})
			}
		}
	}
	return wires
}

func bendPath(from, to, bend int) string {
	if from == to {
		return fmt.Sprintf("M0 %dH%d", from, bend)
	}
	return fmt.Sprintf("M0 %dh8C%d %d %d %d %d %d", from, bend-12, from, bend-22, to, bend, to)
}

// lead draws the last stretch into a station, with its switch if it has one.
func (g *lineGap) lead(n *lineNode, scale lineScale, bend int) {
	y := scale.y(n)
	b := n.breaker()
	if b == nil {
		g.stretch(bend, g.Width, y, n.cold, n.flows())
		return
	}
	x := bend + pileWidth
	g.stretch(bend, x, y, allCold(n.ins), n.flows() && b.State != "open")
	g.stretch(x+switchWidth, g.Width, y, n.cold || b.State == "open", n.flows())
	s := lineSwitch{
		Breaker: *b, TextX: x - 12, NameY: y + scale.label, StateY: y + scale.label + 16,
		Transform: fmt.Sprintf("translate(%d %d)", x, y-22),
	}
	var pile strings.Builder
	for i := range b.ticks() {
		fmt.Fprintf(&pile, "M%d %dv14", x-4-4*i, y-7)
	}
	s.Pile = pile.String()
	g.Switches = append(g.Switches, s)
}

func (g *lineGap) stretch(from, to, y int, cold, flow bool) {
	d := fmt.Sprintf("M%d %dH%d", from, y, to)
	g.Wires = append(g.Wires, lineWire{D: d, Cold: cold})
	if flow && !cold {
		g.Wires = append(g.Wires, lineWire{D: d, Flow: true})
	}
}

// flows says whether rows come into a station; a passing wire asks where it goes.
func (n *lineNode) flows() bool {
	if n.step != nil {
		return n.step.Flow
	}
	return slices.ContainsFunc(n.outs, (*lineNode).flows)
}

func allCold(nodes []*lineNode) bool {
	return len(nodes) > 0 && !slices.ContainsFunc(nodes, func(n *lineNode) bool { return !n.cold })
}

// wireLayer puts live wires over cold ones and beads over both.
func wireLayer(w lineWire) int {
	switch {
	case w.Flow:
		return 2
	case w.Cold:
		return 0
	default:
		return 1
	}
}
