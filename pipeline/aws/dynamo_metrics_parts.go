package aws

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	finalAfter = 2 * time.Minute  // after its end a slot has been written by everybody
	partFor    = 10 * time.Minute // then it is read anew: somebody may have been late after all
	cellsMost  = 400_000          // kept decoded: 16 MB
	partsMost  = 64
)

// partKey names a partition of the table.
type partKey struct {
	grain string
	n     int64 // spans since 1970
}

func (g *grain) partOf(at int64) partKey { return partKey{g.name, at / int64(g.span/time.Second)} }

func (k partKey) pk() string { return fmt.Sprintf("T#%s#%d", k.grain, k.n) }

func (k partKey) start(g *grain) int64 { return k.n * int64(g.span/time.Second) }

func (k partKey) end(g *grain) int64 { return (k.n + 1) * int64(g.span/time.Second) }

// part is what this process has read of a partition. One caller at a time reads
// and uses it.
type part struct {
	key    partKey
	made   time.Time
	busy   turn
	upTo   int64 // slots before it are final; they are in cells
	cells  map[series][]slotCell
	newest []ownedItem
	asOf   time.Time // when newest was read

	size  int // number of cells; guarded by the metrics' lock, as is all below
	users int
	used  time.Time
}

// slotCell is one slot of one series, of all processes together.
type slotCell struct {
	at int64
	sums
}

// ownedItem is what one process stored of a slot.
type ownedItem struct {
	at     int64
	id     string
	points map[series]sums
}

// ours tells whether this process has the slot in its memory, where it may be
// newer than the item.
func (it ownedItem) ours(own map[int64]*ownSlot) bool {
	s := own[it.at]
	return s != nil && s.id == it.id
}

// take returns the memory of a partition, to be given back. If there is too
// much it forgets the one that was not used for longest.
func (m *metrics) take(key partKey, g *grain, now time.Time) *part {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.parts[key]
	if p == nil || p.users == 0 && now.Sub(p.made) >= partFor {
		p = &part{key: key, made: now, busy: newTurn(), upTo: key.start(g), cells: map[series][]slotCell{}}
		m.parts[key] = p
	}
	p.users, p.used = p.users+1, now
	var size int
	var oldest *part
	for _, idle := range m.parts {
		size += idle.size
		if idle.users == 0 && (oldest == nil || idle.used.Before(oldest.used)) {
			oldest = idle
		}
	}
	if oldest != nil && (size > cellsMost || len(m.parts) > partsMost) {
		delete(m.parts, oldest.key)
	}
	return p
}

func (m *metrics) giveBack(p *part) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.users--
}

// read brings a part up to date for slots before to: the final ones are read
// once, the newest again when they were read half a flush ago.
func (m *metrics) read(ctx context.Context, g *grain, p *part, to int64, now time.Time) error {
	if end := p.key.end(g); min(to, end) <= p.upTo || now.Sub(p.asOf) < m.every/2 {
		return nil
	}
	border := max(p.upTo, min(now.Add(-finalAfter).Truncate(g.slot).Unix(), p.key.end(g)))
	var final, newest []ownedItem
	for it, err := range m.t.items(ctx, query{pk: p.key.pk(), from: slotKey(p.upTo)}) {
		if err != nil {
			return err
		}
		switch read, err := readItem(it); {
		case err != nil: // it was not written by this program: no reason to show nothing at all
			m.log.WarnContext(ctx, "reading metrics", "error", err)
		case read.at < border:
			final = append(final, read)
		default:
			newest = append(newest, read)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range final {
		if !it.ours(g.own) { // else the part is read anew when the slot leaves the memory
			p.size += p.keep(it)
		}
	}
	p.newest, p.asOf, p.upTo = newest, now, border
	return nil
}

func readItem(it item) (ownedItem, error) {
	slot, id, _ := strings.Cut(it.str(attrSK), "#")
	at, err := strconv.ParseInt(slot, 10, 64)
	if err != nil {
		return ownedItem{}, unreadable(it, err)
	}
	points, err := unpackPoints(it)
	return ownedItem{at, id, points}, err
}

// keep adds an item to the cells and answers how many it made. Items come by
// ascending slots.
func (p *part) keep(it ownedItem) (made int) {
	for s, v := range it.points {
		list := p.cells[s]
		if n := len(list); n > 0 && list[n-1].at == it.at {
			list[n-1].sums = list[n-1].plus(v)
			continue
		}
		p.cells[s] = append(list, slotCell{it.at, v})
		made++
	}
	return made
}

// each hands what is stored in a window to add, but for what is in the memory.
func (p *part) each(w window, own map[int64]*ownSlot, add func(int64, sums)) {
	for _, c := range p.cells[w.series] {
		if w.has(c.at) {
			add(c.at, c.sums)
		}
	}
	for _, it := range p.newest {
		if v, ok := it.points[w.series]; ok && w.has(it.at) && !it.ours(own) {
			add(it.at, v)
		}
	}
}
