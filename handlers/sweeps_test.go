package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"redrive/pipeline"
)

// shownFlash is what the page after a form says of it.
func shownFlash(t *testing.T, cookies []*http.Cookie) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	f := flashFrom(r)
	if f == nil {
		return ""
	}
	return f.Text
}

func sweepPages(now time.Time) (guardPages, *sweepStub) {
	stub := &sweepStub{list: sampleSweeps(now), schedule: sampleSchedule(now)}
	return guardPages{state: two(now), sweeps: stub}, stub
}

func TestSweepsHeading(t *testing.T) {
	now := time.Now().UTC()
	all := sampleSweeps(now)
	running := pipeline.Sweep{ID: "01run", State: pipeline.SweepRunning, Scanned: 3400, Stuck: 2, Requeued: 2, StartedAt: now, By: "local"}
	for want, list := range map[string][]pipeline.Sweep{
		"No sweep has run yet":                nil,
		"The last sweep put 3 rows back":      all,
		"The last sweep found nothing stuck":  all[1:],
		"The last dry run found 2 stuck rows": all[2:],
		"The last sweep failed":               all[4:],
		"The last sweep put 1 row back":       all[5:],
		"A sweep is running":                  append([]pipeline.Sweep{running}, all...),
	} {
		doc, _ := guardPages{state: troubled(now), sweeps: &sweepStub{list: list, schedule: sampleSchedule(now)}}.open(t).get(t, "/sweeps", http.StatusOK)
		if got := text(doc.Find("h1").Text()); got != want {
			t.Errorf("heading %q, want %q", got, want)
		}
		if want == "A sweep is running" {
			wantText(t, doc.Find("#sweep-now"), "Looked at 3,400", "Stuck 2", "Requeued 2", "by local")
		}
	}
}

func TestSweepsPage(t *testing.T) {
	now := time.Now().UTC()
	pages, stub := sweepPages(now)
	stub.next = "older"
	c := pages.open(t)
	doc, _ := c.get(t, "/sweeps", http.StatusOK)
	wantText(t, doc.Find("main"), "untouched for 15 minutes", "Every 3 hours, on the hour", "All pipelines (4,493 rows not finished)", "images (0 rows not finished)")
	if n := doc.Find("#sweep-next time[data-countdown]").Length(); n != 5 {
		t.Errorf("%d countdowns, want 5", n)
	}
	if n := doc.Find("#sweep-reports tbody tr").Length(); n != 6 {
		t.Errorf("%d reports, want 6", n)
	}
	if got := doc.Find("#schedule-cron").AttrOr("value", ""); got != "0 */3 * * *" {
		t.Errorf("cron %q", got)
	}
	if got := doc.Find("#schedule-stuck_after").AttrOr("value", ""); got != "15m" {
		t.Errorf("stuck after %q", got)
	}
	if doc.Find("#schedule-changed, #schedule-reset").Length() > 0 {
		t.Error("an unchanged schedule offers to go back")
	}
	older := doc.Find("#sweep-reports a[rel=next]").AttrOr("href", "")
	doc, _ = c.get(t, older, http.StatusOK)
	if !slices.Contains(stub.cursors, "older") || doc.Find("#sweep-reports a[rel=prev]").AttrOr("href", "") != "/sweeps" {
		t.Errorf("paging: asked %q", stub.cursors)
	}
}

func TestSweepsSwitchedOff(t *testing.T) {
	now := time.Now().UTC()
	pages, stub := sweepPages(now)
	pages.state = troubled(now)
	s := &stub.schedule
	s.Enabled, s.NextRuns, s.ChangedBy, s.ChangedAt = false, nil, "m.okafor", now.Add(-time.Hour)
	doc, _ := pages.open(t).get(t, "/sweeps", http.StatusOK)
	wantText(t, doc.Find("#sweep-next"), "Sweeps do not run by themselves.", "Switched off by m.okafor")
	wantText(t, doc.Find("#schedule"), "Changed by m.okafor at", "The configuration says: every 3 hours, on the hour, stuck after 15 minutes.", "Sweep every 3 hours, on the hour again")
	wantText(t, doc.Find("#run button"), "Sweep github now")
	if doc.Find(`#schedule-reset input[name=reset][value=true]`).Length() != 1 {
		t.Error("no way back to the configuration")
	}
}

