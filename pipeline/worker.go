package pipeline

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

const (
	receiveWait  = 2 * time.Second // one long poll, unless the backend has its own
	probeWait    = time.Second     // the most a probe waits, and only where a poll has a price
	receiveMost  = 512             // deliveries in one poll
	settleMost   = 512             // outcomes in one write
	storeDownFor = time.Second     // pause after the store did not answer
	flushFor     = 5 * time.Second // how long a write may be repeated at the end
)

// worker works off the queue of one step in this process: it receives as much
// as the step's limits and its breaker allow, hands each row to attempt, and
// settles what came of it.
type worker struct {
	e        *Engine
	pipeline string
	step     Step
	limits   *limits
	guard    *guard // nil without a breaker
	meter    *meter
	outcomes chan ended

	mu     sync.Mutex
	flying map[int64]flight   // by lease token
	wait   context.CancelFunc // of the long poll under way, nil without one
}

// flight is a delivery whose outcome is not stored yet.
type flight struct {
	delivery Delivery
	cut      context.CancelFunc
}

// ended is an outcome on its way to the store.
type ended struct {
	outcome Outcome
	permit  permit
	answer  Answer
}

func newWorker(e *Engine, pipeline string, s Step) *worker {
	return &worker{e: e, pipeline: pipeline, step: s, limits: newLimits(s.Concurrency, s.Rate), guard: e.Breakers.guard(s.Breaker),
		meter: newMeter(), outcomes: make(chan ended, settleMost), flying: map[int64]flight{}}
}

// run receives until ctx ends; calls is the context of the calls, which may go
// on a little longer. It returns when every outcome is stored.
func (w *worker) run(ctx, calls context.Context) {
	var flights, writer, heart sync.WaitGroup
	beat, stopBeat := context.WithCancel(context.WithoutCancel(ctx))
	heart.Go(func() { w.heartbeat(beat) })
	patient, give := context.WithCancel(context.WithoutCancel(ctx))
	defer give()
	defer context.AfterFunc(calls, func() { time.AfterFunc(flushFor, give) })()
	writer.Go(func() { w.settleAll(patient) })
	for ctx.Err() == nil {
		n, permit := w.admit(ctx)
		if n == 0 {
			continue
		}
		for _, d := range w.receive(ctx, n, permit) {
			flights.Go(func() { w.fly(ctx, calls, d, permit) })
		}
	}
	flights.Wait()
	close(w.outcomes)
	writer.Wait()
	stopBeat()
	heart.Wait()
}

// admit waits until at least one call may be made: not paused, a slot free, the
// rate not used up, the breaker letting calls through.
func (w *worker) admit(ctx context.Context) (int, permit) {
	w.gather(ctx)
	n, wait, changed := w.limits.take(receiveMost)
	if n == 0 {
		pause(ctx, wait, changed)
		return 0, permit{}
	}
	if w.guard == nil {
		return n, permit{}
	}
	allowed, p, wait, changed := w.guard.admit(ctx, n, w.hasWork())
	w.limits.giveBack(n - allowed)
	if allowed == 0 {
		pause(ctx, wait, changed)
	}
	return allowed, p
}

// hasWork tells from the newest counters whether a row waits here: queued, or
// retrying, whose backoff may be over without any counter having moved.
func (w *worker) hasWork() bool {
	c := w.e.observer.stepCounts(w.pipeline, w.step.Name)
	return c.Queued+c.Retrying > 0
}

func (w *worker) receive(ctx context.Context, n int, p permit) []Delivery {
	req := ReceiveRequest{Pipeline: w.pipeline, Step: w.step.Name, N: n, Hide: w.e.cfg.Lease, Wait: cmp.Or(w.e.backend.Poll, receiveWait),
		Worker: w.e.cfg.Worker, Exclusive: w.step.Exclusive}
	if p.probe {
		req.Wait = min(w.e.backend.Poll, probeWait) // a probe held by an idle step is a probe its neighbours miss
	}
	waiting, done := w.interruptible(ctx, p)
	ds, err := w.e.backend.Work.Receive(waiting, req)
	done()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	w.limits.giveBack(n - len(ds))
	if w.guard != nil {
		w.guard.giveBack(ctx, p, n-len(ds))
	}
	if err != nil && ctx.Err() == nil {
		w.e.log.WarnContext(ctx, "receiving", "pipeline", w.pipeline, "step", w.step.Name, "error", err)
		sleep(ctx, storeDownFor)
	}
	if p.probe && len(ds) == 0 {
		sleep(ctx, halfOpenLook) // the counters said there was work; they may be a second old
	}
	return ds
}

// interruptible is a context for one long poll, which interrupt ends. It is
// ended already when the permit was taken back a moment ago.
func (w *worker) interruptible(ctx context.Context, p permit) (context.Context, func()) {
	waiting, cancel := context.WithCancel(ctx)
	w.mu.Lock()
	w.wait = cancel
	w.mu.Unlock()
	if w.revoked(p) {
		cancel()
	}
	return waiting, func() {
		w.mu.Lock()
		w.wait = nil
		w.mu.Unlock()
		cancel()
	}
}

