package views

import (
	"cmp"
	"math"
	"slices"
)

// placeLine orders the nodes of each rank so that wires cross little, and gives
// each a lane: near what it is joined to, never closer than one lane to another.
// Lanes are halves of a lane apart at least, counted from 0.
func placeLine(ranks [][]*lineNode) {
	orderRanks(ranks)
	for _, rank := range ranks {
		for i, n := range rank {
			n.y = float64(i) - float64(len(rank)-1)/2
		}
	}
	for range 8 {
		for _, rank := range ranks {
			settle(rank, func(n *lineNode) []*lineNode { return n.ins })
		}
		for _, rank := range slices.Backward(ranks) {
			settle(rank, func(n *lineNode) []*lineNode { return n.outs })
		}
	}
	for _, rank := range ranks {
		settle(rank, (*lineNode).busier)
	}
	snap(ranks)
}

// orderRanks sorts each rank by the mean place of its neighbours, to and fro.
func orderRanks(ranks [][]*lineNode) {
	sortBy := func(rank, beside []*lineNode, joined func(*lineNode) []*lineNode) {
		at := map[*lineNode]float64{}
		for i, n := range beside {
			at[n] = float64(i)
		}
		mean := map[*lineNode]float64{}
		for i, n := range rank {
			mean[n] = float64(i)
			if others := joined(n); len(others) > 0 {
				mean[n] = 0
				for _, other := range others {
					mean[n] += at[other] / float64(len(others))
				}
			}
		}
		slices.SortStableFunc(rank, func(a, b *lineNode) int { return cmp.Compare(mean[a], mean[b]) })
	}
	for range 3 {
		for r := 1; r < len(ranks); r++ {
			sortBy(ranks[r], ranks[r-1], func(n *lineNode) []*lineNode { return n.ins })
		}
		for r := len(ranks) - 2; r >= 0; r-- {
			sortBy(ranks[r], ranks[r+1], func(n *lineNode) []*lineNode { return n.outs })
		}
	}
}

// settle moves the nodes of a rank as near to their neighbours as order and one
// lane of distance allow: a least-squares fit by pooling neighbours that collide.
func settle(rank []*lineNode, joined func(*lineNode) []*lineNode) {
	type pool struct {
		sum  float64
		size int
	}
	var pools []pool
	for i, n := range rank {
		pools = append(pools, pool{wanted(n, joined(n)) - float64(i), 1})
		for k := len(pools) - 1; k > 0 && mean(pools[k-1].sum, pools[k-1].size) > mean(pools[k].sum, pools[k].size); k-- {
			pools[k-1].sum += pools[k].sum
			pools[k-1].size += pools[k].size
			pools = pools[:k]
		}
	}
	i := 0
	for _, p := range pools {
		for range p.size {
			rank[i].y = mean(p.sum, p.size) + float64(i)
			i++
		}
	}
}

func mean(sum float64, n int) float64 { return sum / float64(n) }

// wanted is the mean of the neighbours; a wire that passes pulls harder, so that
// long wires are straight and the bends are at their ends.
func wanted(n *lineNode, others []*lineNode) float64 {
	if len(others) == 0 {
		return n.y
	}
	var sum, weights float64
	for _, other := range others {
		weight := 1.0
		if n.thin() && other.thin() && (n.step == nil || other.step == nil) {
			weight = 8
		}
		sum += weight * other.y
		weights += weight
	}
	return sum / weights
}

// busier is the side with more wires, so that a fork and a join lie in the middle
// of their branches; with as many on both, it is both.
func (n *lineNode) busier() []*lineNode {
	switch {
	case len(n.ins) > len(n.outs):
		return n.ins
	case len(n.outs) > len(n.ins):
		return n.outs
	default:
		return append(slices.Clone(n.ins), n.outs...)
	}
}

// thin says that one wire comes in and one goes out.
func (n *lineNode) thin() bool { return len(n.ins) <= 1 && len(n.outs) <= 1 }

// snap rounds to half lanes, keeps the distance and counts from the top.
func snap(ranks [][]*lineNode) {
	top := math.Inf(1)
	for _, rank := range ranks {
		for i, n := range rank {
			n.y = math.Round(n.y*2) / 2
			if i > 0 {
				n.y = max(n.y, rank[i-1].y+1)
			}
			top = min(top, n.y)
		}
	}
	for _, rank := range ranks {
		for _, n := range rank {
			n.y -= top
		}
	}
}