func TestSweepsRun(t *testing.T) {
	now := time.Now().UTC()
	for name, tt := range map[string]struct {
		form         url.Values
		busy         bool
		asked, flash string
		to           string
	}{
		"all":      {url.Values{"pipeline": {""}}, false, "real ", "The sweep runs.", "/sweeps/01new"},
		"one, dry": {url.Values{"pipeline": {"github"}, "dry_run": {"true"}}, false, "dry github", "The dry run runs; it changes nothing.", "/sweeps/01new"},
		"busy":     {url.Values{}, true, "real ", "Nothing was started: this one is still running.", "/sweeps/01run"},
	} {
		t.Run(name, func(t *testing.T) {
			pages, stub := sweepPages(now)
			if tt.busy {
				stub.list = append([]pipeline.Sweep{{ID: "01run", State: pipeline.SweepRunning, StartedAt: now.Add(-time.Minute), DryRun: true}}, stub.list...)
			}
			_, w := pages.open(t).post(t, "/sweeps", tt.form, http.StatusSeeOther)
			if got := w.Header().Get("Location"); got != tt.to {
				t.Errorf("leads to %q, want %q", got, tt.to)
			}
			if len(stub.started) != 1 || stub.started[0] != tt.asked {
				t.Errorf("started %q, want %q", stub.started, tt.asked)
			}
			if got := shownFlash(t, w.Result().Cookies()); got != tt.flash {
				t.Errorf("says %q, want %q", got, tt.flash)
			}
		})
	}
	pages, _ := sweepPages(now)
	doc, _ := pages.open(t).post(t, "/sweeps", url.Values{"pipeline": {hostile}}, http.StatusBadRequest)
	wantText(t, doc.Find("#run-pipeline-error"), "There is no pipeline named "+hostile)
}

func TestSweepsSchedule(t *testing.T) {
	now := time.Now().UTC()
	pages, stub := sweepPages(now)
	c := pages.open(t)
	_, w := c.post(t, "/sweeps/schedule", url.Values{"cron": {" */5 * * * * "}, "stuck_after": {"1h"}, "enabled": {"true"}, "reason": {"watching"}}, http.StatusSeeOther)
	if got := shownFlash(t, w.Result().Cookies()); got != "Sweeps run every 5 minutes; next at "+stub.schedule.NextRuns[0].Format("15:04")+" UTC." {
		t.Errorf("says %q", got)
	}
	got := stub.changes[0]
	if *got.Cron != "*/5 * * * *" || *got.StuckAfter != time.Hour || !*got.Enabled || got.Reset || got.Reason != "watching" {
		t.Errorf("asked for %+v", got)
	}
	_, w = c.post(t, "/sweeps/schedule", url.Values{"cron": {"0 * * * *"}, "stuck_after": {"90s"}, "reason": {"quiet"}}, http.StatusSeeOther)
	if *stub.changes[1].Enabled || shownFlash(t, w.Result().Cookies()) != "Sweeps no longer run by schedule." {
		t.Errorf("an unticked box left it on: %+v", stub.changes[1])
	}
	c.post(t, "/sweeps/schedule", url.Values{"reset": {"true"}, "reason": {"back"}}, http.StatusSeeOther)
	if r := stub.changes[2]; !r.Reset || r.Cron != nil || r.StuckAfter != nil || r.Enabled != nil || r.Reason != "back" {
		t.Errorf("reset asked for %+v", r)
	}
}

