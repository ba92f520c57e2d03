package sqlite

import (
	"slices"

	"redrive/pipeline"
)

// run walks through the candidates; one match more than asked for tells that
// there is a next page.
func (sc *rowScan) run(from *few) error {
	for {
		seqs, err := sc.candidates(from)
		if err != nil {
			return err
		}
		if len(seqs) == 0 {
			if from != nil && from.more {
				sc.page.Next = formatID(sc.last)
			}
			return nil
		}
		for _, seq := range seqs {
			if sc.used.spent() {
				sc.page.Next = formatID(sc.last)
				return nil
			}
			more, err := sc.look(seq)
			if err != nil || !more {
				return err
			}
		}
	}
}

// look takes one candidate into the page if it matches; false ends the walk.
func (sc *rowScan) look(seq int64) (more bool, err error) {
	r, err := sc.db.loadRow(sc.c, seq)
	if err != nil {
		return false, err
	}
	ok := r != nil && sc.fits(&r.Row) && (sc.match == nil || sc.match.cells(&r.Row))
	if ok && sc.f.Query != "" {
		var size int
		if ok, size, err = sc.match.text(sc.c, seq, &r.Row); err != nil {
			return false, err
		}
		sc.used.bytes += size
	}
	if ok {
		if len(sc.page.Items) == sc.limit {
			sc.page.Next = formatID(sc.last)
			return false, nil
		}
		sc.page.Items = append(sc.page.Items, r.Row)
	}
	if sc.f.Query != "" {
		sc.page.Scanned++
	}
	sc.used.rows++
	sc.last = seq
	return true, nil
}

// fits tells whether a candidate lies in one of the spans; those found by queue
// may not.
func (sc *rowScan) fits(r *pipeline.Row) bool {
	return (sc.f.Pipeline == "" || sc.f.Pipeline == r.Pipeline) && slices.Contains(sc.wanted, statusNumber(r.Status))
}

// candidates answers the next of them in order.
func (sc *rowScan) candidates(from *few) ([]int64, error) {
	lo, hi := sc.lo, sc.hi
	if sc.used.rows > 0 {
		if sc.f.Oldest {
			lo = sc.last
		} else {
			hi = sc.last
		}
	}
	if from != nil {
		if sc.used.rows > 0 {
			return nil, nil
		}
		return from.rows, nil
	}
	n := scanChunk
	if sc.match == nil {
		n = sc.limit + 1 - len(sc.page.Items)
	}
	var seqs []int64
	if sc.all {
		return seqs, sc.read(&seqs, "SELECT seq FROM flow WHERE seq > ?1 AND seq < ?2", 0, lo, hi, n)
	}
	for _, sp := range sc.spans {
		err := sc.read(&seqs, spanQuery, sp, lo, hi, n)
		if err != nil {
			return nil, err
		}
	}
	sc.sort(seqs)
	return seqs[:min(n, len(seqs))], nil
}

const spanQuery = "SELECT seq FROM flow WHERE span = ?4 AND seq > ?1 AND seq < ?2"

func (sc *rowScan) read(seqs *[]int64, query string, sp, lo, hi int64, n int) error {
	if sc.f.Oldest {
		query += " ORDER BY seq LIMIT ?3 + 0"
	} else {
		query += " ORDER BY seq DESC LIMIT ?3 + 0"
	}
	s := sc.c.prep(query).int(1, lo).int(2, hi).int(3, int64(n))
	if sp != 0 {
		s.int(4, sp)
	}
	return s.each(func() bool { *seqs = append(*seqs, s.i64(0)); return true })
}

func (sc *rowScan) sort(seqs []int64) {
	slices.Sort(seqs)
	if !sc.f.Oldest {
		slices.Reverse(seqs)
	}
}
