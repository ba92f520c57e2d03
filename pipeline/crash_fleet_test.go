package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"redrive/pipeline"
)

// TestProcessesAreKilledAgainAndAgain runs several processes on one store, with
// one of them killed and replaced every few seconds while rows come in and a
// redrive and sweeps run. What was accepted is done in the end, each flag set
// once, and no step begun before what it needs.
func TestProcessesAreKilledAgainAndAgain(t *testing.T) {
	for n, seeds := range map[int]uint64{2: 1, 4: 2} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%d processes, seed %d", n, seed), func(t *testing.T) { killAgainAndAgain(t, n, rand.New(rand.NewPCG(seed, 1))) })
		}
	}
}

func killAgainAndAgain(t *testing.T, n int, chance *rand.Rand) {
	d := &downstream{t: t, done: map[string]map[string]int{}}
	config := func(w *world) pipeline.Config {
		w.script = func(c pipeline.Call) pipeline.Answer {
			time.Sleep(time.Duration(len(c.Row)%3) * 100 * time.Millisecond)
			return d.answer(c)
		}
		c := guarded(w)
		c.Sweep.Enabled = true
		return c
	}
	newFleet(t, n, config, func(t *testing.T, f *fleet) {
		var accepted []string
		alive := func() []*member {
			var list []*member
			for _, m := range f.members {
				if !m.dead {
					list = append(list, m)
				}
			}
			return list
		}
		for round := range 9 {
			for _, m := range alive() {
				accepted = append(accepted, m.submit(5)...)
			}
			f.last().pass(time.Duration(chance.IntN(6000)) * time.Millisecond)
			if round%4 == 1 {
				_, _ = f.last().engine.Operations.Start(t.Context(), redriveAll)
			}
			f.last().pass(time.Duration(chance.IntN(3000)) * time.Millisecond)
			list := alive()
			list[chance.IntN(len(list))].kill()
			f.join(config)
		}
		f.last().pass(time.Minute)
		d.mu.Lock()
		d.all = true
		d.mu.Unlock()
		must(f.last().engine.Operations.Start(t.Context(), redriveAll))(t)
		f.last().pass(90 * time.Second)
		f.last().wantStatus(pipeline.StatusDone, accepted...)
		f.last().reconcile(d)
		for _, op := range must(f.last().engine.Operations.List(t.Context(), "", "", 50))(t).Items {
			if op.State != pipeline.OpDone || op.Pending() != 0 {
				t.Errorf("operation = %+v", op)
			}
		}
		if page := must(f.db.Backend().Records.List(t.Context(), "lease", "", 50))(t); len(page.Items) > 2 {
			t.Errorf("leases are left behind: %+v", page.Items)
		}
	})
}

var redriveAll = pipeline.OperationRequest{Kind: pipeline.OpRedrive, Reason: "mended", Selector: pipeline.Selector{Pipeline: "p", All: true}}
