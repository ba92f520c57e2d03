package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"redrive/pipeline/backoff"
	"redrive/pipeline/redact"
)

// callGrace is how much longer than its time-out a call is let run: a caller
// keeps the time-out itself and says what it waited for; one that does not is
// cut off here.
const callGrace = time.Second

// attempt is the step's whole algorithm. The message is taken; look at the
// flag; if it is unset do the one thing; the outcome then sets the flag,
// triggers what comes next and lets the message go, in one call of Settle.
// Doing all of it twice changes nothing.
func (w *worker) attempt(ctx context.Context, d Delivery) (Outcome, Answer) {
	g, err := w.e.graphs.get(ctx, d.Graph)
	if err != nil {
		return w.undeliverable(d, err), Answer{Kind: AnswerAborted}
	}
	if d.Processed {
		return pass(g, d, Outcome{Delivery: d, Verdict: Processed}), Answer{Kind: AnswerAborted}
	}
	if w.step.Retry.Exhausted(d.Spent) {
		return w.exhausted(d), Answer{Kind: AnswerAborted}
	}
	started := time.Now()
	answer := w.call(ctx, d)
	if answer.Error != "" { // before it is stored, counted, shown or cut
		answer.Error = redact.Text(answer.Error)
	}
	out := judge(w.step.Retry, d, answer, started, time.Now(), w.e.cfg.Random)
	out.Attempt.Worker, out.Keep = w.e.cfg.Worker, w.step.KeepResult
	if out.Verdict == Processed {
		out = pass(g, d, out)
	}
	return out, answer
}

// pass adds what a processed step triggers.
func pass(g *Graph, d Delivery, out Outcome) Outcome {
	if !d.Alone {
		out.Unlocks = g.Unlocks(d.Step)
	}
	out.Sinks = g.Sinks()
	return out
}

// call makes the step's call with its time-out, through the faults that are on.
// A panic in a caller is an answer like any other; the worker goes on.
func (w *worker) call(ctx context.Context, d Delivery) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			w.e.log.ErrorContext(ctx, "a step's call panicked", "pipeline", d.Pipeline, "step", d.Step, "row", d.Row, "panic", redact.Text(fmt.Sprint(p)), "stack", string(debug.Stack()))
			a = Answer{Kind: AnswerTransient, Error: fmt.Sprintf("the call panicked: %v", p), Cause: "panic"}
		}
	}()
	if a, hit := w.faulted(ctx); hit {
		return a
	}
	limited := ctx
	if w.step.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, w.step.Timeout+callGrace)
		defer cancel()
	}
	a = w.step.Caller.Call(limited, Call{Row: d.Row, Pipeline: d.Pipeline, Step: d.Step, Attempt: d.Attempt,
		ContentType: d.ContentType, Trace: d.Trace, Payload: d.Payload})
	if a.Kind == AnswerAborted && ctx.Err() == nil {
		return Answer{Kind: AnswerTransient, Error: fmt.Sprintf("no answer in %s", w.step.Timeout), Cause: CauseTimeout}
	}
	return a
}

// faulted plays the faults that are on, within the step's time-out.
func (w *worker) faulted(ctx context.Context) (Answer, bool) {
	if w.step.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.step.Timeout)
		defer cancel()
	}
	return w.e.Faults.hit(ctx, w.pipeline, w.step.Name, w.e.cfg.Random)
}

// judge decides what an answer means for the row. It is pure: time and chance
// are handed in.
func judge(policy backoff.Policy, d Delivery, a Answer, started, now time.Time, random func() float64) Outcome {
	out := Outcome{Delivery: d, Result: a.Result, Attempt: Attempt{Step: d.Step, Number: d.Attempt, StartedAt: started.UTC(),
		Duration: now.Sub(started), StatusCode: a.StatusCode, Error: a.Error}}
	switch {
	case a.Kind == AnswerProcessed:
		out.Verdict, out.Attempt.Outcome = Processed, AttemptProcessed
	case a.Kind == AnswerAborted:
		out.Verdict, out.Free, out.RetryAt = Retry, true, now
		out.Attempt.Outcome, out.Attempt.Error = AttemptLost, "cut off: this process was stopping"
	case a.Kind == AnswerThrottled:
		out.Verdict, out.Free, out.Attempt.Outcome = Retry, true, AttemptThrottled
		out.RetryAt = now.Add(max(a.RetryAfter, policy.Wait(d.Attempt, random)))
	case a.Kind == AnswerPermanent || policy.Exhausted(d.Spent+1):
		out.Verdict, out.Attempt.Outcome = Dead, AttemptDead
		out.Letter = letterOf(d, a, started)
	default:
		out.Verdict, out.Attempt.Outcome = Retry, AttemptFailed
		out.RetryAt = now.Add(max(a.RetryAfter, policy.Wait(d.Spent+1, random)))
	}
	return out
}

func letterOf(d Delivery, a Answer, failed time.Time) NewLetter {
	kind := LetterHandler
	if a.Cause == CauseRequest || a.Cause == CauseAddress {
		kind = LetterUndeliverable
	}
	l := NewLetter{Kind: kind, Error: a.Error, StatusCode: a.StatusCode, FirstFailedAt: d.FirstFailedAt}
	if l.FirstFailedAt.IsZero() {
		l.FirstFailedAt = failed.UTC()
	}
	l.Cause = NormaliseError(a.Error)
	l.Group = GroupOf(d.Pipeline, d.Step, kind, a.StatusCode, a.Cause, l.Cause)
	return l
}

// exhausted gives up on a row whose budget is used up without a last answer:
// its workers went away in the middle of the call, again and again.
func (w *worker) exhausted(d Delivery) Outcome {
	text := d.LastError
	if text == "" {
		text = "its worker went away during the call"
	}
	now := time.Now()
	return Outcome{Delivery: d, Verdict: Dead, Letter: letterOf(d, Answer{Error: text, Cause: "lost"}, now)}
}

// undeliverable gives up on a row that cannot even be tried.
func (w *worker) undeliverable(d Delivery, err error) Outcome {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Outcome{Delivery: d, Verdict: Release}
	}
	text := "the graph this row was accepted with is not in the store"
	l := NewLetter{Kind: LetterUndeliverable, Error: text, Cause: text, FirstFailedAt: time.Now().UTC()}
	l.Group = GroupOf(d.Pipeline, d.Step, l.Kind, 0, "graph", text)
	return Outcome{Delivery: d, Verdict: Dead, Letter: l}
}
