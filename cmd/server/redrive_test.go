package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

type body = map[string]any

func TestRedriveSelects(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"), step("other"))
	p.down.on("call", failing(422, "card of %s declined"))
	letters := p.die(6)
	p.down.on("call", nil)

	dry := p.redrive(body{"pipeline": "github", "all": true, "dry_run": true})
	equal(t, "id of a dry run", dry.ID, nil)
	equal(t, "matched", dry.Matched, 6)
	equal(t, "eligible", dry.Eligible, 6)
	equal(t, "redrives kept", len(read[struct{ Redrives []operationDoc }](p, "/api/v1/redrives").Redrives), 0)
	equal(t, "calls", p.down.count("call"), 6)

	o := p.ends(p.redrive(body{"pipeline": "github", "ids": []string{letters[0].ID, letters[1].ID, "no-such-letter"}, "reason": "two of them"}), "done")
	checkOperation(t, o, 3, 2)
	if len(o.Skipped) != 1 || o.Skipped[0].Count != 1 || o.Skipped[0].Why == "" {
		t.Errorf("skipped %+v", o.Skipped)
	}
	checkOperation(t, p.ends(p.redrive(body{"pipeline": "github", "q": letters[2].RowID, "reason": "by text"}), "done"), 1, 1)
	checkOperation(t, p.ends(p.redrive(body{"pipeline": "github", "step": "other", "all": true, "reason": "none there"}), "done"), 0, 0)
	checkOperation(t, p.ends(p.redrive(body{"pipeline": "github", "step": "call", "group": letters[0].Group, "reason": "the cause is mended"}), "done"), 3, 3)
	for _, l := range letters {
		p.becomes(l.RowID, "done")
	}
	equal(t, "letters", p.letters("").Total, 0)
	list := read[struct{ Redrives []operationDoc }](p, "/api/v1/redrives").Redrives
	equal(t, "redrives", len(list), 4)
	equal(t, "the newest redrive's reason", *list[0].Reason, "the cause is mended")
	equal(t, "the oldest redrive's reason", *list[3].Reason, "two of them")
	entry := p.audited("redrive.start")
	equal(t, "actor", entry.Actor, "local")
	equal(t, "reason", *entry.Reason, "the cause is mended")
	p.get("/api/v1/redrives/no-such-redrive").refused(http.StatusNotFound, "")
}

// checkOperation checks a redrive all of whose rows succeeded.
func checkOperation(t *testing.T, o operationDoc, matched, moved int) {
	t.Helper()
	got := [...]int{o.Matched, o.Eligible, o.Moved, o.Succeeded, o.FailedAgain}
	equal(t, "matched, eligible, moved, succeeded, failed_again", got, [...]int{matched, moved, moved, moved, 0})
	if o.By != "local" || o.Pipeline != "github" || o.FinishedAt == nil || o.StopReason != nil || o.StartedAt.IsZero() {
		t.Errorf("redrive %+v", o)
	}
}

