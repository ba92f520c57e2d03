package pipelinetest

import (
	"strings"
	"time"

	"redrive/pipeline"
)

func settleRules() []rule {
	return []rule{
		{name: "processed sets the flag", run: processedSetsFlag,
			rule: "Processed writes flag, result, attempt and status together."},
		{name: "retry waits out its backoff", run: retryWaits,
			rule: "Retry puts the step back into the queue at RetryAt and uses up one of the budget."},
		{name: "a retry that is due at once", run: retryAtOnce,
			rule: "A RetryAt that has passed is due now."},
		{name: "free retries spend nothing", run: freeRetries,
			rule: "A free retry is an attempt, uses up no budget and counts as throttled if it was."},
		{name: "release uncounts", run: releaseUncounts,
			rule: "Release: no call was made; the step is back in the queue now and the attempt is not counted."},
		{name: "release of a first attempt", run: releaseOfTheFirst,
			rule: "A row whose only attempts were released was not tried: it is accepted."},
		{name: "dead writes the letter", run: deadWritesLetter,
			rule: "Dead puts the step into the dead-letter queue, with the row, the attempt and the letter written together."},
		{name: "no call, no attempt", run: noCallNoAttempt,
			rule: "An attempt of Number 0 is not stored: no call was made."},
		{name: "attempts are kept", run: attemptsAreKept,
			rule: "Every attempt is kept as it was, newest first, as long as the row."},
		{name: "one dead step, others go on", run: deadBranch,
			rule: "A row is dead as long as one of its steps is; its other steps go on."},
		{name: "settle answers in order", run: settleInOrder,
			rule: "Settle gives one answer each, in order, and a bad one in the middle spoils no other."},
	}
}

func processedSetsFlag(e *env) {
	g := chain(e)
	id := e.add(g)
	d := e.take(g, "validate")
	out := processed(g, d)
	out.Result = []byte("\x00\xff not JSON")
	e.settle(out)
	got := e.get(id)
	f, _ := got.Flag("validate")
	same(e, "state", f.State, pipeline.StateProcessed)
	same(e, "last error", f.LastError, "")
	if f.ProcessedAt.IsZero() || f.ProcessedAt.Before(got.CreatedAt) {
		e.Errorf("processed at %v", f.ProcessedAt)
	}
	same(e, "result", string(got.Results["validate"]), string(out.Result))
	same(e, "attempts", got.Attempts, []pipeline.Attempt{out.Attempt})
	same(e, "status", got.Status, pipeline.StatusInProgress)
	e.nothing(g, "validate")
}

func retryWaits(e *env) {
	g := single(e)
	id := e.add(g)
	first := e.take(g, "deliver")
	at := e.now().Add(e.roomy(10))
	out := retry(first, at)
	e.settle(out)
	f := e.flag(id, "deliver")
	same(e, "state", f.State, pipeline.StateRetrying)
	same(e, "next attempt", f.NextAttemptAt, at)
	same(e, "attempts", f.Attempts, 1)
	same(e, "last error", f.LastError, out.Attempt.Error)
	e.status(id, pipeline.StatusInProgress)
	e.nothing(g, "deliver")
	e.pass(e.roomy(10) + e.h.Precision)
	second := e.take(g, "deliver")
	same(e, "attempt", second.Attempt, 2)
	same(e, "spent", second.Spent, 1)
	same(e, "last error", second.LastError, out.Attempt.Error)
	if second.FirstFailedAt.Before(out.Attempt.StartedAt) || second.FirstFailedAt.After(e.now()) {
		e.Errorf("first failed at %v, want about %v", second.FirstFailedAt, out.Attempt.StartedAt)
	}
	e.settle(retry(second, e.now()))
	third := e.take(g, "deliver")
	same(e, "spent", third.Spent, 2)
	same(e, "first failed, later", third.FirstFailedAt, second.FirstFailedAt)
}

func retryAtOnce(e *env) {
	g := single(e)
	e.add(g)
	for n := range 3 {
		d := e.take(g, "deliver")
		same(e, "attempt", d.Attempt, n+1)
		e.settle(retry(d, e.now().Add(-time.Duration(n)*time.Hour)))
	}
}

func freeRetries(e *env) {
	g := single(e)
	id := e.add(g)
	for n := range 3 {
		d := e.take(g, "deliver")
		same(e, "attempt", d.Attempt, n+1)
		same(e, "spent", d.Spent, 0)
		e.settle(throttled(d, e.now()))
	}
	cut := e.take(g, "deliver")
	out := throttled(cut, e.now())
	out.Attempt.Outcome = pipeline.AttemptLost
	e.settle(out)
	d := e.take(g, "deliver")
	same(e, "spent", d.Spent, 0)
	e.settle(retry(d, e.now()))
	same(e, "spent after a failure", e.take(g, "deliver").Spent, 1)
	same(e, "attempts kept", len(e.get(id).Attempts), 5)
	same(e, "throttled", e.counts().Steps[pipeline.StepKey{Pipeline: "single", Step: "deliver"}].Throttled, int64(3))
}

func releaseUncounts(e *env) {
	g := single(e)
	id := e.add(g)
	e.settle(retry(e.take(g, "deliver"), e.now()))
	for range 3 {
		d := e.take(g, "deliver")
		same(e, "attempt", d.Attempt, 2)
		same(e, "spent", d.Spent, 1)
		e.settle(released(d))
		f := e.flag(id, "deliver")
		if due := f.State == pipeline.StateRetrying && !f.NextAttemptAt.After(e.now()); !due || !e.h.Unclaimed { // a release then writes nothing
			same(e, "state", f.State, pipeline.StateQueued)
		}
		same(e, "attempts", f.Attempts, 1)
	}
	same(e, "attempts kept", len(e.get(id).Attempts), 1)
}

