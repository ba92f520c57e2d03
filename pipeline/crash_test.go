package pipeline_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/pipelinetest"
)

// TestCrashAtEveryFaultPoint ends the process at the n-th call of each write,
// once before the store does it and once after, when only the answer is lost.
// Whatever was accepted must be done in the end, each flag set once, and no
// step begun before what it needs.
func TestCrashAtEveryFaultPoint(t *testing.T) {
	points := map[string]int{"Rows.Insert": 4, "Work.Receive": 12, "Work.Settle": 12, "Moves.Requeue": 3, "Records.Put": 10, "Metrics.Put": 2, "Audit.Append": 1, "Letters.List": 3}
	if testing.Short() {
		points = map[string]int{"Work.Settle": 4}
	}
	for method, most := range points {
		for n := 1; n <= most; n++ {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/lost=%v", method, n, lost), func(t *testing.T) {
					crash(t, &pipelinetest.Fault{Method: method, Nth: n, Lost: lost, Dead: true})
				})
			}
		}
	}
}

// downstream fails now and then in a way that depends on the attempt alone, and
// remembers what each row has been through.
type downstream struct {
	t    *testing.T
	mu   sync.Mutex
	done map[string]map[string]int // row, step: successful calls
	all  bool                      // everything works now
}

func (d *downstream) answer(c pipeline.Call) pipeline.Answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done[c.Row] == nil {
		d.done[c.Row] = map[string]int{}
	}
	for _, need := range map[string][]string{"index": {"validate"}, "notify": {"validate"}, "archive": {"index", "notify"}}[c.Step] {
		if d.done[c.Row][need] == 0 {
			d.t.Errorf("row %s: %s began before %s", c.Row, c.Step, need)
		}
	}
	switch {
	case !d.all && c.Step == "index" && c.Attempt == 1:
		return broken(c)
	case !d.all && c.Step == "notify" && c.Row[len(c.Row)-1]%2 == 0:
		return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "422 no"}
	}
	d.done[c.Row][c.Step]++
	return ok(c)
}

func crash(t *testing.T, fault *pipelinetest.Fault) {
	d := &downstream{t: t, done: map[string]map[string]int{}}
	config := func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend { return pipelinetest.Faulty(b, fault) }
		return diamond(w)
	}
	newWorld(t, config, func(t *testing.T, w *world) {
		w.answer(d.answer)
		var accepted []string
		for i := range 6 {
			s, err := w.engine.Intake.Submit(t.Context(), "p", pipeline.Message{Payload: fmt.Appendf(nil, "%d", i)})
			if err == nil {
				accepted = append(accepted, s.ID)
			}
			w.pass(50 * time.Millisecond)
		}
		w.pass(5 * time.Second)
		redrive := pipeline.OperationRequest{Kind: pipeline.OpRedrive, Reason: "mended", Selector: pipeline.Selector{Pipeline: "p", All: true}}
		_, _ = w.engine.Operations.Start(t.Context(), redrive) // may meet the crash
		w.pass(5 * time.Second)
		w.close()

		w.wrap = nil
		w.open()
		w.pass(35 * time.Second)
		d.mu.Lock()
		d.all = true
		d.mu.Unlock()
		must(w.engine.Operations.Start(t.Context(), redrive))(t)
		w.pass(30 * time.Second)
		w.wantStatus(pipeline.StatusDone, accepted...)
		w.reconcile(d)
	})
}

// reconcile compares what the store says with what the downstream has seen.
func (w *world) reconcile(d *downstream) {
	w.t.Helper()
	page := must(w.engine.Rows.List(w.t.Context(), pipeline.RowFilter{Limit: 500}))(w.t)
	for _, row := range page.Items {
		for _, f := range row.Steps {
			if f.State != pipeline.StateProcessed {
				w.t.Errorf("row %s: %s is %s in the end", row.ID, f.Name, f.State)
			}
			if d.done[row.ID][f.Name] == 0 {
				w.t.Errorf("row %s: flag of %s is set and the step was never done", row.ID, f.Name)
			}
		}
	}
	counts := must(w.engine.Counts(w.t.Context()))(w.t)
	for _, s := range []string{"validate", "index", "notify", "archive"} {
		c := counts.Steps[pipeline.StepKey{Pipeline: "p", Step: s}]
		if c.ProcessedTotal != int64(len(page.Items)) || c.Queued+c.Running+c.Retrying+c.Dead+c.Waiting != 0 {
			w.t.Errorf("counters of %s at rest: %+v with %d rows", s, c, len(page.Items))
		}
	}
	if err := w.db.Verify(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}
