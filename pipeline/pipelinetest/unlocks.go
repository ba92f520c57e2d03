package pipelinetest

import (
	"slices"

	"redrive/pipeline"
)

func unlockRules() []rule {
	return []rule{
		{name: "a step starts after its need", run: chainInOrder,
			rule: "What a processed step unlocks is queued with its flag; a step never starts before the flags of its needs."},
		{name: "fan-out queues all", run: fanOut,
			rule: "All steps that wait for one step are queued when it is processed."},
		{name: "a join starts once", run: joinOnce,
			rule: "A step it unlocks is queued once, when the last of its needs is processed."},
		{name: "a join in one call", run: joinOneCall,
			rule: "A join starts once also when both its needs are settled in the same call."},
		{name: "a join at once", run: joinAtOnce, crowd: true,
			rule: "A join starts once also when its needs are settled at the same moment."},
		{name: "nested joins", run: nestedJoins,
			rule: "In any graph and any order of settling, each step starts once, after all its needs."},
		{name: "done when every sink is", run: doneBySinks,
			rule: "A row is done when all its steps are processed, not before."},
	}
}

func chainInOrder(e *env) {
	g := chain(e)
	id := e.add(g)
	steps := []string{"validate", "enrich", "deliver"}
	for i, step := range steps {
		e.nothing(g, steps[i+1:]...)
		d := e.take(g, step)
		same(e, "attempt", d.Attempt, 1)
		same(e, "spent", d.Spent, 0)
		same(e, "payload", string(d.Payload), string(e.get(id).Payload))
		same(e, "trace", d.Trace != "", true)
		e.nothing(g, steps[i+1:]...)
		e.settle(processed(g, d))
		e.nothing(g, step)
	}
	e.status(id, pipeline.StatusDone)
}

func fanOut(e *env) {
	g := fork(e)
	rows := e.addN(g, 3)
	e.settle(each(e.takeN(g, "validate", 3), func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })...)
	for _, step := range g.Sinks() {
		sameSet(e, "rows at "+step, ids(e.takeN(g, step, 3), deliveredRow), rows)
		e.nothing(g, step)
	}
}

func joinOnce(e *env) {
	g := join(e)
	for _, order := range [][]string{{"index", "notify"}, {"notify", "index"}} {
		id := e.add(g)
		e.process(g, "validate", order[0])
		e.state(id, "report", pipeline.StateWaiting)
		e.nothing(g, "report")
		e.process(g, order[1])
		e.state(id, "report", pipeline.StateQueued)
		e.process(g, "report")
		e.nothing(g, "report")
		e.status(id, pipeline.StatusDone)
	}
}

func joinOneCall(e *env) {
	g := join(e)
	rows := e.addN(g, 4)
	e.settle(each(e.takeN(g, "validate", 4), func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })...)
	both := slices.Concat(e.takeN(g, "index", 4), e.takeN(g, "notify", 4))
	e.settle(each(both, func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })...)
	sameSet(e, "rows at report", ids(e.takeN(g, "report", 4), deliveredRow), rows)
	e.nothing(g, "report")
}

func joinAtOnce(e *env) {
	g := join(e)
	all := e.processes()
	const rows = 12
	e.addN(g, rows)
	e.settle(each(e.takeN(g, "validate", rows), func(d pipeline.Delivery) pipeline.Outcome { return processed(g, d) })...)
	both := slices.Concat(e.takeN(g, "index", rows), e.takeN(g, "notify", rows))
	crowd(len(both), func(i int) {
		errs, err := all[i%len(all)].Work.Settle(e.Context(), processed(g, both[i]))
		if err != nil || errs[0] != nil {
			e.Errorf("settling: %v %v", err, errs)
		}
	})
	e.takeRows(g, "report", rows)
	e.nothing(g, "report")
}

func nestedJoins(e *env) {
	g := nested(e)
	for seed := range 12 {
		id := e.add(g)
		started := map[string]int{}
		order := shuffled(seed, g)
		for len(started) < len(g.Nodes()) {
			before := len(started)
			for _, step := range order {
				for _, d := range e.receive(e.request(g, step, 10)) {
					e.inOrder(id, g, step)
					started[step]++
					e.settle(processed(g, d))
				}
			}
			if len(started) == before {
				e.Fatalf("order %v: stuck after %v", order, started)
			}
		}
		for step, n := range started {
			same(e, step+" started", n, 1)
		}
		e.status(id, pipeline.StatusDone)
	}
}

// inOrder checks that every need of a step is processed.
func (e *env) inOrder(id string, g *pipeline.Graph, step string) {
	e.Helper()
	for _, need := range g.Needs(step) {
		e.state(id, need, pipeline.StateProcessed)
	}
}

func doneBySinks(e *env) {
	g := fork(e)
	id := e.add(g)
	e.status(id, pipeline.StatusAccepted)
	for i, step := range []string{"validate", "archive", "index", "notify"} {
		e.process(g, step)
		want := pipeline.StatusInProgress
		if i == 3 {
			want = pipeline.StatusDone
		}
		e.status(id, want)
	}
	done := e.list(pipeline.RowFilter{Status: pipeline.StatusDone})
	same(e, "done rows", ids(done, rowID), []string{id})
}
