package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	queueKeptMost  = 20000            // others hidden while selected messages are looked for
	queueFinishFor = 30 * time.Second // for what is in hand when the process ends
	queueLookEvery = time.Second      // how often a waiting move looks what another process's operator said
)

// errMoveLost: another process goes on with the move.
var errMoveLost = errors.New("another process has this redrive")

// queueRun is a move at work; a change of its state wakes it.
type queueRun struct {
	q      *Queues
	move   QueueMove
	wake   chan struct{}
	hand   hand
	done   map[string]bool // deleted by this run
	next   time.Time       // when the rate allows the next message
	looked time.Time
}

// run looks for moves whose process gives no sign of life, and then waits for
// the end of those at work here.
func (q *Queues) run(ctx context.Context) error {
	if !q.Available() {
		return nil
	}
	q.moves.mu.Lock()
	q.moves.life = ctx
	q.moves.mu.Unlock()
	err := every(ctx, q.e.cfg.Lease/2, func(ctx context.Context) {
		if err := q.relaunch(ctx); err != nil && ctx.Err() == nil {
			q.e.log.WarnContext(ctx, "going on with redrives of queues", "error", err)
		}
	})
	q.moves.mu.Lock() // a launch that saw the engine alive has begun by now
	q.moves.over = true
	q.moves.mu.Unlock()
	q.moves.all.Wait()
	return err
}

func (q *Queues) relaunch(ctx context.Context) error {
	list, err := q.Moves(ctx, "", 0)
	for _, m := range list {
		if m.State == MoveRunning && time.Now().After(m.Until) {
			q.launch(m)
		}
	}
	return err
}

// launch sets a stored move to work. Without a running engine it begins when
// the next one runs.
func (q *Queues) launch(m QueueMove) {
	q.moves.mu.Lock()
	defer q.moves.mu.Unlock()
	life := q.moves.life
	if q.moves.over || life == nil || life.Err() != nil || q.moves.live[m.ID] != nil {
		return
	}
	run := &queueRun{q: q, move: m, wake: make(chan struct{}, 1), hand: newHand(q, m.Queue), done: map[string]bool{}}
	q.moves.live[m.ID] = run
	q.moves.all.Go(func() {
		run.work(life)
		q.moves.mu.Lock()
		delete(q.moves.live, m.ID)
		q.moves.mu.Unlock()
		q.changed()
	})
}

func (q *Queues) wake(id string) {
	q.moves.mu.Lock()
	defer q.moves.mu.Unlock()
	if run := q.moves.live[id]; run != nil {
		select {
		case run.wake <- struct{}{}:
		default:
		}
	}
}

// work goes on until the move is over, another process has it, or this one ends.
func (r *queueRun) work(ctx context.Context) {
	for ctx.Err() == nil {
		m, err := r.q.readMove(ctx, r.move.ID)
		if err == nil && (m.State.Final() || r.elsewhere(&m)) {
			return
		}
		if err == nil && m.State == MovePaused {
			pause(ctx, r.q.e.cfg.Lease, r.wake)
			continue
		}
		if err == nil {
			r.move = m
			err = r.carryOn(ctx)
		}
		if errors.Is(err, errMoveLost) || errors.Is(err, ErrVersion) {
			return
		}
		if err != nil && ctx.Err() == nil {
			r.q.e.log.WarnContext(ctx, "redrive of a queue", "queue", r.move.Queue, "move", r.move.ID, "error", err)
			pause(ctx, storeDownFor, r.wake)
		}
	}
}

func (r *queueRun) elsewhere(m *QueueMove) bool {
	return m.State == MoveRunning && m.Worker != r.q.e.cfg.Worker && time.Now().Before(m.Until)
}

// carryOn adopts the move and does what is left of it. What another process may
// have had in hand when it ended stays hidden for a while.
func (r *queueRun) carryOn(ctx context.Context) error {
	m := &r.move
	m.Unsure, m.Sending = append(m.Unsure, m.Sending...), nil
	if time.Now().After(m.Until) || m.Worker != r.q.e.cfg.Worker {
		m.HiddenBy = m.Until.Add(r.q.hide)
		m.Worker = r.q.e.cfg.Worker
		if m.All {
			m.Skipped = []Skip{} // all of them will be met again
		}
	}
	m.Until = time.Now().UTC().Add(r.q.e.cfg.Lease)
	if err := r.q.save(ctx, m, nil); err != nil {
		return err
	}
	if m.Native {
		return r.follow(ctx)
	}
	err := r.pass(ctx)
	if errors.Is(err, errMoveLost) {
		return errors.Join(err, r.letGo(ctx))
	}
	return errors.Join(err, r.leave(ctx))
}

func (r *queueRun) letGo(ctx context.Context) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueFinishFor)
	defer cancel()
	return r.hand.release(ending)
}

// leave lets go of everything in hand and writes how far the move has come; if
// the process ends, the next one need not wait.
func (r *queueRun) leave(ctx context.Context) error {
	err := r.letGo(ctx)
	m := &r.move
	if m.State == MoveCancelled {
		r.account()
	} else if m.State.Final() {
		return err
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), queueFinishFor)
	defer cancel()
	until := time.Now().UTC()
	if ctx.Err() == nil {
		until = until.Add(r.q.e.cfg.Lease)
	} else if err == nil {
		m.HiddenBy = time.Time{}
	}
	return errors.Join(err, r.keepUntil(ending, until))
}