func TestSweepsScheduleRefused(t *testing.T) {
	now := time.Now().UTC()
	for name, tt := range map[string]struct {
		form   url.Values
		err    error
		status int
		beside string
		says   string
	}{
		"no cron":   {url.Values{"stuck_after": {"15m"}, "reason": {"r"}}, nil, 400, "#schedule-cron-hint", "Five fields"},
		"no time":   {url.Values{"cron": {"* * * * *"}, "reason": {"r"}}, nil, 400, "#schedule-stuck_after-hint", "A time like 15m"},
		"bad time":  {url.Values{"cron": {"* * * * *"}, "stuck_after": {"later"}, "reason": {"r"}}, nil, 400, "#schedule-stuck_after-hint", "A time like"},
		"no reason": {url.Values{"cron": {"* * * * *"}, "stuck_after": {"15m"}}, nil, 400, "#schedule-reason-hint", "Say why"},
		"never":     {url.Values{"cron": {"0 0 30 2 *"}, "stuck_after": {"15m"}, "reason": {"r"}}, badField("cron", `"0 0 30 2 *" never comes true`), 400, "#schedule-cron-hint", `"0 0 30 2 *" never comes true.`},
		"hostile":   {url.Values{"cron": {hostile}, "stuck_after": {"15m"}, "reason": {hostile}}, badField("cron", hostile), 400, "#schedule-cron-hint", hostile},
		"raced":     {url.Values{"cron": {"* * * * *"}, "stuck_after": {"15m"}, "reason": {"r"}}, pipeline.ErrVersion, 409, "#schedule-error", "Somebody else changed the schedule"},
	} {
		t.Run(name, func(t *testing.T) {
			pages, stub := sweepPages(now)
			stub.err = tt.err
			doc, _ := pages.open(t).post(t, "/sweeps/schedule", tt.form, tt.status)
			wantText(t, doc.Find(tt.beside), tt.says)
			for _, field := range []string{"cron", "stuck_after", "reason"} {
				if got := doc.Find("#schedule-"+field).AttrOr("value", ""); got != tt.form.Get(field) {
					t.Errorf("%s %q became %q", field, tt.form.Get(field), got)
				}
			}
			if tt.err == nil && len(stub.changes) > 0 {
				t.Error("it was changed all the same")
			}
		})
	}
}

// A refused reset keeps its own reason and leaves the other form alone.
func TestSweepsResetRefused(t *testing.T) {
	now := time.Now().UTC()
	pages, stub := sweepPages(now)
	stub.schedule.Cron = "*/5 * * * *"
	doc, _ := pages.open(t).post(t, "/sweeps/schedule", url.Values{"reset": {"true"}}, http.StatusBadRequest)
	wantText(t, doc.Find("#schedule-reset-error"), "Say why")
	if got := doc.Find("#schedule-cron").AttrOr("value", ""); got != "*/5 * * * *" {
		t.Errorf("cron became %q", got)
	}
}

func TestSweepReport(t *testing.T) {
	now := time.Now().UTC()
	pages, stub := sweepPages(now)
	twice := stub.list[0]
	twice.ID, twice.Stuck, twice.Requeued = "01twice", 1204, 1203
	twice.Rows = append(slices.Clone(twice.Rows), pipeline.Stuck{Row: twice.Rows[0].Row, Step: "notify", Why: hostile})
	run := pipeline.Sweep{ID: "01run", State: pipeline.SweepRunning, Scanned: 812, StartedAt: now.Add(-time.Second), By: "local"}
	dryRun := run
	dryRun.ID, dryRun.DryRun, dryRun.Stuck = "01dryrun", true, 1
	stub.list = append(stub.list, twice, run, dryRun)
	c := pages.open(t)
	for id, want := range map[string][]string{
		"01krj0sweep3": {"3 stuck rows found, 3 requeued", "all pipelines, by schedule, started", "Took 4.1 s", "Index and notify processed by 2026-05-14T01:52:07Z"},
		"01krj0quiet":  {"Nothing was stuck: 12,102 rows looked at", "Every row is where it should be"},
		"01krj0dry":    {"2 stuck rows found, nothing was changed", "dry run", "by j.lindqvist", "Requeue these: run the sweep now"},
		"01krj0broken": {"The sweep failed after 812 rows", "Its process ended before it did.", "Run the sweep now"},
		"01twice":      {"1,204 stuck steps found, 1,203 requeued", "The first 4 of 1,204 are listed", "1 had moved on by then", hostile},
		"01run":        {"Looking for stuck rows: 812 rows looked at", "Running for", "Nothing stuck so far"},
		"01dryrun":     {"1 stuck row found so far", "A dry run looks and reports."},
	} {
		doc, _ := c.get(t, "/sweeps/"+id, http.StatusOK)
		wantText(t, doc.Find("main"), want...)
		if id == "01krj0dry" && (doc.Find(`form[action="/sweeps"] input[name=pipeline]`).AttrOr("value", "") != "github" || doc.Find("input[name=dry_run]").Length() > 0) {
			t.Error("the dry run does not lead to the same sweep for real")
		}
		if id == "01krj0sweep3" && doc.Find(`a[href="/rows/01krj0a4h7y3me2x7wd00"]`).Length() != 1 {
			t.Error("no link to the stuck row")
		}
	}
	c.get(t, "/sweeps/nobody", http.StatusNotFound)
}
