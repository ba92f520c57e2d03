package pipelinetest

import (
	"slices"

	"redrive/pipeline"
)

func replayRules() []rule {
	return []rule{
		{name: "replay of a step alone", run: replayAlone,
			rule: "Alone: what the step unlocks is not queued."},
		{name: "replay with what follows", run: replayWithReset,
			rule: "Reset: processed steps below it wait again and are queued again when their needs are processed."},
		{name: "replay of one side of a join", run: replayJoinSide,
			rule: "A join that waits again starts once its needs are processed, of which one still is."},
		{name: "replay without reset", run: replayWithoutReset,
			rule: "A step that exists already is not queued again by what unlocks it."},
		{name: "alone is forgotten", run: aloneForgotten,
			rule: "A later move without Alone lets the step start what follows."},
		{name: "replay of what is above a dead step", run: replayAboveDead,
			rule: "A row is done when every step is processed, in whatever order replays and redrives let them end."},
		{name: "replay of a part", run: replayPart,
			rule: "Reset names what waits again: other steps below keep their flags."},
		{name: "done again when all are processed", run: doneAgain,
			rule: "A row is done when every step is processed; one that is replayed is not."},
	}
}

func replayAlone(e *env) {
	g := chain(e)
	id, _ := e.deadRow(g)
	m := move(id, "validate", pipeline.StateDead, e.now())
	m.Alone = true
	e.requeue(m)
	same(e, "flag alone", e.flag(id, "validate").Alone, true)
	d := e.take(g, "validate")
	same(e, "delivery alone", d.Alone, true)
	e.settle(retry(d, e.now()))
	d = e.take(g, "validate")
	same(e, "delivery alone after a retry", d.Alone, true)
	out := processed(g, d)
	out.Unlocks = g.Unlocks("validate") // a caller that forgets is not believed
	e.settle(out)
	e.nothing(g, "enrich")
	e.state(id, "validate", pipeline.StateProcessed)
	e.state(id, "enrich", pipeline.StateWaiting)
	e.status(id, pipeline.StatusInProgress)
}

func replayWithReset(e *env) {
	g := chain(e)
	id := e.doneRow(g)
	m := move(id, "validate", pipeline.StateProcessed, e.now())
	m.Reset = g.Descendants("validate")
	e.requeue(m)
	e.status(id, pipeline.StatusInProgress)
	e.state(id, "enrich", pipeline.StateWaiting)
	e.state(id, "deliver", pipeline.StateWaiting)
	e.nothing(g, "enrich", "deliver")
	for _, step := range []string{"validate", "enrich", "deliver"} {
		d := e.take(g, step)
		same(e, step+" attempt", d.Attempt, 2)
		same(e, step+" spent", d.Spent, 0)
		e.settle(processed(g, d))
	}
	e.status(id, pipeline.StatusDone)
	same(e, "attempts kept", len(e.get(id).Attempts), 6)
}

func replayJoinSide(e *env) {
	g := join(e)
	id := e.doneRow(g)
	m := move(id, "index", pipeline.StateProcessed, e.now())
	m.Reset = g.Descendants("index")
	e.requeue(m)
	e.state(id, "notify", pipeline.StateProcessed)
	e.state(id, "report", pipeline.StateWaiting)
	e.process(g, "index")
	e.nothing(g, "validate", "notify", "index")
	e.process(g, "report")
	e.nothing(g, "report")
	e.status(id, pipeline.StatusDone)
}

func replayWithoutReset(e *env) {
	g := chain(e)
	id := e.doneRow(g)
	e.requeue(move(id, "validate", pipeline.StateProcessed, e.now()))
	e.process(g, "validate")
	e.nothing(g, "enrich", "deliver")
	e.status(id, pipeline.StatusDone)
	dead := e.add(g)
	e.process(g, "validate")
	e.kill(g, "enrich")
	e.requeue(move(dead, "validate", pipeline.StateProcessed, e.now()))
	e.process(g, "validate")
	e.nothing(g, "enrich", "deliver")
	e.state(dead, "enrich", pipeline.StateDead)
	e.status(dead, pipeline.StatusDead)
}

func aloneForgotten(e *env) {
	g := chain(e)
	id, _ := e.deadRow(g)
	m := move(id, "validate", pipeline.StateDead, e.now())
	m.Alone = true
	e.requeue(m)
	e.process(g, "validate")
	e.requeue(move(id, "validate", pipeline.StateProcessed, e.now()))
	same(e, "flag alone", e.flag(id, "validate").Alone, false)
	e.process(g, "validate", "enrich", "deliver")
	e.status(id, pipeline.StatusDone)
}

func doneAgain(e *env) {
	g := fork(e)
	id := e.doneRow(g)
	e.requeue(move(id, "validate", pipeline.StateProcessed, e.now()), move(id, "index", pipeline.StateProcessed, e.now()))
	e.status(id, pipeline.StatusInProgress)
	e.process(g, "index")
	e.status(id, pipeline.StatusInProgress)
	e.process(g, "validate")
	e.status(id, pipeline.StatusDone)
	e.nothing(g, "index", "notify", "archive")
}

func replayAboveDead(e *env) {
	g := chain(e)
	for _, order := range [][]string{{"deliver", "validate", "enrich"}, {"validate", "deliver", "enrich"}, {"validate", "enrich", "deliver"}} {
		id := e.add(g)
		e.process(g, "validate", "enrich")
		e.kill(g, "deliver")
		m := move(id, "validate", pipeline.StateProcessed, e.now())
		m.Reset = g.Descendants("validate")
		e.requeue(m)
		e.state(id, "enrich", pipeline.StateWaiting)
		e.state(id, "deliver", pipeline.StateDead)
		e.status(id, pipeline.StatusDead)
		e.requeue(move(id, "deliver", pipeline.StateDead, e.now()))
		for i, step := range order {
			e.status(id, pipeline.StatusInProgress)
			e.process(g, step)
			if i == len(order)-1 {
				e.status(id, pipeline.StatusDone)
			}
		}
		e.nothing(g, order...)
	}
}

func replayPart(e *env) {
	g := chain(e)
	id := e.doneRow(g)
	m := move(id, "validate", pipeline.StateProcessed, e.now())
	m.Reset = slices.DeleteFunc(g.Descendants("validate"), func(s string) bool { return s == "deliver" })
	e.requeue(m)
	e.state(id, "deliver", pipeline.StateProcessed)
	e.process(g, "validate", "enrich")
	e.nothing(g, "validate", "enrich", "deliver")
	e.status(id, pipeline.StatusDone)
}
