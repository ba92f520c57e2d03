package pipelinetest

import (
	"time"

	"redrive/pipeline"
)

func filterRules() []rule {
	return []rule{
		{name: "row filters", run: rowFilters,
			rule: "A filter selects by pipeline, status, statuses, step and state; its parts hold together, Status wins over Statuses."},
		{name: "row filter by state waiting", run: filterWaiting,
			rule: "Rows whose Step is in State: waiting is a state too."},
		{name: "row filter of discarded rows", run: filterDiscarded,
			rule: "The steps of discarded rows keep their states, by which they are found."},
		{name: "row filter by time", run: filterByTime,
			rule: "Since and Until select rows by when they were accepted."},
		{name: "row filter with pages", run: filterWithPages,
			rule: "A filtered list read page by page has no gaps and no repeats."},
	}
}

// zoo has one row of each status in pipeline chain and one in single, by name.
func zoo(e *env) map[string]string {
	g := chain(e)
	all := map[string]string{"done": e.doneRow(g)}
	all["dead"], _ = e.deadRow(g)
	all["enriching"] = e.add(g)
	e.process(g, "validate")
	e.take(g, "enrich")
	all["retrying"] = e.add(g)
	e.settle(retry(e.take(g, "validate"), e.now().Add(time.Hour)))
	all["discarded"] = e.doneRow(g)
	e.discard("", all["discarded"])
	all["rejected"] = e.insert(e.rejected(g))[0].ID
	all["accepted"] = e.add(g)
	all["single"] = e.add(single(e))
	return all
}

func rowFilters(e *env) {
	all := zoo(e)
	type F = pipeline.RowFilter
	for _, c := range []struct {
		name string
		f    F
		want []string
	}{
		{"everything", F{}, []string{"done", "dead", "enriching", "retrying", "discarded", "rejected", "accepted", "single"}},
		{"pipeline", F{Pipeline: "single"}, []string{"single"}},
		{"unknown pipeline", F{Pipeline: "nobody"}, nil},
		{"accepted", F{Status: pipeline.StatusAccepted}, []string{"accepted", "single"}},
		{"accepted of a pipeline", F{Status: pipeline.StatusAccepted, Pipeline: "chain"}, []string{"accepted"}},
		{"in progress", F{Status: pipeline.StatusInProgress}, []string{"enriching", "retrying"}},
		{"done", F{Status: pipeline.StatusDone}, []string{"done"}},
		{"dead", F{Status: pipeline.StatusDead}, []string{"dead"}},
		{"rejected", F{Status: pipeline.StatusRejected}, []string{"rejected"}},
		{"discarded", F{Status: pipeline.StatusDiscarded}, []string{"discarded"}},
		{"any of two", F{Statuses: []pipeline.Status{pipeline.StatusDone, pipeline.StatusDead}}, []string{"done", "dead"}},
		{"Status wins", F{Status: pipeline.StatusDone, Statuses: []pipeline.Status{pipeline.StatusDead}}, []string{"done"}},
		{"step and state", F{Pipeline: "chain", Step: "validate", State: pipeline.StateRetrying}, []string{"retrying"}},
		{"running step", F{Step: "enrich", State: pipeline.StateRunning}, []string{"enriching"}},
		{"state of another step", F{Step: "enrich", State: pipeline.StateRetrying}, nil},
		{"any step in a state", F{State: pipeline.StateRetrying}, []string{"retrying"}},
		{"any step queued", F{State: pipeline.StateQueued}, []string{"accepted", "single"}},
		{"any step dead", F{State: pipeline.StateDead}, []string{"dead"}},
		{"step and status", F{Step: "validate", State: pipeline.StateProcessed, Status: pipeline.StatusInProgress}, []string{"enriching"}},
		{"all at once", F{Pipeline: "chain", Status: pipeline.StatusDone, Step: "deliver", State: pipeline.StateProcessed, Query: all["done"]}, []string{"done"}},
	} {
		var want []string
		for _, n := range c.want {
			want = append(want, all[n])
		}
		sameSet(e, c.name, ids(e.list(c.f), rowID), want)
	}
}

func filterWaiting(e *env) {
	g := chain(e)
	fresh := e.add(g)
	e.process(g, "validate")
	e.process(g, "enrich")
	second := e.add(g)
	e.insert(e.rejected(g))
	e.add(single(e))
	waits := func(step string) []string {
		return ids(e.list(pipeline.RowFilter{Pipeline: "chain", Step: step, State: pipeline.StateWaiting}), rowID)
	}
	same(e, "rows whose enrich waits", waits("enrich"), []string{second})
	same(e, "rows whose deliver waits", waits("deliver"), []string{second})
	same(e, "rows whose validate waits", len(waits("validate")), 0)
	e.state(fresh, "deliver", pipeline.StateQueued)
}

func filterDiscarded(e *env) {
	id := e.add(chain(e))
	e.discard("", id)
	for state, step := range map[pipeline.State]string{pipeline.StateQueued: "validate", pipeline.StateWaiting: "deliver"} {
		f := pipeline.RowFilter{Status: pipeline.StatusDiscarded, Step: step, State: state}
		same(e, "discarded rows with a step "+string(state), ids(e.list(f), rowID), []string{id})
	}
}

func filterByTime(e *env) {
	start := e.now()
	var all []string
	for i := range 4 {
		r := e.row(single(e))
		r.At = start.Add(time.Duration(i) * time.Minute)
		all = append(all, e.insert(r)[0].ID)
	}
	at := func(minutes float64) time.Time { return start.Add(time.Duration(minutes * float64(time.Minute))) }
	for _, c := range []struct {
		name string
		f    pipeline.RowFilter
		want []string
	}{
		{"since", pipeline.RowFilter{Since: at(1.5)}, all[2:]},
		{"until", pipeline.RowFilter{Until: at(1.5)}, all[:2]},
		{"both", pipeline.RowFilter{Since: at(0.5), Until: at(2.5)}, all[1:3]},
		{"before all", pipeline.RowFilter{Until: at(-1)}, nil},
		{"after all", pipeline.RowFilter{Since: at(9)}, nil},
		{"with a status", pipeline.RowFilter{Since: at(0.5), Status: pipeline.StatusAccepted}, all[1:]},
		{"with another status", pipeline.RowFilter{Since: at(0.5), Status: pipeline.StatusDead}, nil},
	} {
		sameSet(e, c.name, ids(e.list(c.f), rowID), c.want)
	}
}

func filterWithPages(e *env) {
	g := chain(e)
	e.addN(g, 9)
	e.addN(single(e), 3)
	var want []string
	for i, d := range e.takeN(g, "validate", 9) {
		if i%2 == 0 {
			e.settle(processed(g, d))
			want = append(want, d.Row)
		}
	}
	for name, f := range map[string]pipeline.RowFilter{
		"by state":          {Step: "enrich", State: pipeline.StateQueued, Limit: 2},
		"by any state":      {State: pipeline.StateQueued, Pipeline: "chain", Limit: 2},
		"by state, oldest":  {Step: "enrich", State: pipeline.StateQueued, Limit: 2, Oldest: true},
		"by state, a query": {Step: "enrich", State: pipeline.StateQueued, Limit: 2, Query: "{"},
	} {
		sameSet(e, name, ids(e.list(f), rowID), want)
	}
}
