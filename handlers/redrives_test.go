package handlers

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"redrive/pipeline"
)

func TestRedrivesList(t *testing.T) {
	now := time.Now().UTC()
	discard := pipeline.Operation{ID: "01d", Kind: pipeline.OpDiscard, State: pipeline.OpDone, Selector: pipeline.Selector{Pipeline: "github", IDs: []string{"a"}}, Matched: 9, Eligible: 9, Moved: 9, By: "local", Reason: hostile, StartedAt: now}
	c := newConsole(t, troubled(now), console{operations: &operationStub{list: []pipeline.Operation{sampleRedrive(now), discard}}})
	doc, _ := c.get(t, "/redrives", 200)
	wantText(t, doc.Find("tbody tr").Eq(0), "Redrive 118 of one cause", "m.okafor, at index: “search team rolled back”", "running 84 of 112 moved", "79 passed, 2 came back")
	wantText(t, doc.Find("tbody tr").Eq(1), "Discard 9 selected", "done 9 of 9 set aside")
	if doc.Find("tbody [data-live]").Length() != 1 {
		t.Error("only the bar of what still runs follows")
	}
	wantText(t, doc.Find("#replay"), "Dry run: count what would run")
	if doc.Find("#w-since").AttrOr("value", "") == "" || doc.Find("#w-reason").Length() != 0 {
		t.Error("the form has no window, or starts without a dry run")
	}
	c.get(t, "/redrives?kind=redrive", 200)
	c.get(t, "/redrives?kind=what", 400)
	c.operations.list = nil
	doc, _ = c.get(t, "/redrives", 200)
	wantText(t, doc.Find("#operations-list"), "Nothing was redriven yet")
}

func TestReplayIsPlannedFirst(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{operations: &operationStub{op: pipeline.Operation{ID: "01op", Matched: 2040, Eligible: 1204, Skipped: []pipeline.Skip{{Why: "processed", Count: 836}}}}})
	window := url.Values{"pipeline": {"github"}, "since": {"2026-05-14T01:00"}, "until": {"2026-05-14T03:00"}, "status": {"dead"}, "step": {"index"}, "rate": {"5"}, "dry_run": {"true"}}
	doc, _ := c.post(t, "/replays", window, 200)
	wantText(t, doc.Find("#window-plan"), "Matched 2,040", "Eligible 1,204", "Skipped, processed 836", "4 m 1 s at 5/s")
	wantText(t, doc.Find("#replay"), "Replay 1,204 rows of github", "Dry run again")
	req := c.operations.started[0]
	if req.Kind != pipeline.OpReplay || !req.DryRun || req.Status != pipeline.StatusDead || req.Step != "index" || req.Rate != 5 || req.Until.Sub(req.Since) != 2*time.Hour {
		t.Errorf("planned %+v", req)
	}
	window.Del("dry_run")
	doc, _ = c.post(t, "/replays", window, 400)
	wantText(t, doc.Find("#replay"), "Say why", "Replay 1,204 rows of github")
	window.Set("reason", "index was lost")
	_, w := c.post(t, "/replays", window, 303)
	if w.Header().Get("Location") != "/redrives/01op" {
		t.Errorf("leads to %s", w.Header().Get("Location"))
	}
	window.Set("until", "2026-05-14T00:00")
	doc, _ = c.post(t, "/replays", window, 400)
	wantText(t, doc.Find("#replay"), "The window must end after it begins.")
	if doc.Find("#w-until").AttrOr("value", "") != "2026-05-14T00:00" {
		t.Error("what was typed is lost")
	}
	window.Set("until", "tomorrow")
	c.post(t, "/replays", window, 400)
}

