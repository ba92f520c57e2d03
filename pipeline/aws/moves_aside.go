package aws

import (
	"context"
	"errors"
	"time"

	"redrive/pipeline"
)

// Discard sets rows aside. Their messages stay in the queues and are dropped
// when they are received.
func (mv moves) Discard(ctx context.Context, entry *pipeline.Entry, operation, reason string, rows ...string) ([]error, error) {
	return mv.each(ctx, entry, rows, func(r *row) bool { return r.aside == nil }, func(r *row) error {
		return mv.discard(ctx, r, &aside{Op: operation, Reason: reason, At: time.Now().UnixMilli()})
	})
}

// Restore takes rows back.
func (mv moves) Restore(ctx context.Context, entry *pipeline.Entry, operation string, rows ...string) ([]error, error) {
	return mv.each(ctx, entry, rows, func(r *row) bool { return r.aside != nil }, func(r *row) error { return mv.restore(ctx, r) })
}

// each does something with every row that allows it, once a row.
func (mv moves) each(ctx context.Context, entry *pipeline.Entry, rows []string, allows func(*row) bool, do func(*row) error) ([]error, error) {
	answers := make([]error, len(rows))
	place := map[string]int{}
	var order []string
	for i, text := range rows {
		if _, twice := place[text]; twice {
			answers[i] = pipeline.ErrChanged
			continue
		}
		place[text] = i
		order = append(order, text)
	}
	can := func(ctx context.Context, text string) (bool, error) {
		r, err := mv.s.readRow(ctx, text)
		return err == nil && r != nil && allows(r), err
	}
	return answers, mv.audited(ctx, entry, order, can, func(text string) (bool, error) {
		r, err := mv.s.readRow(ctx, text)
		switch {
		case err != nil:
			return false, err
		case r == nil:
			err = pipeline.ErrNotFound
		case !allows(r):
			err = pipeline.ErrChanged
		default:
			err = do(r)
		}
		if errors.Is(err, errMoved) {
			err = pipeline.ErrChanged
		}
		answers[place[text]] = err
		if !isAnswer(err) {
			answers[place[text]] = nil
			return false, err
		}
		return err == nil, nil
	})
}

// discard writes the list's entry, then the flag: an entry of a row that is not
// aside is passed over. Its dead letters leave the lists after.
func (mv moves) discard(ctx context.Context, r *row, a *aside) error {
	if err := mv.s.table.put(ctx, keyOf(asidePK(r.pipeline()), r.id.text)); err != nil {
		return err
	}
	if err := mv.s.asideOf(ctx, a.Op, r.id.text, movedAside); err != nil {
		return err
	}
	after, err := mv.s.write(ctx, r.id, &change{token: tokenText(randomToken()), setAside: a})
	if err != nil {
		return err
	}
	mv.s.leases.aside(r.id.text, true, after.graph.Nodes())
	for _, n := range after.graph.Nodes() {
		if c := after.cells[n.Name]; c.State == cellDead {
			if err := mv.s.unlistLetter(ctx, after, n.Name, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// restore takes the flag away and queues each open step anew, in a new
// generation: whether its old message is still there nobody knows. A step that
// runs keeps its cell; its message comes back if its worker does not settle.
func (mv moves) restore(ctx context.Context, r *row) error {
	if err := mv.s.reopen(ctx, r); err != nil {
		return err
	}
	now := time.Now()
	ch := &change{token: tokenText(randomToken()), set: map[string]cell{}, was: map[string]string{}, takeBack: r.item.str(attrAside)}
	if !r.rejected() {
		for _, n := range r.graph.Nodes() {
			mv.wake(r, n.Name, ch, now)
		}
	}
	after, err := mv.s.write(ctx, r.id, ch)
	if err != nil {
		return err
	}
	mv.s.leases.aside(r.id.text, false, after.graph.Nodes())
	for _, step := range sortedKeys(ch.set) {
		soon, cancel := context.WithTimeout(ctx, sendFor)
		mv.s.sendPatiently(soon, pipeline.StepKey{Pipeline: r.pipeline(), Step: step}, messageBody(r.id.text, after.cells[step].Gen))
		cancel()
	}
	for _, n := range after.graph.Nodes() {
		if after.cells[n.Name].State == cellDead {
			if err := mv.s.bury(ctx, after, n.Name); err != nil {
				return err
			}
			mv.s.mirror.add(ctx, after, n.Name)
		}
	}
	if err := mv.s.asideOf(ctx, r.aside.Op, r.id.text, movedBack); err != nil {
		return err
	}
	return mv.s.table.delete(ctx, asidePK(r.pipeline()), r.id.text)
}

func (mv moves) wake(r *row, step string, ch *change, now time.Time) {
	c, ok := r.cell(step)
	if !ok || c.State != cellQueued && c.State != cellRetrying {
		return
	}
	if l := mv.s.leases.of(r.id.text, step); l != nil && mv.s.leases.runsOut(l).After(now) && l.base.Gen == c.Gen && l.base.Attempts == c.Attempts {
		return // it runs here
	}
	c.Gen, c.Seen, c.Token, c.Touched = c.Gen+1, 0, ch.token, now.UnixMilli()
	ch.set[step], ch.was[step] = c, r.raw[step]
}

// Discarded lists the rows an operation set aside and that still are.
func (mv moves) Discarded(ctx context.Context, operation, cursor string, limit int) (pipeline.Page[string], error) {
	var page pipeline.Page[string]
	q := query{pk: operationPK(operation), after: cursor, strong: true}
	var ids []string
	for it, err := range mv.s.table.items(ctx, q) {
		if err != nil {
			return page, err
		}
		if it.str(attrMoved) != movedAside {
			continue
		}
		if len(ids) == limit {
			page.Next = ids[limit-1]
			break
		}
		ids = append(ids, it.str(attrSK))
	}
	found, err := mv.s.rowsOf(ctx, ids)
	if err != nil {
		return page, err
	}
	for _, text := range ids {
		if r := found[text]; r != nil && r.aside != nil && r.aside.Op == operation {
			page.Items = append(page.Items, text)
		}
	}
	return page, nil
}

// rowsOf reads the flags of many rows, by id; those that do not exist are
// missing.
func (s *Store) rowsOf(ctx context.Context, ids []string) (map[string]*row, error) {
	keys := make([]item, 0, len(ids))
	asked := make(map[string]bool, len(ids)) // a key asked for twice is refused
	for _, text := range ids {
		if id, ok := parseID(text); ok && !asked[text] {
			asked[text] = true
			keys = append(keys, keyOf(id.pk(), id.text))
		}
	}
	items, err := s.table.getMany(ctx, keys, true)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*row, len(items))
	now := time.Now()
	for _, it := range items {
		r, err := s.row(ctx, it)
		if err != nil {
			return nil, err
		}
		if !r.expired(now) {
			found[r.id.text] = r
		}
	}
	return found, nil
}
