package views

import (
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// SweepsProps is the page of sweeps.
type SweepsProps struct {
	Page
	Schedule pipeline.SweepSchedule
	Running  *pipeline.Sweep  // nil: none runs
	Newest   *pipeline.Sweep  // the last that ended; nil: none is kept
	Reports  []pipeline.Sweep // one page of them, newest first
	Listing  Listing
	Run      SweepForm
	Change   ScheduleForm
}

// SweepForm starts a sweep.
type SweepForm struct {
	Pipelines []Choice // with how many rows are not finished; the first is all of them
	Wrong     Wrong
}

// ScheduleForm changes when sweeps run; it holds what was typed before an error.
type ScheduleForm struct {
	Cron, StuckAfter, Reason string // as typed
	Enabled, Reset           bool
	Wrong                    Wrong
}

// Heading is the finding of the newest sweep.
func (p SweepsProps) Heading() string {
	switch {
	case p.Running != nil:
		return "A sweep is running"
	case p.Newest == nil:
		return "No sweep has run yet"
	case p.Newest.State == pipeline.SweepFailed:
		return "The last sweep failed"
	case p.Newest.Stuck == 0:
		return "The last sweep found nothing stuck"
	case p.Newest.DryRun:
		return "The last dry run found " + Plural(p.Newest.Stuck, "stuck row", "stuck rows")
	default:
		return "The last sweep put " + Plural(p.Newest.Requeued, "row", "rows") + " back"
	}
}

func (p SweepsProps) href(id string) templ.SafeURL { return Href(p.Base, "sweeps", id) }

// what says what a sweep does, in one sentence.
func (p SweepsProps) what() string {
	return "A sweep looks for rows that are neither finished nor queued nor waiting out a backoff, untouched for " +
		StuckWords(p.Schedule.StuckAfter) + ", and puts each back into its queue once."
}

// ScheduleWords says when sweeps run: "every 3 hours, on the hour".
func ScheduleWords(s pipeline.SweepSettings) string {
	if !s.Enabled {
		return "not by schedule"
	}
	words := CronWords(s.Cron)
	if words == s.Cron {
		return "by the schedule " + s.Cron
	}
	return words
}

// StuckWords is a duration of settings, in words when they are exact.
func StuckWords(d time.Duration) string {
	for _, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if d >= unit && d%unit == 0 && d < 48*time.Hour {
			return Long(d)
		}
		if d >= unit {
			break
		}
	}
	return Duration(d)
}

// DurationInput writes a duration as a form takes it: "15m", "1h30m".
func DurationInput(d time.Duration) string {
	text := d.String()
	for _, end := range []struct{ long, short string }{{"m0s", "m"}, {"h0m", "h"}} {
		if n := len(text) - len(end.long); n > 0 && text[n:] == end.long {
			text = text[:n] + end.short
		}
	}
	return text
}

// changed tells whether an operator's schedule is in force.
func (p SweepsProps) changed() bool { return p.Schedule.SweepSettings != p.Schedule.Configured }

// configured says what the configuration asks for.
func (p SweepsProps) configured() string {
	c := p.Schedule.Configured
	return ScheduleWords(c) + ", stuck after " + StuckWords(c.StuckAfter)
}

// runLabel has the exact scope when there is only one pipeline.
func (p SweepsProps) runLabel() string {
	if n := len(p.Run.Pipelines); n == 1 {
		return "Sweep " + p.Run.Pipelines[0].Value + " now"
	}
	return "Sweep now"
}

// sweepResult is how a sweep ended, as a mark: class, icon and word.
func sweepResult(s pipeline.Sweep) (class, icon, word string) {
	switch s.State {
	case pipeline.SweepRunning:
		return "st-running", "f-running", "running"
	case pipeline.SweepFailed:
		return "st-dead", "f-dead", "failed"
	default:
		return "st-processed", "f-processed", "done"
	}
}

// sweepBy is who started a sweep; the program itself keeps the schedule.
func sweepBy(s pipeline.Sweep) string {
	if s.By == pipeline.Program {
		return "schedule"
	}
	return s.By
}

// sweepTook is how long a sweep took, or has been at it.
func sweepTook(s pipeline.Sweep, now time.Time) time.Duration {
	if s.FinishedAt.IsZero() {
		return sinceUntil(s.StartedAt, now)
	}
	return sinceUntil(s.StartedAt, s.FinishedAt)
}

// sweepScope is which pipelines a sweep looked at.
func sweepScope(s pipeline.Sweep) string {
	if s.Pipeline == "" {
		return "all pipelines"
	}
	return s.Pipeline
}

func sweepFacts(s pipeline.Sweep, now time.Time) []Fact {
	stuck := Fact{Label: "Stuck", Value: Count(s.Stuck), Note: "should be in a queue and are in none"}
	if s.Stuck > 0 {
		stuck.Tone = Warn
	}
	requeued := Fact{Label: "Requeued", Value: Count(s.Requeued), Note: "back in their queues"}
	switch {
	case s.DryRun:
		requeued.Note = "a dry run changes nothing"
	case s.Requeued < s.Stuck && s.State == pipeline.SweepDone:
		requeued.Note = Count(s.Stuck-s.Requeued) + " had moved on by then"
	}
	took := Fact{Label: "Took", Value: Duration(sweepTook(s, now)), Note: sweepScope(s)}
	if s.State == pipeline.SweepRunning {
		took.Label = "Running for"
	}
	return []Fact{{Label: "Looked at", Value: Count(s.Scanned), Note: "rows not finished"}, stuck, requeued, took}
}

// sweepOffBy says who switched the schedule off, if an operator did.
func sweepOffBy(s pipeline.SweepSchedule) string {
	if s.ChangedBy == "" || !s.Configured.Enabled {
		return ""
	}
	return "Switched off by " + s.ChangedBy + " at " + s.ChangedAt.UTC().Format("2 Jan 15:04:05") + " UTC."
}

// cronHint reads the expression back, so that a slip shows.
func cronHint(cron string) string {
	words := CronWords(cron)
	if words == cron {
		return "Minute, hour, day, month, day of the week; UTC."
	}
	return capital(words) + ", UTC."
}

func resetConfirm(p SweepsProps) Confirm {
	c := Confirm{ID: "schedule-reset", Summary: "Back to the configuration", Action: Href(p.Base, "sweeps", "schedule"),
		Button: "Sweep " + ScheduleWords(p.Schedule.Configured) + " again", Text: "The schedule is as configured again: " + p.configured() + ".",
		Fields: []Hidden{{"reset", "true"}}}
	if !p.Schedule.Configured.Enabled {
		c.Button = "Reset the schedule"
	}
	if p.Change.Reset {
		c.Reason, c.Error = p.Change.Reason, p.Change.Wrong.Text
	}
	return c
}