func releaseOfTheFirst(e *env) {
	g := join(e)
	id := e.add(g)
	for range 2 {
		e.settle(released(e.take(g, "validate")))
		e.status(id, pipeline.StatusAccepted)
		e.state(id, "validate", pipeline.StateQueued)
	}
	same(e, "rows counted as accepted", e.counts().Rows[g.Pipeline()][pipeline.StatusAccepted], int64(1))
	e.settle(retry(e.take(g, "validate"), e.now()))
	e.settle(released(e.take(g, "validate")))
	e.status(id, pipeline.StatusInProgress)
}

func deadWritesLetter(e *env) {
	g := chain(e)
	in := e.row(g)
	id := e.insert(in)[0].ID
	e.settle(retry(e.take(g, "validate"), e.now()))
	e.pass(e.tick())
	d := e.take(g, "validate")
	out := dead(d, "502 Bad Gateway for order 17")
	out.Letter.Cause = "502 Bad Gateway for order N"
	e.settle(out)
	e.state(id, "validate", pipeline.StateDead)
	e.status(id, pipeline.StatusDead)
	same(e, "last error", e.flag(id, "validate").LastError, out.Attempt.Error)
	l := e.letter(id, "validate")
	if l.ID == "" || l.DeadAt.Before(l.FirstFailedAt) || l.DeadAt.After(e.now().Add(e.tick())) {
		e.Errorf("letter %q of %v", l.ID, l.DeadAt)
	}
	same(e, "first failed", l.FirstFailedAt, d.FirstFailedAt)
	if !strings.HasSuffix(l.Queue(), "chain-validate-dlq") {
		e.Errorf("the letter lies in %s", l.Queue())
	}
	l.ID, l.In, l.DeadAt, l.FirstFailedAt = "", "", time.Time{}, time.Time{}
	same(e, "letter", l, pipeline.DeadLetter{Row: id, Pipeline: "chain", Step: "validate", Error: out.Letter.Error, StatusCode: 502,
		Group: out.Letter.Group, Attempts: 2, Kind: pipeline.LetterHandler, Label: in.Label})
	e.nothing(g, "validate", "enrich")
}

func noCallNoAttempt(e *env) {
	g := chain(e)
	id := e.add(g)
	out := processed(g, e.take(g, "validate"))
	out.Attempt = pipeline.Attempt{}
	e.settle(out)
	e.state(id, "validate", pipeline.StateProcessed)
	out = dead(e.take(g, "enrich"), "no such function")
	out.Attempt, out.Letter.Kind = pipeline.Attempt{}, pipeline.LetterUndeliverable
	e.settle(out)
	same(e, "attempts kept", len(e.get(id).Attempts), 0)
	l := e.letter(id, "enrich")
	same(e, "kind", l.Kind, pipeline.LetterUndeliverable)
	same(e, "error", l.Error, "no such function")
	same(e, "last error", e.flag(id, "enrich").LastError, "no such function")
}

func attemptsAreKept(e *env) {
	g := chain(e)
	id := e.add(g)
	var want []pipeline.Attempt
	write := func(out pipeline.Outcome) {
		e.settle(out)
		want = append([]pipeline.Attempt{out.Attempt}, want...)
		e.pass(e.tick())
	}
	write(retry(e.take(g, "validate"), e.now()))
	write(throttled(e.take(g, "validate"), e.now()))
	write(processed(g, e.take(g, "validate")))
	write(processed(g, e.take(g, "enrich")))
	write(dead(e.take(g, "deliver"), "502"))
	same(e, "attempts", e.get(id).Attempts, want)
}

func deadBranch(e *env) {
	g := fork(e)
	id := e.add(g)
	e.process(g, "validate")
	e.kill(g, "index")
	e.status(id, pipeline.StatusDead)
	e.process(g, "notify")
	e.status(id, pipeline.StatusDead)
	e.kill(g, "archive")
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 2)
	e.requeue(move(id, "index", pipeline.StateDead, e.now()))
	e.process(g, "index")
	e.status(id, pipeline.StatusDead)
	e.requeue(move(id, "archive", pipeline.StateDead, e.now()))
	e.status(id, pipeline.StatusInProgress)
	e.process(g, "archive")
	e.status(id, pipeline.StatusDone)
}

func settleInOrder(e *env) {
	g := chain(e)
	e.addN(g, 4)
	ds := e.takeN(g, "validate", 4)
	unknown := ds[1]
	unknown.Row, unknown.Receipt = "no-such-row", pipeline.Receipt{Key: -1, Token: -1, Handle: "none"}
	stale := ds[1]
	e.settle(retry(ds[1], e.now().Add(time.Hour)))
	e.answers("settling", e.trySettle(processed(g, ds[0]), processed(g, unknown), dead(ds[2], "502"), dead(stale, "late"), released(ds[3])),
		nil, pipeline.ErrLeaseLost, nil, pipeline.ErrLeaseLost, nil)
	for i, want := range []pipeline.State{pipeline.StateProcessed, pipeline.StateRetrying, pipeline.StateDead, pipeline.StateQueued} {
		e.state(ds[i].Row, "validate", want)
	}
	same(e, "letters", len(e.letters(pipeline.LetterFilter{})), 1)
	e.takeRows(g, "enrich", 1)
}
