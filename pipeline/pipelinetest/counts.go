package pipelinetest

import (
	"time"

	"redrive/pipeline"
)

func countRules() []rule {
	return []rule{
		{name: "counters follow a row", run: countersFollow,
			rule: "Counts returns the counters kept with the rows, which agree with them at every moment."},
		{name: "counters of rows by status", run: countersByStatus,
			rule: "Rows are counted by pipeline and status."},
		{name: "counters that only grow", run: countersGrow,
			rule: "Processed, failed and throttled are counted since the store was made, also of rows that are gone."},
		{name: "oldest rows and steps", run: countersOldest,
			rule: "Counts tells when the oldest unfinished row was accepted and the oldest queued step was due."},
	}
}

func (e *env) counts() pipeline.Counts {
	e.Helper()
	e.settled()
	c, err := e.b.Metrics.Counts(e.Context())
	e.ok(err, "reading counters")
	return c
}

// stands checks where a step's rows stand: waiting, queued, running, retrying,
// dead.
func (e *env) stands(g *pipeline.Graph, step string, want ...int64) {
	e.Helper()
	c := e.counts().Steps[pipeline.StepKey{Pipeline: g.Pipeline(), Step: step}]
	same(e, step+"'s waiting, queued, running, retrying, dead", []int64{c.Waiting, c.Queued, c.Running, c.Retrying, c.Dead}, want)
}

func countersFollow(e *env) {
	g := chain(e)
	e.stands(g, "validate", 0, 0, 0, 0, 0)
	id := e.add(g)
	e.stands(g, "validate", 0, 1, 0, 0, 0)
	e.stands(g, "enrich", 1, 0, 0, 0, 0)
	d := e.take(g, "validate")
	e.stands(g, "validate", 0, 0, 1, 0, 0)
	e.settle(retry(d, e.now().Add(e.roomy(5))))
	e.stands(g, "validate", 0, 0, 0, 1, 0)
	e.pass(e.roomy(6))
	e.settle(processed(g, e.take(g, "validate")))
	e.stands(g, "validate", 0, 0, 0, 0, 0)
	e.stands(g, "enrich", 0, 1, 0, 0, 0)
	e.stands(g, "deliver", 1, 0, 0, 0, 0)
	e.kill(g, "enrich")
	e.stands(g, "enrich", 0, 0, 0, 0, 1)
	e.discard("", id)
	e.stands(g, "enrich", 0, 0, 0, 0, 0)
	e.stands(g, "deliver", 0, 0, 0, 0, 0)
	e.restore("", id)
	e.stands(g, "enrich", 0, 0, 0, 0, 1)
	e.stands(g, "deliver", 1, 0, 0, 0, 0)
	e.requeue(move(id, "enrich", pipeline.StateDead, e.now()))
	e.stands(g, "enrich", 0, 1, 0, 0, 0)
	e.process(g, "enrich", "deliver")
	m := move(id, "validate", pipeline.StateProcessed, e.now())
	m.Reset = g.Descendants("validate")
	e.requeue(m)
	e.stands(g, "validate", 0, 1, 0, 0, 0)
	e.stands(g, "enrich", 1, 0, 0, 0, 0)
	e.stands(g, "deliver", 1, 0, 0, 0, 0)
}

func countersByStatus(e *env) {
	zoo(e)
	c := e.counts()
	for status, want := range map[pipeline.Status]int64{pipeline.StatusAccepted: 1, pipeline.StatusInProgress: 2, pipeline.StatusDone: 1,
		pipeline.StatusDead: 1, pipeline.StatusRejected: 1, pipeline.StatusDiscarded: 1} {
		same(e, "chain rows "+string(status), c.Rows["chain"][status], want)
		listed := e.list(pipeline.RowFilter{Pipeline: "chain", Status: status})
		same(e, "chain rows listed "+string(status), int64(len(listed)), want)
	}
	same(e, "single rows accepted", c.Rows["single"][pipeline.StatusAccepted], int64(1))
	same(e, "other rows", len(c.Rows["other"]), 0)
}

func countersGrow(e *env) {
	g := single(e)
	e.add(g)
	e.settle(retry(e.take(g, "deliver"), e.now()))
	e.settle(throttled(e.take(g, "deliver"), e.now()))
	e.settle(released(e.take(g, "deliver")))
	e.kill(g, "deliver")
	e.discard("", e.list(pipeline.RowFilter{})[0].ID)
	done := e.doneRow(g)
	e.requeue(move(done, "deliver", pipeline.StateProcessed, e.now()))
	e.process(g, "deliver")
	e.expire(g, e.now().Add(time.Hour), 10)
	c := e.counts().Steps[pipeline.StepKey{Pipeline: "single", Step: "deliver"}]
	same(e, "processed", c.ProcessedTotal, int64(2))
	same(e, "throttled", c.Throttled, int64(1))
	same(e, "failed", c.FailedTotal, int64(2))
}

func countersOldest(e *env) {
	g := single(e)
	step := pipeline.StepKey{Pipeline: "single", Step: "deliver"}
	same(e, "oldest row of an empty store", e.counts().Oldest["single"].IsZero(), true)
	rows := e.addN(g, 3)
	created := func(i int) time.Time { return e.get(rows[i]).CreatedAt }
	same(e, "oldest row", e.counts().Oldest["single"], created(0))
	same(e, "oldest due", e.counts().Steps[step].OldestDue, created(0))
	ds := e.takeRows(g, "deliver", 3)
	same(e, "oldest due when all run", e.counts().Steps[step].OldestDue.IsZero(), true)
	same(e, "oldest row when all run", e.counts().Oldest["single"], created(0))
	e.settle(processed(g, ds[rows[0]]), dead(ds[rows[1]], "502"), released(ds[rows[2]]))
	same(e, "oldest row when the first are finished", e.counts().Oldest["single"], created(2))
	same(e, "somebody is due", e.counts().Steps[step].OldestDue.IsZero(), false)
	e.discard("", rows[2])
	same(e, "oldest row when all are finished", e.counts().Oldest["single"].IsZero(), true)
	same(e, "oldest due of discarded rows", e.counts().Steps[step].OldestDue.IsZero(), true)
}
