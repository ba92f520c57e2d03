package views

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// linePlan is a line ready to be written out.
type linePlan struct {
	Bands    []lineBand
	Rails    int  // lanes of the rail when the line stands
	Standing bool // too wide a graph to lie: it always stands
}

// lineBand is a stretch of ranks side by side.
type lineBand struct {
	Cells      []lineCell
	Out        *lineGap // leaves for the next band
	Rows       int      // half lanes
	Mid        int      // ranks between the ends
	Start, End bool
}

// lineCell is a station, or with no step the place where a wire passes.
type lineCell struct {
	*lineNode
	Column int
	Row    int      // the half lane it begins at
	Gap    *lineGap // before its rank, with the first of the rank
	Rail   railStop
}

// The classes of the style sheet reach this far; a larger graph stands up.
const (
	maxHalfLanes = 40
	maxMidRanks  = 10
)

// planLine lays a line out.
func planLine(p LineProps) linePlan {
	ranks := lineGraph(p)
	placeLine(ranks)
	rails, lanes := railsOf(ranks)
	plan := linePlan{Rails: lanes}
	cuts := bandCuts(ranks)
	for i, cut := range cuts {
		from := 0
		if i > 0 {
			from = cuts[i-1]
		}
		scale := scaleOf(p.Row)
		top, rows := extent(ranks[from:min(cut+1, len(ranks))])
		scale.top = top
		plan.Standing = plan.Standing || rows > maxHalfLanes
		band := bandOf(ranks[from:cut], scale, from > 0)
		band.Rows = rows
		if cut < len(ranks) {
			out := gapAfter(ranks[cut], scale)
			out.Column = 2*(cut-from) + 1
			band.Out = &out
		}
		band.setHeight(rows * scale.lane / 2)
		for k := range band.Cells {
			band.Cells[k].Rail = rails[band.Cells[k].lineNode]
		}
		plan.Bands = append(plan.Bands, band)
	}
	return plan
}

func bandOf(ranks [][]*lineNode, scale lineScale, continued bool) lineBand {
	band := lineBand{Mid: len(ranks)}
	for r, rank := range ranks {
		for i, n := range rank {
			cell := lineCell{lineNode: n, Column: 2*r + 2, Row: int(math.Round((n.y - scale.top) * 2))}
			if i == 0 && n.rank > 0 {
				gap := gapBefore(rank, scale, r > 0 || !continued)
				gap.Column = 2*r + 1
				cell.Gap = &gap
			}
			band.Cells = append(band.Cells, cell)
			if n.end {
				band.Mid--
				band.Start = band.Start || n.id == startID
				band.End = band.End || n.id == endID
			}
		}
	}
	return band
}

// extent is the first lane of a stretch of ranks and how many half lanes it has.
func extent(ranks [][]*lineNode) (top float64, rows int) {
	top, bottom := math.Inf(1), 0.0
	for _, rank := range ranks {
		for _, n := range rank {
			top, bottom = min(top, n.y), max(bottom, n.y)
		}
	}
	if math.IsInf(top, 1) {
		return 0, 2
	}
	return top, int(math.Round((bottom-top)*2)) + 2
}

func (b *lineBand) setHeight(height int) {
	for _, cell := range b.Cells {
		if cell.Gap != nil {
			cell.Gap.Height = height
		}
	}
	if b.Out != nil {
		b.Out.Height = height
	}
}

// bandCuts says before which ranks the line is broken, so that each band fits a
// panel and none is much shorter than the others. The last cut is the end.
func bandCuts(ranks [][]*lineNode) []int {
	widths := make([]int, len(ranks))
	total := 0
	for r, rank := range ranks {
		widths[r] = stationWidth
		if rank[0].end {
			widths[r] = endWidth
		}
		if r > 0 {
			widths[r] += gapWidth(rank, bendEnd(rank))
		}
		total += widths[r]
	}
	bands := (total + bandWidth - 1) / bandWidth
	var cuts []int
	used := 0
	for r, width := range widths {
		share := total * (len(cuts) + 1) / max(1, bands)
		over := used+width/2 > share
		if over && len(cuts) < bands-1 && r > 0 && !rankEnds(ranks[r]) {
			cuts = append(cuts, r)
		}
		used += width
	}
	return append(cuts, len(ranks))
}

func rankEnds(rank []*lineNode) bool {
	return slices.ContainsFunc(rank, func(n *lineNode) bool { return n.end })
}

func (b lineBand) class(p LineProps, plan linePlan) string {
	list := []string{"line-plan", "rail-" + strconv.Itoa(min(plan.Rails, maxRails))}
	if !plan.Standing && b.Mid <= maxMidRanks {
		list = append(list, "lying", "mid-"+strconv.Itoa(b.Mid), "rows-"+strconv.Itoa(b.Rows))
	}
	if p.Row {
		list = append(list, "is-row")
	}
	if b.Start {
		list = append(list, "has-start")
	}
	if b.End {
		list = append(list, "has-end")
	}
	return strings.Join(list, " ")
}

func columnClass(column int) string { return "c-" + strconv.Itoa(column) }

// place is where a cell stands in the grid of half lanes.
func (c lineCell) place() string {
	return fmt.Sprintf("c-%d at-%d", c.Column, c.Row)
}

// guard says in words what joins here.
func (c lineCell) guard() string {
	if c.step == nil || len(c.Rail.Needs) < 2 {
		return ""
	}
	word := "needs "
	if c.end {
		word = "after "
	}
	last := len(c.Rail.Needs) - 1
	return word + strings.Join(c.Rail.Needs[:last], ", ") + " and " + c.Rail.Needs[last]
}

// clip keeps a name inside the gap; the whole stands in its title.
func clip(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
