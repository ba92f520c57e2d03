package pipelinetest

import (
	"sync"
	"sync/atomic"
	"time"

	"redrive/pipeline"
)

func leaseRules() []rule {
	return []rule{
		{name: "a lease that runs out comes back", run: leaseRunsOut,
			rule: "A lease that runs out without Settle brings the step back; the attempt is kept as lost and counts."},
		{name: "lost attempts go on counting", run: lostAttemptsCount,
			rule: "Each lost attempt uses up one of the budget."},
		{name: "extend keeps the lease", run: extendKeeps,
			rule: "Extend hides the deliveries for another hide from now."},
		{name: "extend tells a lost lease", run: extendTellsLost,
			rule: "Extend answers ErrLeaseLost in the place of a lease that is lost, and extends the others."},
		{name: "a zombie changes nothing", run: zombieChangesNothing,
			rule: "An outcome is written only by the holder of the current lease, whatever it says."},
		{name: "a slow worker is one or none", run: slowWorker,
			rule: "After its lease ran out a worker either still holds it or it does not; it never counts twice."},
		{name: "settle twice changes nothing", run: settleTwice,
			rule: "A settle that is repeated changes nothing."},
		{name: "settle at once", run: settleAtOnce, crowd: true,
			rule: "Of many who settle one lease at once, one is written."},
		{name: "short and long leases", run: oddLeases,
			rule: "No length of a lease leaves a step with nobody for ever."},
	}
}

// lose takes a delivery and lets its lease run out.
func (e *env) lose(g *pipeline.Graph, step string) pipeline.Delivery {
	e.Helper()
	d := e.takeFor(2*e.tick(), g, step, 1)[0]
	e.pass(3*e.tick() + e.h.Precision)
	return d
}

func leaseRunsOut(e *env) {
	g := single(e)
	id := e.add(g)
	first := e.takeFor(e.roomy(8), g, "deliver", 1)[0]
	e.pass(2 * e.tick())
	e.nothing(g, "deliver")
	e.pass(e.roomy(7) + e.h.Precision)
	second := e.take(g, "deliver")
	same(e, "row", second.Row, first.Row)
	same(e, "attempt", second.Attempt, 2)
	same(e, "spent", second.Spent, 1)
	d := e.get(id)
	same(e, "attempts kept", len(d.Attempts), 1)
	if len(d.Attempts) == 1 {
		a := d.Attempts[0]
		same(e, "lost attempt", []any{a.Step, a.Number, a.Outcome, a.Worker}, []any{"deliver", 1, pipeline.AttemptLost, worker})
		if a.StartedAt.IsZero() {
			e.Errorf("the lost attempt has no start")
		}
	}
	e.settle(processed(g, second))
	e.status(id, pipeline.StatusDone)
	same(e, "attempts", e.flag(id, "deliver").Attempts, 2)
}

func lostAttemptsCount(e *env) {
	g := single(e)
	id := e.add(g)
	for n := range 3 {
		d := e.lose(g, "deliver")
		same(e, "attempt", d.Attempt, n+1)
		same(e, "spent", d.Spent, n)
	}
	e.settle(dead(e.take(g, "deliver"), "gone"))
	var outcomes []pipeline.AttemptOutcome
	for _, a := range e.get(id).Attempts {
		outcomes = append(outcomes, a.Outcome)
	}
	same(e, "outcomes, newest first", outcomes, []pipeline.AttemptOutcome{
		pipeline.AttemptDead, pipeline.AttemptLost, pipeline.AttemptLost, pipeline.AttemptLost})
	same(e, "letter's attempts", e.letter(id, "deliver").Attempts, 4)
}

func extendKeeps(e *env) {
	g := single(e)
	id := e.add(g)
	d := e.takeFor(e.roomy(4), g, "deliver", 1)[0]
	for range 4 {
		e.pass(e.roomy(2))
		errs, err := e.b.Work.Extend(e.Context(), e.roomy(4), d)
		e.ok(err, "extending")
		e.answers("extending", errs, nil)
	}
	e.pass(e.roomy(2))
	e.nothing(g, "deliver")
	e.settle(processed(g, d))
	same(e, "attempts", len(e.get(id).Attempts), 1)
}

