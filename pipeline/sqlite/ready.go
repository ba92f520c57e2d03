package sqlite

import (
	"cmp"
	"slices"
)

// entry is a cell in its queue, in sixteen bytes: ten million of them take
// 160 MB.
type entry struct {
	due int64
	key int64 // row << 1 | 1 with an entry that waits for its backoff
}

func newEntry(due, row int64, retrying bool) entry {
	return entry{due, row<<1 | boolInt(retrying)}
}

func (e entry) row() int64     { return e.key >> 1 }
func (e entry) retrying() bool { return e.key&1 == 1 }

func (e entry) compare(f entry) int {
	return cmp.Or(cmp.Compare(e.due, f.due), cmp.Compare(e.key, f.key))
}

func (e entry) before(f entry) bool {
	return e.due < f.due || e.due == f.due && e.key < f.key
}

// queue is one step's queue and who waits for work. Every open cell is in here.
// An entry may be out of date (its row was discarded, or the group that queued
// it failed): claim finds out.
type queue struct {
	id       int64
	pipe     int64 // number of the pipeline
	pipeline string
	step     string
	tally    *tally // the step's

	line    line    // what came in the order of its time: nearly everything
	heap    []entry // what did not
	waiters []*waiter
}

func (w *writer) queue(step int64) *queue {
	q, ok := w.queues[step]
	if !ok {
		n := w.db.names.Load()
		q = &queue{id: step, pipe: n.keys[step].parent, tally: w.tally(step)}
		q.pipeline, q.step = n.step(step)
		w.queues[step] = q
	}
	return q
}

func (q *queue) len() int { return q.line.n + len(q.heap) }

// push keeps entries far in the future out of the line, behind which everything
// else would be out of order.
func (q *queue) push(e entry) {
	if !e.retrying() && (q.line.n == 0 || q.line.last.before(e)) {
		q.line.push(e)
		return
	}
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 && e.before(q.heap[(i-1)/2]) {
		q.heap[i] = q.heap[(i-1)/2]
		i = (i - 1) / 2
	}
	q.heap[i] = e
}

// first answers the entry due first.
func (q *queue) first() (e entry, ok bool) {
	switch {
	case q.line.n == 0 && len(q.heap) == 0:
		return e, false
	case q.line.n == 0 || len(q.heap) > 0 && q.heap[0].before(q.line.first()):
		return q.heap[0], true
	}
	return q.line.first(), true
}

// pop removes the entry due first.
func (q *queue) pop() {
	if q.line.n == 0 || len(q.heap) > 0 && q.heap[0].before(q.line.first()) {
		q.popHeap()
	} else {
		q.line.pop()
	}
}

func (q *queue) popHeap() {
	n := len(q.heap) - 1
	last, i := q.heap[n], 0
	q.heap = q.heap[:n]
	for {
		down := 2*i + 1
		if down+1 < n && q.heap[down+1].before(q.heap[down]) {
			down++
		}
		if down >= n || !q.heap[down].before(last) {
			break
		}
		q.heap[i] = q.heap[down]
		i = down
	}
	if n > 0 {
		q.heap[i] = last
	} else if cap(q.heap) > lineChunk {
		q.heap = nil
	}
}

// each calls fn for every entry, roughly in order or from behind.
func (q *queue) each(backward bool, fn func(entry)) {
	for _, e := range q.heap {
		fn(e)
	}
	for i := range q.line.chunks {
		if backward {
			i = len(q.line.chunks) - 1 - i
		}
		chunk := q.line.chunks[i]
		if i == 0 {
			chunk = chunk[q.line.head:]
		}
		for j := range chunk {
			if backward {
				j = len(chunk) - 1 - j
			}
			fn(chunk[j])
		}
	}
}

// fill makes a queue of what was found on disk.
func (q *queue) fill(es []entry) {
	slices.SortFunc(es, entry.compare)
	q.line, q.heap = line{}, nil
	for _, e := range es {
		q.push(e)
	}
}

// line is a first-in-first-out list that grows and shrinks in chunks.
type line struct {
	chunks [][]entry
	head   int // in the first chunk
	n      int
	last   entry
}

const lineChunk = 1024

func (l *line) push(e entry) {
	at := len(l.chunks) - 1
	if at < 0 || len(l.chunks[at]) == lineChunk {
		l.chunks = append(l.chunks, make([]entry, 0, lineChunk))
		at++
	}
	l.chunks[at] = append(l.chunks[at], e)
	l.n++
	l.last = e
}

func (l *line) first() entry { return l.chunks[0][l.head] }

func (l *line) pop() {
	l.head++
	l.n--
	if l.head < len(l.chunks[0]) {
		return
	}
	l.head = 0
	if len(l.chunks) == 1 {
		l.chunks[0] = l.chunks[0][:0]
		return
	}
	l.chunks[0] = nil
	l.chunks = l.chunks[1:]
}
