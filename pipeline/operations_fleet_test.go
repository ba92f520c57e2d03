package pipeline_test

import (
	"errors"
	"testing"
	"time"

	"redrive/pipeline"
)

func (m *member) redrive(rate float64) pipeline.Operation {
	m.t.Helper()
	return m.start(pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: pipeline.Selector{All: true}, Rate: rate})
}

func TestOneProcessWorksOnAnOperation(t *testing.T) {
	newFleet(t, 3, diamond, func(t *testing.T, f *fleet) {
		ids := f.die(40)
		a, b := f.members[0], f.members[1]
		op := a.redrive(2)
		a.pass(10 * time.Second)
		if got := b.operation(op.ID); got.Moved < 18 || got.Moved > 22 {
			t.Errorf("%d moved in 10 s at 2 a second", got.Moved)
		}
		a.pass(20 * time.Second)
		if got := b.operation(op.ID); got.State != pipeline.OpDone || got.Succeeded != 40 {
			t.Errorf("operation = %+v", got)
		}
		a.wantStatus(pipeline.StatusDone, ids...)
		if n := len(f.calls(at("index"))); n != 80 {
			t.Errorf("index was called %d times for 40 rows that died once", n)
		}
	})
}

func TestOperationOfADeadProcessIsTakenOver(t *testing.T) {
	newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
		ids := f.die(40)
		a, b := f.members[0], f.members[1]
		op := a.redrive(2)
		a.pass(5 * time.Second)
		moved := b.operation(op.ID).Moved
		a.kill()
		a.pass(5 * time.Second)
		if got := b.operation(op.ID).Moved; got > moved+1 {
			t.Errorf("%d moved by a process that may still live", got-moved)
		}
		within(t, 10*time.Second, "taken over", func() bool { return b.operation(op.ID).Moved > moved+1 })
		b.pass(time.Minute)
		if got := b.operation(op.ID); got.State != pipeline.OpDone || got.Moved != 40 || got.Succeeded != 40 {
			t.Errorf("operation = %+v", got)
		}
		b.wantStatus(pipeline.StatusDone, ids...)
	})
}

// The lease of an operation is written before the operation. A store that is slow
// in between leaves it there to be found, for a while or, after a crash, for good.
func TestTheLeaseOfAnOperationToCome(t *testing.T) {
	newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
		a, records, id := f.members[0], f.db.Backend().Records, pipeline.NewID()
		lease := pipeline.Record{Kind: "lease", ID: "operation/" + id, Data: []byte(`{"holder":"` + a.self().ID + `"}`)}
		if err := records.Put(t.Context(), nil, lease); err != nil {
			t.Fatal(err)
		}
		a.pass(20 * time.Second)
		if _, err := records.Get(t.Context(), lease.Kind, lease.ID); err != nil {
			t.Errorf("the lease of an operation that is being stored: %v", err)
		}
		a.pass(2 * time.Minute)
		if _, err := records.Get(t.Context(), lease.Kind, lease.ID); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("the lease of an operation that never came: %v", err)
		}
	})
}

// Its calls may go on for a while; what it does alone it hands over at once.
func TestOperationIsHandedOverByAProcessThatStops(t *testing.T) {
	newFleet(t, 2, slow(diamond), func(t *testing.T, f *fleet) {
		f.die(40)
		a, b := f.members[0], f.members[1]
		f.answer(func(c pipeline.Call) pipeline.Answer { time.Sleep(15 * time.Second); return ok(c) })
		op := a.redrive(2)
		a.pass(5 * time.Second)
		moved := b.operation(op.ID).Moved
		a.stop()
		within(t, 2500*time.Millisecond, "handed over", func() bool { return b.operation(op.ID).Moved > moved+1 })
		b.pass(3 * time.Minute)
		if got := b.operation(op.ID); got.State != pipeline.OpDone || got.Succeeded != 40 {
			t.Errorf("operation = %+v", got)
		}
	})
}

// A process that cannot reach the store is taken for gone; when it is back it
// finds its work in other hands and leaves it there.
func TestAProcessCutOffLetsGo(t *testing.T) {
	newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
		f.die(60)
		a, b := f.members[0], f.members[1]
		op := a.redrive(1)
		a.pass(3 * time.Second)
		a.wire.Cut(true)
		a.pass(20 * time.Second)
		before := b.operation(op.ID).Moved
		if before < 8 {
			t.Fatalf("%d moved: not taken over", before)
		}
		a.wire.Cut(false)
		a.pass(20 * time.Second)
		if got := b.operation(op.ID).Moved - before; got < 18 || got > 22 {
			t.Errorf("%d moved in 20 s at 1 a second after it came back", got)
		}
		a.pass(time.Minute)
		if got := b.operation(op.ID); got.State != pipeline.OpDone || got.Succeeded != 60 {
			t.Errorf("operation = %+v", got)
		}
	})
}

func TestAnotherProcessSteersAnOperation(t *testing.T) {
	newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
		f.die(60)
		a, b := f.members[0], f.members[1]
		op := a.redrive(2)
		a.pass(5 * time.Second)
		must(b.engine.Operations.Pause(t.Context(), op.ID, "lunch"))(t)
		a.pass(2 * time.Second)
		before := b.operation(op.ID).Moved
		a.pass(30 * time.Second)
		if got := b.operation(op.ID); got.Moved != before || got.State != pipeline.OpPaused {
			t.Errorf("paused elsewhere: %d moved since, %s", got.Moved-before, got.State)
		}
		faster := 10.0
		must(b.engine.Operations.Resume(t.Context(), op.ID, &faster, "back"))(t)
		a.pass(4 * time.Second)
		moved := b.operation(op.ID).Moved
		if moved < before+20 || moved > before+42 {
			t.Errorf("%d moved in 4 s at 10 a second, resumed elsewhere", moved-before)
		}
		must(b.engine.Operations.Cancel(t.Context(), op.ID, "enough"))(t)
		a.pass(2 * time.Second)
		before = b.operation(op.ID).Moved
		a.pass(10 * time.Second)
		if got := a.operation(op.ID); got.State != pipeline.OpCancelled || got.Moved != before {
			t.Errorf("cancelled elsewhere: %+v", got)
		}
	})
}

// The one that stopped is seen by the one that worked, at a rate so low that it
// waits a minute between two moves.
func TestASlowOperationIsSteeredAtOnce(t *testing.T) {
	newFleet(t, 2, diamond, func(t *testing.T, f *fleet) {
		f.die(3)
		a, b := f.members[0], f.members[1]
		op := a.redrive(0.01)
		a.pass(5 * time.Second)
		before := b.operation(op.ID).Moved
		faster := 10.0
		must(b.engine.Operations.Resume(t.Context(), op.ID, &faster, "now"))(t)
		within(t, 2*time.Second, "faster", func() bool { return b.operation(op.ID).Moved > before })
	})
}

func TestAConsoleRunsOperations(t *testing.T) {
	newFleet(t, 0, diamond, func(t *testing.T, f *fleet) {
		console, worker := f.join(only(pipeline.OnlyConsole, diamond)), f.join(only(pipeline.OnlyWorkers, diamond))
		ids := f.die(10)
		op := console.redrive(0)
		console.pass(10 * time.Second)
		if got := worker.operation(op.ID); got.State != pipeline.OpDone || got.Succeeded != 10 {
			t.Errorf("operation = %+v", got)
		}
		console.wantStatus(pipeline.StatusDone, ids...)
		if n := len(console.made(func(call) bool { return true })); n != 0 {
			t.Errorf("the console made %d calls", n)
		}
	})
}
