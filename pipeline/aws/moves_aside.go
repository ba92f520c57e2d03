package aws

import (
	"context"
	"errors"
	"time"

	"redrive/pipeline"
)

const attrBy = "by" // of an entry of the list: the operation that set the row aside

// Discard sets rows aside. Their messages stay in the queues and are dropped
// when they are received.
func (mv moves) Discard(ctx context.Context, entry *pipeline.Entry, operation, reason string, rows ...string) ([]error, error) {
	return mv.each(ctx, entry, rows, func(r *row) bool { return r.aside == nil }, func(r *row) error {
		return mv.discard(ctx, r, &aside{Op: operation, Reason: reason, At: time.Now().UnixMilli()})
	}, func(r *row) (bool, error) { return false, mv.unlist(ctx, r) })
}

// Restore takes rows back.
func (mv moves) Restore(ctx context.Context, entry *pipeline.Entry, operation string, rows ...string) ([]error, error) {
	return mv.each(ctx, entry, rows, func(r *row) bool { return r.aside != nil }, func(r *row) error { return mv.restore(ctx, r) },
		func(r *row) (bool, error) { return mv.restoreRest(ctx, r, operation) })
}

// each does something with every row that allows it, once a row. With one that
// does not, because it was done before, mend does what a crash may have left out;
// it answers whether there was anything.
func (mv moves) each(ctx context.Context, entry *pipeline.Entry, rows []string, allows func(*row) bool, do func(*row) error, mend func(*row) (bool, error)) ([]error, error) {
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
			var mended bool
			if mended, err = mend(r); err == nil && (!mended || entry != nil) {
				err = pipeline.ErrChanged
			}
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
	it := keyOf(asidePK(r.pipeline()), r.id.text)
	it[attrBy] = str(a.Op)
	if err := mv.s.table.put(ctx, it); err != nil {
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
	return mv.unlist(ctx, after)
}

// unlist takes the letters of a row that is aside off the lists.
func (mv moves) unlist(ctx context.Context, r *row) error {
	for _, n := range r.graph.Nodes() {
		if c := r.cells[n.Name]; c.State == cellDead {
			if err := mv.s.unlistLetter(ctx, r, n.Name, c); err != nil {
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
	return mv.takenBack(ctx, after, r.aside.Op, sortedKeys(ch.set))
}

// takenBack sees to all that follows from a row being taken back: messages, dead
// letters, the operation's count, and last the entry of the list, by which a
// restore that was cut off is known.
func (mv moves) takenBack(ctx context.Context, r *row, operation string, send []string) error {
	for _, step := range send {
		c, _ := r.cell(step)
		soon, cancel := context.WithTimeout(ctx, sendFor)
		mv.s.sendPatiently(soon, pipeline.StepKey{Pipeline: r.pipeline(), Step: step}, messageBody(r.id.text, c.Gen))
		cancel()
	}
	for _, n := range r.graph.Nodes() {
		if r.cells[n.Name].State == cellDead {
			if err := mv.s.bury(ctx, r, n.Name); err != nil {
				return err
			}
			mv.s.mirror.add(ctx, r, n.Name)
		}
	}
	if err := mv.s.asideOf(ctx, operation, r.id.text, movedBack); err != nil {
		return err
	}
	return mv.s.table.delete(ctx, asidePK(r.pipeline()), r.id.text)
}

// restoreRest goes on with a restore that was cut off after the row was taken
// back. Messages that are sent twice are dropped.
func (mv moves) restoreRest(ctx context.Context, r *row, operation string) (bool, error) {
	it, err := mv.s.table.get(ctx, asidePK(r.pipeline()), r.id.text, true)
	if err != nil {
		return false, err
	}
	if it == nil {
		return false, mv.s.backAgain(ctx, operation, r.id.text)
	}
	var open []string
	for _, n := range r.graph.Nodes() {
		if c, ok := r.cell(n.Name); ok && (c.State == cellQueued || c.State == cellRetrying) {
			open = append(open, n.Name)
		}
	}
	return true, mv.takenBack(ctx, r, it.str(attrBy), open)
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
		if r := found[text]; r != nil && (r.aside == nil || r.aside.Op == operation) { // or a restore was cut off
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
