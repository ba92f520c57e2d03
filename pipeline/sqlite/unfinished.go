package sqlite

import (
	"context"
	"slices"
	"time"

	"redrive/pipeline"
)

// unfinishedScan bounds how many rows one call of Unfinished looks at.
const unfinishedScan = 5000

// Unfinished lists rows under way that nobody touched since before.
func (s rowStore) Unfinished(ctx context.Context, pipe string, before time.Time, cursor string, limit int) (page pipeline.Page[pipeline.Row], err error) {
	if err := s.db.usable(ctx); err != nil {
		return page, err
	}
	after, ok := int64(0), true
	if cursor != "" {
		if after, ok = parseID(cursor); !ok {
			return page, badCursor()
		}
	}
	limit, border := clampLimit(limit), millis(before)
	id, ok := s.db.names.Load().id(namePipeline, 0, pipe)
	if !ok {
		return page, nil
	}
	err = s.db.read(ctx, func(c *conn) error {
		seqs, err := unfinished(c, id, after, firstID(border))
		if err != nil {
			return err
		}
		for i, seq := range seqs {
			r, err := s.db.loadRow(c, seq)
			if err != nil {
				return err
			}
			if r != nil && lastTouched(r.cells) < border {
				page.Items = append(page.Items, r.Row)
			}
			if more := i+1 < len(seqs) || len(seqs) == unfinishedScan; more && (len(page.Items) == limit || i+1 == len(seqs)) {
				page.Next = formatID(seq)
				return nil
			}
		}
		return nil
	})
	return page, err
}

func lastTouched(cells []cell) (at int64) {
	for _, c := range cells {
		if c.state != cellWaiting {
			at = max(at, c.touched)
		}
	}
	return at
}

// unfinished lists rows that are accepted, in_progress or dead, oldest first.
func unfinished(c *conn, pipe, after, before int64) ([]int64, error) {
	var seqs []int64
	for _, status := range []int64{rowAccepted, rowInProgress, rowDead} {
		s := c.prep("SELECT seq FROM flow WHERE span = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ? + 0")
		err := s.int(1, span(pipe, status)).int(2, after).int(3, before).int(4, unfinishedScan).each(func() bool {
			seqs = append(seqs, s.i64(0))
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(seqs)
	return seqs[:min(len(seqs), unfinishedScan)], nil
}
