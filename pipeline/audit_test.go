package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
)

// operator is ada, who may do things.
func operator(ctx context.Context) context.Context {
	return pipeline.WithActor(ctx, pipeline.Actor{Name: "ada", Role: "operator", From: "127.0.0.1"})
}

// newest is the newest entry of an action.
func (w *world) newest(action string) pipeline.Entry {
	w.t.Helper()
	page := must(w.engine.Audit.List(w.t.Context(), pipeline.AuditFilter{Action: action, Limit: 1}))(w.t)
	if len(page.Items) == 0 {
		w.t.Fatalf("the audit has no %s", action)
	}
	return page.Items[0]
}

func (w *world) count() int64 {
	w.t.Helper()
	check := must(pipeline.VerifyAudit(w.t.Context(), w.db.Backend().Audit, w.db.Backend().Records, pipeline.AuditBounds{}))(w.t)
	if check.Bad != nil {
		w.t.Errorf("the audit log is broken: %s", check.Bad.Sentence())
	}
	return check.Entries
}

func TestEntriesTellWhatWasBeforeAndWhatIsAfter(t *testing.T) {
	newWorld(t, guarded, func(t *testing.T, w *world) {
		ctx, e := operator(t.Context()), w.engine
		done := w.submit(1)[0]
		w.pass(time.Second)
		w.answer(func(pipeline.Call) pipeline.Answer {
			return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "no"}
		})
		w.pass(time.Second)
		dead := w.submit(1)[0]
		w.pass(time.Second)
		rate, cron, yes := 5.0, "each minute", false
		for _, c := range []struct {
			action string
			do     func() error
			object string
			detail []string
		}{
			{"row.discard", func() error { _, err := e.Rows.Discard(ctx, dead, "why"); return err }, "rows/" + dead, []string{`"before":"dead"`, `"after":"discarded"`}},
			{"row.restore", func() error { _, err := e.Rows.Restore(ctx, dead, "why"); return err }, "rows/" + dead, []string{`"before":"discarded"`, `"after":"dead"`}},
			{"row.discard", func() error { _, err := e.Rows.Discard(ctx, done, "why"); return err }, "rows/" + done, []string{`"before":"done"`}},
			{"row.restore", func() error { _, err := e.Rows.Restore(ctx, done, "why"); return err }, "rows/" + done, []string{`"after":"done"`}},
			{"row.replay", func() error {
				_, err := e.Rows.Replay(ctx, done, pipeline.ReplayRequest{Step: "index", Downstream: true, Force: true, Reason: "why"})
				return err
			}, "rows/" + done, []string{`"before":{"archive":"processed","index":"processed"}`, `"after":{"archive":"waiting","index":"queued"}`}},
			{"breaker.force", func() error {
				_, err := e.Breakers.Force(ctx, "downstream", pipeline.ForceRequest{State: "open", For: time.Hour, Reason: "why"})
				return err
			}, "breakers/downstream", []string{`"before":{"mode":"automatic","state":"closed"}`, `"after":{"held_by":"ada","held_until":`, `"mode":"held","state":"open"}`}},
			{"step.change", func() error {
				_, err := e.Steps.Change(ctx, "p", "index", pipeline.StepChange{Rate: &rate, Reason: "why"})
				return err
			}, "steps/p/index", []string{`"before":{"concurrency":8,"paused":false,"rate":0}`, `"after":{"concurrency":8,"paused":false,"rate":5}`}},
			{"sweep.schedule", func() error {
				_, err := e.Sweeps.SetSchedule(ctx, pipeline.ScheduleChange{Cron: &cron, Enabled: &yes, Reason: "why"})
				return err
			}, "sweeps/schedule", []string{`"before":{"cron":"each minute","enabled":false,"stuck_after":"1m0s"}`, `"after":{"cron":"each minute","enabled":false,"stuck_after":"1m0s"}`}},
			{"fault.start", func() error {
				_, err := e.Faults.Start(ctx, pipeline.NewFault{Pipeline: "p", Step: "index", ErrorRate: 0.5, For: time.Hour, Reason: "why"})
				return err
			}, "", []string{`"before":null`, `"after":{"error_rate":0.5`, `"step":"index"`}},
			{"fault.end", func() error { _, err := e.Faults.End(ctx, e.Faults.List(ctx)[0].ID, "why"); return err }, "", []string{`"before":{"error_rate":0.5`, `"after":null`}},
		} {
			if err := c.do(); err != nil {
				t.Fatalf("%s: %v", c.action, err)
			}
			got := w.newest(c.action)
			if got.Actor != "ada" || got.Role != "operator" || got.From != "127.0.0.1" || got.Reason != "why" || got.Result != pipeline.ResultOK || c.object != "" && got.Object != c.object {
				t.Errorf("%s: %+v", c.action, got)
			}
			for _, part := range c.detail {
				if !strings.Contains(string(got.Detail), part) {
					t.Errorf("%s: %s is not in %s", c.action, part, got.Detail)
				}
			}
		}
		w.count()
	})
}