// keep stores how far the move has come, as a sign of life too. If an operator
// paused or cancelled it meanwhile, that stands, and what was moved is counted
// all the same.
func (r *queueRun) keep(ctx context.Context) error {
	return r.keepUntil(ctx, time.Now().UTC().Add(r.q.e.cfg.Lease))
}

func (r *queueRun) keepUntil(ctx context.Context, until time.Time) error {
	for {
		r.move.Until = until
		err := r.q.save(ctx, &r.move, nil)
		if !errors.Is(err, ErrVersion) {
			r.q.e.Events.Touch(TopicQueues)
			return err
		}
		now, err := r.q.readMove(ctx, r.move.ID)
		if err != nil {
			return err
		}
		if now.Worker != r.q.e.cfg.Worker {
			return errMoveLost
		}
		if now.State != MoveRunning { // an operator's word stands
			r.move.State, r.move.FinishedAt, r.move.StopReason = now.State, now.FinishedAt, now.StopReason
		}
		r.move.Rate, r.move.version = now.Rate, now.version
	}
}

// beat gives a sign of life when one is due, and keeps hidden what is in hand.
func (r *queueRun) beat(ctx context.Context) error {
	if err := r.hand.tend(ctx); err != nil {
		r.q.e.log.WarnContext(ctx, "hiding messages for longer", "queue", r.move.Queue, "error", err)
	}
	if time.Until(r.move.Until) > r.q.e.cfg.Lease*2/3 {
		return nil
	}
	return r.keep(ctx)
}

// permit waits until some messages may go at the move's rate; 0 when its state
// has changed or the process ends.
func (r *queueRun) permit(ctx context.Context, want int) (int, error) {
	for ctx.Err() == nil && r.move.State == MoveRunning {
		wait := time.Until(r.next)
		if wait <= 0 {
			return r.portion(want), nil
		}
		pause(ctx, min(wait, r.q.hide/4, r.q.e.cfg.Lease/4, queueLookEvery), r.wake)
		if err := r.look(ctx); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// portion is how many go at once: a fifth of a second's, so that requests stay
// full at a high rate and a low one is even.
func (r *queueRun) portion(want int) int {
	if r.move.Rate == 0 {
		return want
	}
	return max(1, min(want, int(math.Ceil(r.move.Rate/5))))
}

// paced says when the next may go after n went now.
func (r *queueRun) paced(n int) {
	if r.move.Rate > 0 {
		r.next = time.Now().Add(time.Duration(float64(n) / r.move.Rate * float64(time.Second)))
	}
}

// look is a beat that also learns what an operator has changed.
func (r *queueRun) look(ctx context.Context) error {
	if time.Since(r.looked) < queueLookEvery && len(r.wake) == 0 {
		return r.beat(ctx)
	}
	r.looked = time.Now()
	now, err := r.q.readMove(ctx, r.move.ID)
	if err == nil && now.version != r.move.version {
		before := r.move.Rate
		if err = r.keep(ctx); r.move.Rate != before {
			r.next = time.Time{}
		}
	}
	if err != nil {
		return err
	}
	return r.beat(ctx)
}

// trouble waits out an error that may pass, and shows it meanwhile; one that
// will not pass by itself ends the move.
func (r *queueRun) trouble(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	text := sentenceOf(err)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict) || errors.Is(err, ErrInvalid) {
		return r.end(ctx, MoveFailed, text)
	}
	r.q.e.log.WarnContext(ctx, "redrive of a queue", "queue", r.move.Queue, "move", r.move.ID, "error", err)
	if r.move.Trouble != text {
		r.move.Trouble = text
		if err := r.keep(ctx); err != nil {
			return err
		}
	}
	pause(ctx, storeDownFor, r.wake)
	return nil
}

// end writes the outcome.
func (r *queueRun) end(ctx context.Context, state MoveState, why string) error {
	if list := r.hand.undeleted; len(list) > 0 {
		r.hand.undeleted = nil
		r.clear(ctx, list)
	}
	r.account()
	m := &r.move
	m.skip("came after the redrive started", r.hand.newer)
	m.Missing = int64(len(m.Open))
	m.State, m.StopReason, m.FinishedAt = state, why, time.Now().UTC()
	return r.keep(ctx)
}

// account counts what is not in doubt any more: what was sent has moved. If it
// could not be deleted, it is in both queues.
func (r *queueRun) account() {
	m := &r.move
	twice := int64(len(common(m.Sent, idsOf(r.hand.undeleted))))
	m.skip("sent, but could not be deleted here: in both queues", twice)
	m.Twice += twice
	m.Moved += int64(len(m.Sent))
	m.Open = without(m.Open, m.Sent)
	m.Sent, m.Sending, m.Unsure, m.Trouble = nil, nil, nil, ""
}

func tooDeep(open int) string {
	return fmt.Sprintf("%d other messages were taken without meeting the last %d selected, and a queue cannot be asked for single messages; redrive all of it, or try again", queueKeptMost, open)
}
