package aws

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"redrive/pipeline"
)

// moves puts steps back into their queues and rows aside.
type moves struct{ s *Store }

// Requeue moves steps, those of one row one after the other. The entry is
// written first, once it is known that a move can be made.
func (mv moves) Requeue(ctx context.Context, entry *pipeline.Entry, list ...pipeline.Move) ([]error, error) {
	answers := make([]error, len(list))
	byRow := map[string][]int{}
	var order []string
	for i, m := range list {
		if byRow[m.Row] == nil {
			order = append(order, m.Row)
		}
		byRow[m.Row] = append(byRow[m.Row], i)
	}
	can := func(ctx context.Context, text string) (bool, error) {
		r, err := mv.s.readRow(ctx, text)
		if err != nil || r == nil {
			return false, err
		}
		for _, i := range byRow[text] {
			if mv.allowed(r, &list[i]) == nil {
				return true, nil
			}
		}
		return false, nil
	}
	return answers, mv.audited(ctx, entry, order, can, func(text string) (bool, error) {
		moved := false
		for _, i := range byRow[text] {
			err := mv.requeue(ctx, &list[i])
			if !isAnswer(err) {
				return moved, err
			}
			answers[i] = err
			moved = moved || err == nil
		}
		return moved, nil
	})
}

// isAnswer tells the answers of single items from failures.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, pipeline.ErrChanged) || errors.Is(err, pipeline.ErrNotFound)
}

// audited writes the entry, if there is one and something can be done for at
// least one row, then does it for all rows, and then the entry says what came of
// it.
func (mv moves) audited(ctx context.Context, entry *pipeline.Entry, rows []string, can func(context.Context, string) (bool, error), do func(string) (bool, error)) error {
	var entered *announced
	if entry != nil {
		any, err := mv.anyOf(ctx, rows, can)
		if err == nil && any {
			entered, err = mv.s.audit.announce(ctx, entry)
		}
		if err != nil {
			return err
		}
	}
	errs := make([]error, len(rows))
	done := make([]bool, len(rows))
	allAtOnce(len(rows), func(i int) { done[i], errs[i] = do(rows[i]) })
	any := slices.Contains(done, true)
	var failed error
	for i := range rows {
		failed = cmp.Or(failed, errs[i])
	}
	if entered != nil {
		mv.s.audit.seal(ctx, entered, moveResult(entry, any, failed))
	}
	return failed
}

// moveResult is what the entry of a move says in the end.
func moveResult(entry *pipeline.Entry, any bool, failed error) string {
	switch {
	case failed != nil && any:
		return undoneInPart
	case failed != nil:
		return undoneByFailure
	case !any:
		return undoneByChange
	}
	return entry.Result
}

func (mv moves) anyOf(ctx context.Context, rows []string, can func(context.Context, string) (bool, error)) (bool, error) {
	for _, text := range rows {
		if ok, err := can(ctx, text); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// allowed tells whether a move may be made on a row as it is.
func (mv moves) allowed(r *row, m *pipeline.Move) error {
	if r.aside != nil || r.rejected() || !r.graph.Has(m.Step) {
		return pipeline.ErrChanged
	}
	state := pipeline.StateWaiting
	c, ok := mv.s.leases.over(r, time.Now()).cell(m.Step)
	if ok {
		state = c.state()
	}
	if state != m.If || state == pipeline.StateRunning || m.Letter != "" && (c.Dead == nil || c.Dead.ID != m.Letter) {
		return pipeline.ErrChanged
	}
	return nil
}

// requeue makes one move: the cell is queued in a new generation, so that older
// messages and the outcomes of older deliveries are stale; then its message is
// sent, then its dead letter goes. What was begun is not cut off.
func (mv moves) requeue(ctx context.Context, m *pipeline.Move) error {
	r, err := mv.s.readRow(ctx, m.Row)
	if err != nil {
		return err
	}
	if r == nil {
		return pipeline.ErrNotFound
	}
	if err := mv.allowed(r, m); err != nil {
		mv.sendAgain(ctx, r, m)
		return errors.Join(err, mv.s.forgetLetter(ctx, r, m))
	}
	ctx = context.WithoutCancel(ctx)
	if err := mv.s.reopen(ctx, r); err != nil {
		return err
	}
	if err := mv.s.operate(ctx, m.Operation, m.Row, m.Step); err != nil {
		return err
	}
	ch := mv.change(r, m)
	after, err := mv.s.write(ctx, r.id, ch)
	if errors.Is(err, errMoved) {
		// Whoever was faster, or this move itself whose answer got lost, may have left the letter.
		return errors.Join(pipeline.ErrChanged, mv.s.unoperate(ctx, m.Operation, m.Row, m.Step), mv.s.unlistMoved(ctx, r, m.Step))
	}
	if err != nil {
		return err
	}
	mv.s.leases.drop(m.Row, m.Step)
	mv.send(ctx, after, m.Step)
	return mv.s.exhume(ctx, r, after, m.Step)
}

func (mv moves) send(ctx context.Context, r *row, step string) {
	ctx, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	mv.s.sendPatiently(ctx, pipeline.StepKey{Pipeline: r.pipeline(), Step: step}, messageBody(r.id.text, r.cells[step].Gen))
}

// sendAgain sends the message of a move that the same operation made before it
// was cut off: nobody knows whether it was sent.
func (mv moves) sendAgain(ctx context.Context, r *row, m *pipeline.Move) {
	if c := r.cells[m.Step]; m.Letter != "" && m.Operation != "" && c.Op == m.Operation && c.State == cellQueued && c.Moved && r.aside == nil {
		mv.send(ctx, r, m.Step)
	}
}

// change is the write of a move.
func (mv moves) change(r *row, m *pipeline.Move) *change {
	now := time.Now().UnixMilli()
	ch := &change{token: tokenText(randomToken()), set: map[string]cell{}, was: map[string]string{}, inPlace: true}
	c, _ := r.cell(m.Step)
	processed := c.State == cellProcessed
	c.State, c.Gen, c.Spent, c.Due, c.Touched = cellQueued, c.Gen+1, 0, millis(m.At), now
	c.Failed, c.Seen, c.Alone, c.Quiet, c.Op, c.Token, c.Dead, c.Moved = 0, 0, m.Alone, false, m.Operation, ch.token, nil, true
	ch.set[m.Step], ch.was[m.Step] = c, r.raw[m.Step]
	for _, step := range m.Reset {
		if below := r.cells[step]; below.State == cellProcessed && step != m.Step {
			below.State, below.Gen, below.Touched, below.Token = cellWaiting, below.Gen+1, now, ch.token
			below.Alone, below.Quiet = false, false
			ch.set[step], ch.was[step] = below, r.raw[step]
		}
	}
	if processed {
		mv.writeDown(r, m.Step, ch)
	}
	return ch
}

// writeDown keeps the steps that a processed one has queued: that no longer
// follows from its flag.
func (mv moves) writeDown(r *row, step string, ch *change) {
	for _, u := range r.graph.Unlocks(step) {
		if _, written := r.cells[u.Step]; written {
			continue
		}
		if c, ok := r.cell(u.Step); ok {
			c.Token = ch.token
			ch.set[u.Step], ch.was[u.Step] = c, ""
		}
	}
}