// interrupt ends a long poll, so that a pause or an open breaker counts at once.
func (w *worker) interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wait != nil {
		w.wait()
	}
}

// revoked tells whether the right to call was taken back since it was given:
// the step is paused, or its breaker has changed.
func (w *worker) revoked(p permit) bool {
	return w.limits.isPaused() || w.guard != nil && !w.guard.valid(p)
}

// fly makes one attempt and hands its outcome to the writer.
func (w *worker) fly(ctx, calls context.Context, d Delivery, p permit) {
	callCtx, cut := context.WithCancel(calls)
	defer cut()
	w.mu.Lock()
	w.flying[d.Receipt.Token] = flight{delivery: d, cut: cut}
	w.mu.Unlock()
	var end ended
	if ctx.Err() != nil || w.revoked(p) {
		end.outcome = Outcome{Delivery: d, Verdict: Release}
	} else {
		end.outcome, end.answer = w.attempt(callCtx, d)
	}
	end.permit = p
	if w.guard != nil {
		w.guard.report(calls, &end) // before the slot is free: the next call must know
	}
	w.limits.done()
	w.outcomes <- end
}

// settleAll writes outcomes, as many together as wait. With patient ends the
// time in which a write that failed is repeated.
func (w *worker) settleAll(patient context.Context) {
	batch := make([]ended, 0, settleMost)
	for first := range w.outcomes {
		batch = append(batch[:0], first)
	fill:
		for len(batch) < settleMost {
			select {
			case next, more := <-w.outcomes:
				if !more {
					break fill
				}
				batch = append(batch, next)
			default:
				break fill
			}
		}
		w.settle(patient, batch)
	}
}

// settle stores a batch. A store that does not answer is asked again: the
// heartbeat keeps the leases meanwhile, and a lease that is lost after all only
// means that somebody else does the step again.
func (w *worker) settle(patient context.Context, batch []ended) {
	outcomes := make([]Outcome, len(batch))
	for i := range batch {
		outcomes[i] = batch[i].outcome
	}
	errs, err := w.write(patient, outcomes)
	w.mu.Lock()
	for i := range outcomes {
		delete(w.flying, outcomes[i].Delivery.Receipt.Token)
	}
	w.mu.Unlock()
	ctx := context.WithoutCancel(patient)
	for i := range batch {
		stored := err == nil && errs[i] == nil
		if !stored && err == nil && errors.Is(errs[i], ErrLeaseLost) {
			w.e.log.InfoContext(ctx, "outcome not stored, the lease was lost", "row", outcomes[i].Delivery.Row, "step", w.step.Name)
		}
		w.meter.ended(&batch[i], stored)
	}
	w.tell(batch)
}

func (w *worker) write(patient context.Context, outcomes []Outcome) ([]error, error) {
	for {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(patient), w.e.cfg.Lease)
		errs, err := w.e.backend.Work.Settle(ctx, outcomes...)
		cancel()
		if err == nil {
			return errs, nil
		}
		w.e.log.ErrorContext(ctx, "storing outcomes", "pipeline", w.pipeline, "step", w.step.Name, "outcomes", len(outcomes), "error", err)
		if patient.Err() != nil {
			return nil, err
		}
		sleep(patient, storeDownFor)
	}
}

// tell lets pages know, without a name a row unless there are few.
func (w *worker) tell(batch []ended) {
	topics := []string{TopicOverview, TopicRows, TopicSteps}
	for i := range batch {
		if batch[i].outcome.Verdict == Dead {
			topics = append(topics, TopicLetters)
		}
		if len(batch) <= 8 {
			topics = append(topics, "row:"+batch[i].outcome.Delivery.Row)
		}
	}
	w.e.Events.Touch(topics...)
}

// running is the number of calls under way, those among them whose outcome is
// not stored yet.
func (w *worker) running() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.flying)
}

// heartbeat extends the leases of calls that take long, and cuts off a call
// whose lease is lost: somebody else is making it.
func (w *worker) heartbeat(ctx context.Context) {
	period := w.e.cfg.Lease / 3
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.extend(ctx)
		}
	}
}

func (w *worker) extend(ctx context.Context) {
	w.mu.Lock()
	flights := make([]flight, 0, len(w.flying))
	for _, f := range w.flying {
		flights = append(flights, f)
	}
	w.mu.Unlock()
	if len(flights) == 0 {
		return
	}
	ds := make([]Delivery, len(flights))
	for i, f := range flights {
		ds[i] = f.delivery
	}
	errs, err := w.e.backend.Work.Extend(ctx, w.e.cfg.Lease, ds...)
	if err != nil {
		w.e.log.WarnContext(ctx, "extending leases", "step", w.step.Name, "error", err)
		return
	}
	for i, err := range errs {
		if errors.Is(err, ErrLeaseLost) {
			flights[i].cut()
		}
	}
}

// pause waits for the time, a change or the end, whatever comes first.
func pause(ctx context.Context, d time.Duration, changed <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-t.C:
	}
}
