package main

import (
	"net/http"
	"testing"
	"time"
)

func (p *testProgram) sweep(request body) sweepDoc {
	p.t.Helper()
	s := decode[sweepDoc](p.post("/api/v1/sweeps", request).want(http.StatusAccepted))
	return eventually(p.t, "the sweep", func() sweepDoc { return read[sweepDoc](p, "/api/v1/sweeps/"+s.ID) }, func(s sweepDoc) bool { return s.State != "running" })
}

// A step that was replayed alone leaves what follows it in no queue. That is what
// a sweep is for.
func TestSweepMendsAStuckRow(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("first"), step("second", "needs: [first]")}, "sweep: {stuck_after: 1s}"))
	p.change("second", body{"paused": true, "reason": "so that a row waits in its queue"})
	waits := p.acceptOne()
	eventually(t, "a row in its queue", func() string { return p.row(waits).flag("second").State }, is("queued"))
	p.down.on("first", byAttempt(422))
	stuck := p.die(1)[0].RowID
	p.post("/api/v1/rows/"+stuck+"/replay", body{"step": "first", "downstream": false, "reason": "alone"}).want(http.StatusAccepted)
	row := eventually(t, "the replay", func() rowDoc { return p.row(stuck) }, func(r rowDoc) bool { return r.flag("first").State == "processed" })
	equal(t, "state of what follows", row.flag("second").State, "waiting")

	dry := eventually(t, "a dry run to find it", func() sweepDoc { return p.sweep(body{"dry_run": true}) }, func(s sweepDoc) bool { return s.Stuck > 0 })
	equal(t, "state, stuck, requeued", [...]any{dry.State, dry.Stuck, dry.Requeued, dry.DryRun}, [...]any{"done", 1, 0, true})
	if len(dry.Rows) != 1 || dry.Rows[0].ID != stuck || dry.Rows[0].Step != "second" || dry.Rows[0].Why == "" || dry.Scanned < 1 ||
		dry.By != "local" || dry.FinishedAt == nil || dry.FinishedAt.Before(dry.StartedAt) {
		t.Errorf("dry run %+v", dry)
	}
	equal(t, "state after the dry run", p.row(stuck).flag("second").State, "waiting")

	p.change("second", body{"paused": false, "reason": "go"})
	p.becomes(waits, "done")
	s := p.sweep(body{"pipeline": "github"})
	equal(t, "state, stuck, requeued", [...]any{s.State, s.Stuck, s.Requeued, s.DryRun}, [...]any{"done", 1, 1, false})
	if len(s.Rows) != 1 || s.Rows[0].ID != stuck || s.Rows[0].Step != "second" {
		t.Errorf("sweep %+v", s)
	}
	p.becomes(stuck, "done")
	equal(t, "calls", len(p.down.seen("second", stuck)), 1)
	equal(t, "stuck rows later", p.sweep(body{}).Stuck, 0)

	list := read[struct{ Sweeps []sweepDoc }](p, "/api/v1/sweeps").Sweeps
	if len(list) < 3 || list[1].ID != s.ID || list[2].ID != dry.ID {
		t.Errorf("sweeps, the newest first: %+v", list)
	}
	equal(t, "audit", p.audited("sweep.run").Actor, "local")
	p.get("/api/v1/sweeps/no-such-sweep").refused(http.StatusNotFound, "")
	p.post("/api/v1/sweeps", body{"colour": "blue"}).refused(http.StatusBadRequest, "colour")
	p.post("/api/v1/sweeps", body{"pipeline": "nowhere"}).refused(http.StatusNotFound, "nowhere")
}

// Rows that wait for good reasons are not stuck.
func TestSweepLeavesHealthyRowsAlone(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("running", "timeout: 1m"), step("retrying", "retry: {attempts: 5, base: 1h, cap: 1h, jitter: none}"), step("dead"),
		step("queued", "breaker: shop"), step("waiting", "needs: [dead, queued]")}, "breakers: {shop: {}}", "sweep: {stuck_after: 1s}"))
	hold, open := p.down.gate()
	p.down.on("running", func(seenCall) reply { return reply{status: 200, hold: hold} })
	p.down.on("retrying", always(500))
	p.down.on("dead", always(422))
	p.force("shop", "open", "1h")
	id := p.acceptOne()
	row := eventually(t, "all states", func() rowDoc { return p.row(id) }, func(r rowDoc) bool {
		return r.flag("running").State == "running" && r.flag("retrying").State == "retrying" && r.flag("dead").State == "dead"
	})
	equal(t, "states", row.flag("queued").State+" "+row.flag("waiting").State, "queued waiting")
	s := eventually(t, "a sweep to look at the row", func() sweepDoc { return p.sweep(body{}) }, func(s sweepDoc) bool { return s.Scanned > 0 })
	equal(t, "stuck, requeued", [...]int{s.Stuck, s.Requeued}, [...]int{0, 0})
	open()
}

func TestSweepSchedule(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := configuration([]string{step("call")}, `sweep: {schedule: "30 4 * * *", stuck_after: 15m}`)
	p.start(config)
	const path = "/api/v1/sweeps/schedule"
	s := read[scheduleDoc](p, path)
	equal(t, "schedule", [...]any{s.Cron, s.StuckAfter, s.Enabled}, [...]any{"30 4 * * *", "15m", true})
	if len(s.NextRuns) != 5 {
		t.Fatalf("next_runs %v", s.NextRuns)
	}
	for i, at := range s.NextRuns {
		if at.UTC().Hour() != 4 || at.UTC().Minute() != 30 || at.Before(time.Now()) || i > 0 && at.Sub(s.NextRuns[i-1]) != 24*time.Hour {
			t.Errorf("next run %s", at)
		}
	}
	for cron, names := range map[string]string{"61 * * * *": "cron", "0 0 30 2 *": "cron", "* * * *": "cron", "": "cron", "@daily": "cron", "* * * * * *": "cron"} {
		p.json(http.MethodPut, path, body{"cron": cron, "stuck_after": "15m", "enabled": true}).refused(http.StatusBadRequest, names)
	}
	p.json(http.MethodPut, path, body{"cron": "0 * * * *", "stuck_after": "10ms", "enabled": true}).refused(http.StatusBadRequest, "stuck_after")
	p.json(http.MethodPut, path, body{"cron": "0 * * * *", "colour": "blue"}).refused(http.StatusBadRequest, "colour")
	equal(t, "schedule after refusals", read[scheduleDoc](p, path).Cron, "30 4 * * *")

	s = decode[scheduleDoc](p.json(http.MethodPut, path, body{"cron": "*/20 * * * *", "stuck_after": "2m", "enabled": true, "reason": "more often"}).want(http.StatusOK))
	equal(t, "schedule", [...]any{s.Cron, s.StuckAfter, s.Enabled, len(s.NextRuns)}, [...]any{"*/20 * * * *", "2m", true, 5})
	entry := p.audited("sweep.schedule")
	equal(t, "entry", entry.Actor+" "+*entry.Reason, "local more often")
	p.restart(config)
	s = read[scheduleDoc](p, path)
	equal(t, "schedule after a restart", [...]any{s.Cron, s.StuckAfter, s.Enabled}, [...]any{"*/20 * * * *", "2m", true})
	s = decode[scheduleDoc](p.json(http.MethodPut, path, body{"enabled": false}).want(http.StatusOK))
	equal(t, "switched off", [...]any{s.Cron, s.Enabled, len(s.NextRuns)}, [...]any{"*/20 * * * *", false, 0})
}
