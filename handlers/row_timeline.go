package handlers

import (
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/backoff"
	"redrive/views"
)

// timeline is what is due on a row, then every attempt, newest first, each with
// the wait before it and what the step's policy says about it.
func timeline(row pipeline.RowDetail, steps []pipeline.StepView, now time.Time) []views.TimelineItem {
	tries := map[string][]try{}
	for _, a := range slices.Backward(row.Attempts) {
		tries[a.Step] = append(tries[a.Step], nextTry(tries[a.Step], a))
	}
	var out []views.TimelineItem
	told := map[string]bool{} // steps whose policy was told in full
	if row.Status != pipeline.StatusDiscarded && row.Status != pipeline.StatusRejected {
		for _, f := range row.Steps {
			if item, ok := due(f, stepNamed(steps, f.Name), tries[f.Name]); ok {
				out = append(out, item)
				told[f.Name] = item.WaitText != ""
			}
		}
	}
	for _, a := range row.Attempts {
		list := tries[a.Step]
		i := slices.IndexFunc(list, func(t try) bool { return t.Number == a.Number })
		item := made(a, len(row.Results[a.Step]))
		if i > 0 {
			item.WaitText = waited(list[i-1], list[i], stepNamed(steps, a.Step), !told[a.Step])
			told[a.Step] = true
		} else if i == 0 {
			item.WaitText = queuedBefore(row.Row, stepNamed(steps, a.Step), a)
		}
		out = append(out, item)
	}
	return out
}

// try is an attempt with how many of its budget failed before and with it.
type try struct {
	pipeline.Attempt
	before, after int
}

func nextTry(list []try, a pipeline.Attempt) try {
	t := try{Attempt: a}
	if len(list) > 0 {
		t.before = list[len(list)-1].after
	}
	switch a.Outcome {
	case pipeline.AttemptFailed, pipeline.AttemptLost:
		t.after = t.before + 1
	case pipeline.AttemptThrottled:
		t.after = t.before
	}
	return t // processed and dead end a budget
}

func (t try) end() time.Time { return t.StartedAt.Add(t.Duration) }

// made is an attempt that was made.
func made(a pipeline.Attempt, result int) views.TimelineItem {
	item := views.TimelineItem{At: a.StartedAt, State: string(a.Outcome), Step: a.Step, Try: a.Number, Took: a.Duration, Code: a.StatusCode, Error: a.Error}
	switch a.Outcome {
	case pipeline.AttemptProcessed:
		item.Text = "Flag set by " + a.Worker + "."
		if result > 0 {
			item.Text += " Result kept, " + views.Bytes(int64(result)) + "."
		}
	case pipeline.AttemptThrottled:
		item.Text = "The downstream asks for less. That uses up no try."
	case pipeline.AttemptLost:
		item.Text = "Worker " + a.Worker + " went away before the outcome was stored. The call may have had its effect."
	case pipeline.AttemptDead:
		item.Text = "The last try of its budget, or an answer that is not worth another: a dead letter."
	}
	return item
}

// due is what will happen, or happens, at a step.
func due(f pipeline.Flag, step *pipeline.StepView, list []try) (views.TimelineItem, bool) {
	item := views.TimelineItem{State: string(f.State), Step: f.Name, Due: true, Try: f.Attempts + 1}
	switch f.State {
	case pipeline.StateRunning:
		item.Try, item.At = max(f.Attempts, 1), f.TouchedAt
		if f.Worker != "" {
			item.Text = "Called by " + f.Worker + "."
		}
		return item, true
	case pipeline.StateQueued:
		item.At, item.Text = f.TouchedAt, "In the queue of its step."
	case pipeline.StateRetrying:
		item.At, item.Until = f.NextAttemptAt, f.NextAttemptAt
		if len(list) > 0 {
			last := list[len(list)-1]
			item.WaitText = "Waits " + views.Duration(f.NextAttemptAt.Sub(last.end())) + "." + policy(step, last.after, true)
		}
	default:
		return item, false
	}
	switch {
	case step == nil || step.Gone:
		item.Text, item.Until = "Its step is no longer configured: nobody takes it.", time.Time{}
	case step.Settings.Paused:
		item.Text, item.Until = "Its step is paused: it runs once somebody resumes it.", time.Time{}
	case step.BreakerState == "open":
		item.Text = "Held: " + step.Breaker + " is open. It may run as a probe when the breaker goes half-open."
	case step.BreakerState == "half-open":
		item.Text = step.Breaker + " is half-open: it may run as a probe."
	}
	return item, true
}

// waited says how long an attempt waited after the one before, and why.
func waited(last, next try, step *pipeline.StepView, full bool) string {
	gap := max(0, next.StartedAt.Sub(last.end()))
	spent := views.Duration(gap)
	switch last.Outcome {
	case pipeline.AttemptProcessed:
		return "Run again " + spent + " after it was processed."
	case pipeline.AttemptDead:
		return "Dead for " + spent + ", then redriven with a fresh budget."
	case pipeline.AttemptLost:
		return "Its lease ran out; called again " + spent + " later."
	case pipeline.AttemptThrottled:
		return "Waited " + spent + ", as the downstream asked or its backoff says."
	}
	text := "Waited " + spent + "." + policy(step, last.after, full)
	if _, most, ok := bounds(step, last.after); ok && gap > most+time.Second {
		text += " The rest it waited in the queue."
	}
	return text
}

// queuedBefore says how long a first attempt waited for a worker, if that is
// worth a line.
func queuedBefore(row pipeline.Row, step *pipeline.StepView, a pipeline.Attempt) string {
	ready := row.CreatedAt
	if step != nil {
		for _, need := range step.Needs {
			if f, ok := row.Flag(need); ok && f.ProcessedAt.After(ready) {
				ready = f.ProcessedAt
			}
		}
	}
	if gap := a.StartedAt.Sub(ready); gap >= time.Second {
		return "Waited " + views.Duration(gap) + " in the queue."
	}
	return ""
}

func policyOf(step *pipeline.StepView) backoff.Policy {
	return backoff.Policy{Attempts: step.Attempts, Base: step.Base, Cap: step.Cap, Jitter: backoff.Jitter(step.Jitter)}
}

// bounds are the shortest and the longest wait after so many failures.
func bounds(step *pipeline.StepView, failures int) (least, most time.Duration, ok bool) {
	if step == nil || step.Gone || step.Base <= 0 || failures < 1 {
		return 0, 0, false
	}
	p := policyOf(step)
	most = p.Ceiling(failures)
	switch p.Jitter {
	case backoff.None:
		return most, most, true
	case backoff.Equal:
		return most / 2, most, true
	default:
		return 0, most, true
	}
}

// policy is the step's policy for the wait after so many failures, in full or
// only the bounds.
func policy(step *pipeline.StepView, failures int, full bool) string {
	least, most, ok := bounds(step, failures)
	if !ok {
		return ""
	}
	span := brief(least) + " to " + brief(most)
	switch {
	case least == most:
		span = "exactly " + brief(most)
	case least == 0:
		span = "0 to " + brief(most)
	}
	if !full {
		return " Policy: " + span + "."
	}
	text := " Policy: " + brief(step.Base) + " doubling"
	if step.Cap > 0 {
		text += " to " + brief(step.Cap)
	}
	if step.Jitter != string(backoff.None) && step.Jitter != "" {
		text += ", " + step.Jitter + " jitter"
	}
	return text + ", so " + span + "."
}

// brief is a configured duration without a decimal that says nothing.
func brief(d time.Duration) string { return strings.Replace(views.Duration(d), ".0 s", " s", 1) }