func TestWhatAnOperatorDidNotGetIsAudited(t *testing.T) {
	f := &flaky{}
	newWorld(t, withFlaky(f, guarded), func(t *testing.T, w *world) {
		ctx, e := operator(t.Context()), w.engine
		id := w.submit(1)[0]
		w.pass(time.Second)
		op := must(e.Operations.Start(ctx, pipeline.OperationRequest{Kind: pipeline.OpReplay, Selector: pipeline.Selector{Pipeline: "p"}, Reason: "why"}))(t)
		w.pass(time.Minute)
		f.when(func(method, kind string) bool { return method == "Put" })
		for _, c := range []struct {
			action, object, result string
			do                     func() error
		}{
			{"row.restore", "rows/" + id, "not discarded", func() error { _, err := e.Rows.Restore(ctx, id, "why"); return err }},
			{"row.replay", "rows/" + id, "already processed", func() error {
				_, err := e.Rows.Replay(ctx, id, pipeline.ReplayRequest{Step: "index", Reason: "why"})
				return err
			}},
			{"replay.cancel", "redrives/" + op.ID, "it is done already", func() error { _, err := e.Operations.Cancel(ctx, op.ID, "why"); return err }},
			{"restore.start", "redrives/" + op.ID, "only a discard", func() error { _, err := e.Operations.Restore(ctx, op.ID, "why"); return err }},
			{"replay.start", "redrives", "the store is down", func() error {
				_, err := e.Operations.Start(ctx, pipeline.OperationRequest{Kind: pipeline.OpReplay, Selector: pipeline.Selector{Pipeline: "p"}, Reason: "why"})
				return err
			}},
			{"breaker.force", "breakers/downstream", "the store is down", func() error {
				_, err := e.Breakers.Force(ctx, "downstream", pipeline.ForceRequest{State: "open", Reason: "why"})
				return err
			}},
			{"step.change", "steps/p/index", "the store is down", func() error {
				_, err := e.Steps.Change(ctx, "p", "index", pipeline.StepChange{Reset: true, Reason: "why"})
				return err
			}},
			{"sweep.schedule", "sweeps/schedule", "the store is down", func() error {
				_, err := e.Sweeps.SetSchedule(ctx, pipeline.ScheduleChange{Reset: true, Reason: "why"})
				return err
			}},
			{"fault.start", "faults/", "the store is down", func() error {
				_, err := e.Faults.Start(ctx, pipeline.NewFault{Pipeline: "p", Step: "index", ErrorRate: 1, For: time.Hour, Reason: "why"})
				return err
			}},
			{"sweep.run", "sweeps", "the store is down", func() error { _, err := e.Sweeps.Start(ctx, false, ""); return err }},
		} {
			before := w.count()
			if err := c.do(); err == nil {
				t.Errorf("%s was done", c.action)
			}
			if n := w.count() - before; n != 1 {
				t.Errorf("%s left %d entries", c.action, n)
				continue
			}
			got := w.newest(c.action)
			if got.Actor != "ada" || !strings.HasPrefix(got.Object, c.object) || !strings.Contains(got.Result, c.result) || c.action != "sweep.run" && got.Reason != "why" {
				t.Errorf("%s: %+v", c.action, got)
			}
		}
		before := w.count()
		for name, err := range map[string]error{
			"no reason":     second(e.Rows.Discard(ctx, id, "")),
			"no such row":   second(e.Rows.Discard(ctx, "nowhere", "why")),
			"no such state": second(e.Breakers.Force(ctx, "downstream", pipeline.ForceRequest{State: "ajar", Reason: "why"})),
			"a dry run":     second(e.Operations.Start(ctx, pipeline.OperationRequest{Kind: pipeline.OpRedrive, DryRun: true, Selector: pipeline.Selector{Pipeline: "p"}})),
			"nobody":        second(e.Rows.Restore(t.Context(), id, "why")),
		} {
			if err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		if n := w.count() - before; n != 0 {
			t.Errorf("%d entries of what could not be understood", n)
		}
		f.when(nil)
	})
}

func second[T any](_ T, err error) error { return err }

// shorter is a log whose last entries somebody took away.
type shorter struct {
	pipeline.AuditLog
	most int64
}

func (s shorter) Walk(ctx context.Context, since time.Time) iter.Seq2[pipeline.Entry, error] {
	return func(yield func(pipeline.Entry, error) bool) {
		for e, err := range s.AuditLog.Walk(ctx, since) {
			if err == nil && e.Link.Number > s.most || !yield(e, err) {
				return
			}
		}
	}
}

func (s shorter) Heads(ctx context.Context) (links []pipeline.Link, err error) {
	for e, walkErr := range s.Walk(ctx, time.Time{}) {
		links, err = []pipeline.Link{e.Link}, errors.Join(err, walkErr)
	}
	return links, err
}

func TestTheHeadIsNotedAndACutTailIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := &world{t: t, dir: t.TempDir(), script: ok, log: slog.NewTextHandler(&log, nil)}
		w.config = guarded(w)
		w.open()
		force := func() {
			must(w.engine.Breakers.Force(operator(t.Context()), "downstream", pipeline.ForceRequest{State: "half-open", Reason: "why"}))(t)
		}
		noted := func(want int) string {
			t.Helper()
			lines := strings.Split(log.String(), "\n")
			last, n := "", 0
			for _, line := range lines {
				if strings.Contains(line, `msg="audit head"`) {
					n++
					_, last, _ = strings.Cut(line, "head=")
				}
			}
			if n != want {
				t.Errorf("%d heads are noted, want %d:\n%s", n, want, log.String())
			}
			return last
		}
		w.pass(3 * time.Minute)
		noted(0)
		force()
		force()
		w.pass(3 * time.Minute)
		if head := noted(1); !strings.HasPrefix(head, "2:") {
			t.Errorf("the head is %s", head)
		}
		force()
		w.close()
		last := noted(2) // at the end
		w.open()
		w.pass(3 * time.Minute)
		noted(2)
		head := must(pipeline.ParseAuditHead(last))(t)
		check := must(w.engine.Audit.Verify(t.Context()))(t)
		if check.Bad != nil || check.Head.Head() != last || check.Entries != 3 {
			t.Errorf("%+v, %+v", check, check.Bad)
		}
		w.close()

		w.wrap = func(b pipeline.Backend) pipeline.Backend { b.Audit = shorter{b.Audit, 2}; return b }
		w.open()
		w.pass(time.Minute)
		if !strings.Contains(log.String(), "the audit log was cut off") {
			t.Error("nothing is said of the cut")
		}
		for range 3 { // the head that was noted is not forgotten over new ones
			check = must(w.engine.Audit.Verify(t.Context()))(t)
			if check.Bad == nil || check.Bad.Number != 3 || !strings.Contains(check.Bad.Sentence(), "entry 3 is missing: the log was cut off at its end") {
				t.Errorf("%+v", check.Bad)
			}
			w.pass(2 * time.Minute)
		}
		if head.Number != 3 {
			t.Errorf("head %+v", head)
		}
		w.close()
	})
}