func TestRedriveRefusals(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	for text, names := range map[string]string{
		`{"all":true,"reason":"r"}`:                                           "pipeline",
		`{"pipeline":"github","reason":"r"}`:                                  "ids",
		`{"pipeline":"github","all":true,"q":"x","reason":"r"}`:               "exactly one",
		`{"pipeline":"github","all":true}`:                                    "reason",
		`{"pipeline":"github","all":true,"reason":" "}`:                       "reason",
		`{"pipeline":"github","ids":[],"reason":"r"}`:                         "ids",
		`{"pipeline":"github","all":false,"reason":"r"}`:                      "exactly one",
		`{"pipeline":"github","all":true,"reason":"r","rate_per_second":-1}`:  "rate_per_second",
		`{"pipeline":"github","all":true,"reason":"r","rate_per_second":"x"}`: "rate_per_second",
		`{"pipeline":"github","all":true,"reason":"r","colour":"blue"}`:       "colour",
		`{"pipeline":"github","all":"yes","reason":"r"}`:                      "all",
		`{"pipeline":"github","step":"nowhere","all":true,"reason":"r"}`:      "step",
		`{"pipeline":"github","all":true,"reason":"r"`:                        "JSON",
		`[]`: "object",
		`{"pipeline":"github","all":true,"reason":"r","pipeline":"github"}`:             "pipeline",
		`{"pipeline":"github","ids":["a"],"group":"b","q":"c","all":true,"reason":"r"}`: "exactly one",
	} {
		p.post("/api/v1/redrives", text).refused(http.StatusBadRequest, names)
	}
	p.send(http.MethodPost, "/api/v1/redrives", `{}`, "Content-Type", "text/plain").refused(http.StatusUnsupportedMediaType, "application/json")
	p.send(http.MethodPost, "/api/v1/redrives", "pipeline=github", "Content-Type", "application/x-www-form-urlencoded").refused(http.StatusUnsupportedMediaType, "application/json")
	for _, path := range []string{"/api/v1/redrives", "/api/v1/discards", "/api/v1/replays"} {
		all := body{"pipeline": "nowhere", "reason": "r"}
		if path != "/api/v1/replays" {
			all["all"] = true
		}
		p.post(path, all).refused(http.StatusNotFound, "nowhere")
	}
	equal(t, "redrives", len(read[struct{ Redrives []operationDoc }](p, "/api/v1/redrives").Redrives), 0)
}

// A redriven row has its whole budget again, and its attempts count on.
func TestRedriveRenewsTheBudget(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"), step("after", "needs: [call]"))
	p.down.on("call", byAttempt(500, 500, 500, 500, 500))
	letter := p.die(1)[0]
	o := p.ends(p.redrive(body{"pipeline": "github", "all": true, "reason": "again"}), "done")
	checkOperation(t, o, 1, 1)
	row := p.becomes(letter.RowID, "done")
	equal(t, "outcomes", outcomes(row.of("call")), "failed failed dead failed failed processed")
	checkNumbers(t, p, row, "call")
	equal(t, "attempts", row.flag("call").Attempts, 6)
	equal(t, "calls of what follows", p.down.count("after"), 1)
}

func TestRedriveTellsOfWhatFailsAgain(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(422))
	letters := p.die(5)
	p.down.on("call", func(c seenCall) reply {
		if c.row == letters[1].RowID || c.row == letters[4].RowID {
			return reply{status: 500}
		}
		return reply{status: 200}
	})
	o := p.ends(p.redrive(body{"pipeline": "github", "all": true, "reason": "some will do"}), "done")
	equal(t, "moved, succeeded, failed_again", [...]int{o.Moved, o.Succeeded, o.FailedAgain}, [...]int{5, 3, 2})
	equal(t, "letters", p.letters("").Total, 2)
	row := p.row(letters[1].RowID)
	equal(t, "outcomes", outcomes(row.of("call")), "dead failed failed dead")
	o = p.ends(p.redrive(body{"pipeline": "github", "ids": []string{letters[1].ID}, "reason": "an old letter"}), "done")
	equal(t, "moved by a letter that is history", o.Moved, 0)
}

func TestRedriveKeepsItsRate(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(422))
	p.die(12)
	p.down.on("call", nil)
	o := p.redrive(body{"pipeline": "github", "all": true, "reason": "slowly", "rate_per_second": 10})
	equal(t, "rate_per_second", *o.Rate, 10)
	checkOperation(t, p.ends(o, "done"), 12, 12)
	again := p.down.seen("call", "")[12:]
	if took := again[len(again)-1].at.Sub(again[0].at); took < 750*time.Millisecond {
		t.Errorf("12 rows at 10 a second were moved in %s", took)
	}
}