func TestRedriveTellsItsState(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{letters: &letterStub{groups: sampleGroups(now)}, operations: &operationStub{op: sampleRedrive(now)}})
	doc, _ := c.get(t, "/redrives/01op", 200)
	wantText(t, doc.Find("h1"), "Redrive 118 matching: timeout calling search-api")
	wantText(t, doc.Find(".sentence"), "Running: 84 of 112 moved, 79 passed, 2 came back", "about 28 s left")
	wantText(t, doc.Find("main"), "79 passed", "2 failed again", "3 moved, outcome not known yet", "28 not yet moved", "6 skipped",
		"Pause after 3 on their way", "Cancel the 28 not yet moved", "and 3 on their way finish", "Look at the 2 letters that came back", "Change the rate")
	if doc.Find("svg.prog-bar rect").Length() != 3 {
		t.Error("the bar does not show its parts")
	}
	c.get(t, "/redrives/none", 404)

	op := sampleRedrive(now)
	op.State, op.HeldBy, op.Moved, op.Succeeded, op.FailedAgain = pipeline.OpHeld, "search-api", 0, 0, 0
	c.operations.op = op
	doc, _ = c.get(t, "/redrives/01op", 200)
	wantText(t, doc.Find("main"), "Held: 0 of 112 moved", "Held by search-api", "Next probe in 0:1", "No row was moved yet.")

	op.State, op.StopReason = pipeline.OpStopped, hostile
	c.operations.op = op
	doc, _ = c.get(t, "/redrives/01op", 200)
	wantText(t, doc.Find("main"), "Stopped by itself:", "112 rows were not touched.")
	if doc.Find("form[action='/redrives/01op/cancel']").Length() != 0 {
		t.Error("what has ended can be cancelled")
	}

	op.State, op.Moved, op.Succeeded, op.StopReason = pipeline.OpDone, 112, 112, ""
	c.operations.op, c.letters.groups = op, nil
	doc, _ = c.get(t, "/redrives/01op", 200)
	wantText(t, doc.Find("main"), "Redrive 118 of one cause", "Done: 112 of 112 moved, 112 passed", "Every row that was moved passed its step: 112 of 112.")
}

func TestDiscardCanBeTakenBack(t *testing.T) {
	now := time.Now().UTC()
	op := pipeline.Operation{ID: "01op", Kind: pipeline.OpDiscard, State: pipeline.OpDone, Selector: pipeline.Selector{Pipeline: "github", All: true}, Matched: 9, Eligible: 9, Moved: 9, By: "local", Reason: "spam", StartedAt: now}
	c := newConsole(t, troubled(now), console{operations: &operationStub{op: op}})
	doc, _ := c.get(t, "/redrives/01op", 200)
	wantText(t, doc.Find("main"), "Discard all 9 of github", "Done: 9 of 9 set aside", "Take it back", "Restore 9 rows")
	c.post(t, "/redrives/01op/restore", url.Values{"reason": {"wrong ones"}}, 303)
	c.operations.op.RestoredBy = "01back"
	doc, _ = c.get(t, "/redrives/01op", 200)
	wantText(t, doc.Find("main"), "Taken back, look at it")
}

func TestRedriveIsSteered(t *testing.T) {
	now := time.Now().UTC()
	c := newConsole(t, troubled(now), console{operations: &operationStub{op: sampleRedrive(now)}})
	doc, _ := c.post(t, "/redrives/01op/cancel", url.Values{"reason": {""}}, 400)
	wantText(t, doc.Find("#cancel"), "Say why")
	doc, _ = c.post(t, "/redrives/01op/resume", url.Values{"rate": {"-1"}}, 400)
	wantText(t, doc.Find("main"), "A number from 0")
	if doc.Find("#new-rate").AttrOr("value", "") != "-1" {
		t.Error("what was typed is lost")
	}
	for _, verb := range []string{"cancel", "pause", "resume"} {
		_, w := c.post(t, "/redrives/01op/"+verb, url.Values{"reason": {"night"}, "rate": {"2"}}, 303)
		if w.Header().Get("Location") != "/redrives/01op" {
			t.Errorf("%s leads to %s", verb, w.Header().Get("Location"))
		}
	}
	if got := fmt.Sprint(c.operations.done); got != "[cancel 01op night pause 01op night resume 01op night]" {
		t.Errorf("did %s", got)
	}
	c.operations.err = &pipeline.Error{Code: pipeline.CodeConflict, Text: "it is done already"}
	doc, _ = c.post(t, "/redrives/01op/pause", url.Values{}, 409)
	wantText(t, doc.Find("main"), "It is done already.")
}