func extendTellsLost(e *env) {
	g := single(e)
	e.addN(g, 3)
	ds := e.takeFor(e.roomy(4), g, "deliver", 3)
	e.settle(processed(g, ds[1]))
	errs, err := e.b.Work.Extend(e.Context(), e.roomy(10), ds...)
	e.ok(err, "extending")
	e.answers("extending", errs, nil, pipeline.ErrLeaseLost, nil)

	e.pass(e.roomy(11) + e.h.Precision)
	again := e.takeN(g, "deliver", 2)
	errs, err = e.b.Work.Extend(e.Context(), e.hide(), ds[0], again[0], ds[2], again[1])
	e.ok(err, "extending")
	e.answers("extending", errs, pipeline.ErrLeaseLost, nil, pipeline.ErrLeaseLost, nil)
}

func zombieChangesNothing(e *env) {
	g := chain(e)
	id := e.add(g)
	zombie := e.lose(g, "validate")
	current := e.take(g, "validate")
	before := e.get(id)
	for _, out := range []pipeline.Outcome{
		processed(g, zombie), retry(zombie, e.now()), throttled(zombie, e.now()), dead(zombie, "late"), released(zombie),
	} {
		e.answers("settling as a zombie", e.trySettle(out), pipeline.ErrLeaseLost)
	}
	same(e, "row", e.get(id), before)
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 0)
	e.nothing(g, "validate", "enrich")
	e.settle(processed(g, current))
	e.answers("settling as a zombie after the settle", e.trySettle(dead(zombie, "late")), pipeline.ErrLeaseLost)
	e.state(id, "validate", pipeline.StateProcessed)
	e.state(id, "enrich", pipeline.StateQueued)
}

func slowWorker(e *env) {
	g := chain(e)
	id := e.add(g)
	slow := e.lose(g, "validate")
	if err := e.trySettle(processed(g, slow))[0]; err != nil {
		e.settle(processed(g, e.take(g, "validate")))
	}
	e.nothing(g, "validate")
	e.state(id, "validate", pipeline.StateProcessed)
	e.takeRows(g, "enrich", 1)
	e.nothing(g, "enrich")
	same(e, "steps processed", e.counts().Steps[pipeline.StepKey{Pipeline: "chain", Step: "validate"}].ProcessedTotal, int64(1))
}

func settleTwice(e *env) {
	g := join(e)
	id := e.add(g)
	d := e.take(g, "validate")
	out := processed(g, d)
	errs := e.trySettle(out, out)
	same(e, "the first answer", errs[0], error(nil))
	before, counted := e.get(id), e.counts()
	e.pass(e.tick())
	again := []pipeline.Outcome{out, retry(d, e.now()), dead(d, "twice"), released(d)}
	for _, o := range again {
		if err := e.trySettle(o)[0]; o.Verdict != pipeline.Processed {
			e.answers("settling otherwise", []error{err}, pipeline.ErrLeaseLost)
		}
	}
	same(e, "row", e.get(id), before)
	same(e, "counters", e.counts(), counted)
	same(e, "attempts", len(before.Attempts), 1)
	e.takeRows(g, "index", 1)
	e.takeRows(g, "notify", 1)
	e.nothing(g, "validate", "index", "notify", "report")
}

func settleAtOnce(e *env) {
	g := chain(e)
	all := e.processes()
	for range 5 {
		id := e.add(g)
		out := processed(g, e.take(g, "validate"))
		var written atomic.Int64
		var failed sync.Map
		crowd(8, func(i int) {
			errs, err := all[i%len(all)].Work.Settle(e.Context(), out)
			if err != nil || len(errs) != 1 {
				failed.Store(i, err)
			} else if errs[0] == nil {
				written.Add(1)
			}
		})
		failed.Range(func(_, err any) bool { e.Errorf("settling: %v", err); return true })
		if written.Load() == 0 {
			e.Errorf("no settle was written")
		}
		same(e, "attempts kept", len(e.get(id).Attempts), 1)
		e.takeRows(g, "enrich", 1)
		e.nothing(g, "enrich")
	}
}

func oddLeases(e *env) {
	g := single(e)
	for _, hide := range []time.Duration{-time.Second, 0, time.Millisecond, 12 * time.Hour} {
		id := e.add(g)
		d := e.takeFor(hide, g, "deliver", 1)[0]
		same(e, "row", d.Row, id)
		e.settle1(g, d)
		e.state(id, "deliver", pipeline.StateProcessed)
	}
}

// settle1 settles d, or what came of it if its lease was over at once.
func (e *env) settle1(g *pipeline.Graph, d pipeline.Delivery) {
	e.Helper()
	if err := e.trySettle(processed(g, d))[0]; err != nil {
		e.pass(e.tick() + e.h.Precision)
		e.settle(processed(g, e.take(g, d.Step)))
	}
}