func TestRedrivePausesResumesAndIsCancelled(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(422))
	p.die(30)
	p.down.on("call", nil)
	o := p.redrive(body{"pipeline": "github", "all": true, "reason": "slowly", "rate_per_second": 2})
	path := "/api/v1/redrives/" + *o.ID
	look := func() operationDoc { return read[operationDoc](p, path) }
	eventually(t, "the first move", look, func(o operationDoc) bool { return o.Moved > 0 && o.Succeeded > 0 })
	equal(t, "state", decode[operationDoc](p.post(path+"/pause", body{"reason": "wait"}).want(200)).State, "paused")
	p.post(path+"/pause", body{}).refused(http.StatusConflict, "paused")
	held := eventually(t, "what was moved to be known", look, func(o operationDoc) bool { return o.State == "paused" && o.Moved == o.Succeeded }).Moved
	resumed := decode[operationDoc](p.post(path+"/resume", body{"rate_per_second": 4, "reason": "on"}).want(200))
	equal(t, "state", resumed.State, "running")
	equal(t, "rate", *resumed.Rate, 4)
	eventually(t, "more to be moved", look, func(o operationDoc) bool { return o.Moved > held })
	cancelled := decode[operationDoc](p.post(path+"/cancel", body{"reason": "enough"}).want(200))
	equal(t, "state", cancelled.State, "cancelled")
	if cancelled.FinishedAt == nil || cancelled.Moved >= 30 {
		t.Errorf("cancelled: %+v", cancelled)
	}
	for _, verb := range []string{"cancel", "pause", "resume"} {
		p.post(path+"/"+verb, body{}).refused(http.StatusConflict, "cancelled")
	}
	end := eventually(t, "what was moved to be known", look, func(o operationDoc) bool { return o.Moved == o.Succeeded })
	equal(t, "letters left", p.letters("").Total, 30-end.Moved)
	checkOperation(t, p.ends(p.redrive(body{"pipeline": "github", "all": true, "reason": "the rest"}), "done"), 30-end.Moved, 30-end.Moved)
	for _, action := range []string{"redrive.pause", "redrive.resume", "redrive.cancel"} {
		equal(t, "object of "+action, p.audited(action).Object, "redrives/"+*o.ID)
	}
}

func TestRedriveWaitsBehindAnOpenBreaker(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call", "breaker: shop")}, "breakers:", "  shop: {minimum_calls: 100, open_for: 1h}"))
	p.down.on("call", always(422))
	p.die(3)
	p.down.on("call", nil)
	p.force("shop", "open", "1h")
	o := p.ends(p.redrive(body{"pipeline": "github", "all": true, "reason": "too early"}), "held")
	equal(t, "moved", o.Moved, 0)
	equal(t, "letters", p.letters("").Total, 3)
	p.force("shop", "closed", "1h")
	checkOperation(t, p.ends(o, "done"), 3, 3)
	equal(t, "calls", p.down.count("call"), 6)
}

// What a redrive matches is frozen when it starts.
func TestRedriveIsFrozen(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(422))
	p.die(8)
	o := p.redrive(body{"pipeline": "github", "all": true, "reason": "these only", "rate_per_second": 4})
	late := p.die(2)
	done := p.ends(o, "done")
	equal(t, "matched, moved, failed_again", [...]int{done.Matched, done.Moved, done.FailedAgain}, [...]int{8, 8, 8})
	for _, l := range late {
		equal(t, "calls of a row that died later", len(p.down.seen("call", l.RowID)), 1)
	}
}

// A redrive goes on after the program ended in the middle.
func TestRedriveSurvivesARestart(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(422))
	p.die(20)
	p.down.on("call", nil)
	o := p.redrive(body{"pipeline": "github", "all": true, "reason": strings.Repeat("long ", 20), "rate_per_second": 5})
	eventually(t, "the first move", func() int { return read[operationDoc](p, "/api/v1/redrives/"+*o.ID).Moved }, atLeast(2))
	p.restart(configuration([]string{step("call")}))
	p.post("/api/v1/redrives/"+*o.ID+"/resume", body{"rate_per_second": 0, "reason": "at once"}).want(200)
	checkOperation(t, p.ends(o, "done"), 20, 20)
	equal(t, "calls", p.down.count("call"), 40)
}
