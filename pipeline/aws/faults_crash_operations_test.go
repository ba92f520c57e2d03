package aws

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// TestAnOperationWhoseProcessDies is taken over by another one and ends like any
// other.
func TestAnOperationWhoseProcessDies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind  pipeline.OperationKind
		n     int64
		after bool
	}{{pipeline.OpRedrive, 2, true}, {pipeline.OpRedrive, 7, false}, {pipeline.OpDiscard, 2, false}, {pipeline.OpDiscard, 7, true}} {
		t.Run(fmt.Sprintf("%s at request %d", tc.kind, tc.n), func(t *testing.T) {
			w, first, die := newMortal(t, tc.n, tc.after)
			w.down.script = w.packFails
			first.submit(4)
			w.within(time.Minute, "all rows are dead", func() bool { return first.letters() == 4 })
			w.down.change(func(l *ledger) { l.mended = true })
			die()
			request := pipeline.OperationRequest{Kind: tc.kind, Reason: "a test", Selector: pipeline.Selector{Pipeline: ordersPipeline, All: true}}
			op, err := first.engine.Operations.Start(t.Context(), request)
			w.within(20*time.Second, "the first process is dead", func() bool { return first.wire.cut.Load() })
			first.kill()
			second := w.start().ready()
			if err != nil {
				if op, err = second.engine.Operations.Start(t.Context(), request); err != nil {
					t.Fatal(err)
				}
			}
			second.overWithFour(op.ID)
			if tc.kind == pipeline.OpDiscard {
				restore, err := second.engine.Operations.Restore(t.Context(), op.ID, "a test")
				if err != nil {
					t.Fatal(err)
				}
				second.overWithFour(restore.ID)
				second.redriveAll()
			}
			w.reconcile(leeway{})
		})
	}
}

// TestASweepWhoseProcessDies leaves nothing that the next does not find.
func TestASweepWhoseProcessDies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		n     int64
		after bool
	}{{3, true}, {8, false}} {
		t.Run(fmt.Sprintf("at request %d", tc.n), func(t *testing.T) {
			w, first, die := newMortal(t, tc.n, tc.after)
			unsent := w.sqs.Inject(awstest.Fault{Action: "SendMessageBatch", Do: awstest.Cut()})
			zeroth := w.start().ready()
			zeroth.submit(4)
			zeroth.kill()
			unsent.Remove()
			time.Sleep(2500 * time.Millisecond)
			die()
			_, _ = first.engine.Sweeps.Start(t.Context(), false, "")
			w.within(20*time.Second, "the first process is dead", func() bool { return first.wire.cut.Load() })
			first.kill()
			w.shape = sweepOften
			w.start().ready()
			w.reconcile(leeway{})
		})
	}
}

// newMortal starts a process that ends at its nth request for rows after a test
// says so.
func newMortal(t *testing.T, n int64, after bool) (*works, *machine, func()) {
	w := newWorks(t)
	w.lease = 4 * time.Second
	var armed atomic.Bool
	way := w.newWire()
	way.point = &crashPoint{nth: n, after: after, counts: func(action, body string) bool {
		return armed.Load() && (action == "SendMessageBatch" || rowRequest.MatchString(body))
	}}
	return w, w.startWith(way).ready(), func() { armed.Store(true) }
}

// packFails for good until all is mended.
func (w *works) packFails(c pipeline.Call, _ int) pipeline.Answer {
	if c.Step == "pack" && !w.down.isMended() {
		return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "422 no such thing"}
	}
	return pipeline.Answer{StatusCode: 200}
}

// overWithFour waits until an operation is over that has moved four rows.
func (m *machine) overWithFour(id string) {
	w := m.w
	w.t.Helper()
	var op pipeline.Operation
	w.within(time.Minute, "the operation is over", func() bool {
		var err error
		op, err = m.engine.Operations.Get(w.t.Context(), id)
		return err == nil && op.State.Final()
	})
	if op.State != pipeline.OpDone || op.Moved != 4 || op.Pending() != 0 {
		w.t.Errorf("the operation = %+v", op)
	}
}
