package sqlite

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"redrive/pipeline"
)

type cellKey struct{ row, step int64 }

// lease is a cell in the hands of a worker.
type lease struct {
	token    int64 // 0: the place is free
	row      int64
	q        *queue
	deadline int64
	pos      int // in the heap of deadlines
	slot     int64
}

// leases are all cells in hand, by place, by cell and by deadline.
type leases struct {
	slots  []*lease
	free   []int64
	byCell map[cellKey]*lease
	heap   []*lease // by deadline
	token  int64

	// What the running group took and ended, to be undone if it fails.
	taken []*lease
	ended []lease
}

// newLeases begins at a random token, so that no delivery of an earlier life of
// the process ever fits.
func newLeases() leases {
	var b [8]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	return leases{byCell: map[cellKey]*lease{}, token: int64(binary.BigEndian.Uint64(b[:]) >> 2)}
}

func (ls *leases) take(l lease) *lease {
	ls.token++
	l.token = ls.token
	p := ls.place()
	l.slot = p.slot
	*p = l
	ls.byCell[cellKey{l.row, l.q.id}] = p
	ls.taken = append(ls.taken, p)
	ls.enter(p)
	return p
}

func (ls *leases) place() *lease {
	if n := len(ls.free); n > 0 {
		slot := ls.free[n-1]
		ls.free = ls.free[:n-1]
		return ls.slots[slot]
	}
	p := &lease{slot: int64(len(ls.slots))}
	ls.slots = append(ls.slots, p)
	return p
}

// find answers the lease of a receipt, nil if it is no longer the current one.
func (ls *leases) find(r pipeline.Receipt) *lease {
	if r.Slot < 0 || r.Slot >= int64(len(ls.slots)) || r.Token == 0 {
		return nil
	}
	if l := ls.slots[r.Slot]; l.token == r.Token && l.row == r.Key {
		return l
	}
	return nil
}

func (ls *leases) end(l *lease) {
	ls.ended = append(ls.ended, *l)
	ls.drop(l)
}

func (ls *leases) drop(l *lease) {
	delete(ls.byCell, cellKey{l.row, l.q.id})
	ls.leave(l)
	ls.free = append(ls.free, l.slot)
	l.token = 0
}

// commit forgets how to undo.
func (ls *leases) commit() { ls.taken, ls.ended = ls.taken[:0], ls.ended[:0] }

// undo takes back what the group did.
func (ls *leases) undo() {
	for _, l := range ls.taken {
		if l.token != 0 {
			ls.drop(l)
		}
	}
	for _, old := range ls.ended {
		p := ls.slots[old.slot]
		if i := slices.Index(ls.free, old.slot); i >= 0 {
			ls.free = slices.Delete(ls.free, i, i+1)
		}
		*p = old
		ls.byCell[cellKey{p.row, p.q.id}] = p
		ls.enter(p)
	}
	ls.commit()
}

func (ls *leases) enter(l *lease) {
	l.pos = len(ls.heap)
	ls.heap = append(ls.heap, l)
	ls.up(l.pos)
}

func (ls *leases) leave(l *lease) {
	i, last := l.pos, len(ls.heap)-1
	ls.swap(i, last)
	ls.heap[last] = nil
	ls.heap = ls.heap[:last]
	if i < last {
		ls.fix(i)
	}
}

func (ls *leases) extend(l *lease, deadline int64) {
	l.deadline = deadline
	ls.fix(l.pos)
}

func (ls *leases) fix(i int) {
	if !ls.down(i) {
		ls.up(i)
	}
}

func (ls *leases) less(i, j int) bool {
	return cmp.Compare(ls.heap[i].deadline, ls.heap[j].deadline) < 0
}

func (ls *leases) swap(i, j int) {
	ls.heap[i], ls.heap[j] = ls.heap[j], ls.heap[i]
	ls.heap[i].pos, ls.heap[j].pos = i, j
}

func (ls *leases) up(i int) {
	for i > 0 && ls.less(i, (i-1)/2) {
		ls.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (ls *leases) down(i int) bool {
	start := i
	for {
		c := 2*i + 1
		if c >= len(ls.heap) {
			break
		}
		if c+1 < len(ls.heap) && ls.less(c+1, c) {
			c++
		}
		if !ls.less(c, i) {
			break
		}
		ls.swap(i, c)
		i = c
	}
	return i > start
}
