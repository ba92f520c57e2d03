package main

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestReplayOneRow(t *testing.T) {
	t.Parallel()
	p := launch(t, step("first"), step("second", "needs: [first]"), step("third", "needs: [second]"))
	id := p.acceptOne()
	p.becomes(id, "done")
	path := "/api/v1/rows/" + id + "/replay"

	p.post(path, body{"step": "first"}).refused(http.StatusConflict, "processed")
	p.post(path, body{"step": "first", "force": true}).refused(http.StatusBadRequest, "reason")
	p.post(path, body{"step": "nowhere"}).refused(http.StatusBadRequest, "step")
	p.post(path, body{"step": "first", "colour": "blue"}).refused(http.StatusBadRequest, "colour")
	p.post("/api/v1/rows/no-such-row/replay", body{"step": "first"}).refused(http.StatusNotFound, "")
	equal(t, "calls after refusals", p.down.count("first"), 1)

	row := decode[rowDoc](p.post(path, body{"step": "second", "force": true, "reason": "the index was lost"}).want(http.StatusAccepted))
	equal(t, "row", row.ID, id)
	row = p.becomes(id, "done")
	eventually(t, "the second call", func() int { return p.down.count("second") }, is(2))
	checkNumbers(t, p, p.becomes(id, "done"), "second")
	equal(t, "calls of what came before", p.down.count("first"), 1)
	equal(t, "calls of what follows", p.down.count("third"), 1)
	entry := p.audited("row.replay")
	equal(t, "reason", *entry.Reason, "the index was lost")
	equal(t, "object", entry.Object, "rows/"+id)

	p.post(path, body{"step": "second", "force": true, "downstream": true, "reason": "and all that follows"}).want(http.StatusAccepted)
	eventually(t, "what follows", func() int { return p.down.count("third") }, is(2))
	row = p.becomes(id, "done")
	equal(t, "calls", [...]int{p.down.count("first"), p.down.count("second"), p.down.count("third")}, [...]int{1, 3, 2})
	checkNumbers(t, p, row, "second")
	checkNumbers(t, p, row, "third")
}

func TestReplayADeadStep(t *testing.T) {
	t.Parallel()
	p := launch(t, step("first"), step("second", "needs: [first]"))
	p.down.on("first", always(422))
	letter := p.die(1)[0]
	path := "/api/v1/rows/" + letter.RowID + "/replay"
	p.post(path, body{"step": "second"}).refused(http.StatusConflict, "first")
	p.down.on("first", byAttempt(422, 500, 500))
	p.post(path, body{"step": "first", "downstream": true}).want(http.StatusAccepted)
	row := p.becomes(letter.RowID, "done")
	equal(t, "outcomes", outcomes(row.of("first")), "dead failed failed processed")
	equal(t, "calls of what follows", p.down.count("second"), 1)
	equal(t, "letters", p.letters("").Total, 0)
}

func TestReplayAWindow(t *testing.T) {
	t.Parallel()
	p := launch(t, step("first"), step("second", "needs: [first]"))
	p.down.on("second", always(422))
	old := p.die(3)
	p.down.on("second", nil)
	done := p.accept(2)
	p.allBecome(done, "done")
	p.down.on("second", always(422))
	late := p.die(2)
	p.down.on("second", nil)
	until := p.row(late[0].RowID).CreatedAt
	window := body{"pipeline": "github", "since": until.Add(-time.Hour), "until": until, "reason": "the outage of tonight"}

	p.post("/api/v1/replays", body{"pipeline": "github", "since": until, "until": until.Add(-time.Hour), "reason": "r"}).refused(http.StatusBadRequest, "until")
	p.post("/api/v1/replays", body{"pipeline": "github"}).refused(http.StatusBadRequest, "reason")
	p.post("/api/v1/replays", body{"reason": "r"}).refused(http.StatusBadRequest, "pipeline")
	p.post("/api/v1/replays", body{"pipeline": "github", "since": "yesterday", "reason": "r"}).refused(http.StatusBadRequest, "since")
	p.post("/api/v1/replays", body{"pipeline": "github", "status": "fine", "reason": "r"}).refused(http.StatusBadRequest, "status")

	window["dry_run"] = true
	dry := decode[operationDoc](p.post("/api/v1/replays", window).want(http.StatusAccepted))
	equal(t, "id of a dry run", dry.ID, nil)
	equal(t, "matched, eligible", [...]int{dry.Matched, dry.Eligible}, [...]int{5, 3})
	if len(dry.Skipped) != 1 || dry.Skipped[0].Count != 2 || dry.Skipped[0].Why == "" {
		t.Errorf("skipped %+v", dry.Skipped)
	}
	delete(window, "dry_run")
	o := decode[operationDoc](p.post("/api/v1/replays", window).want(http.StatusAccepted))
	o = eventually(t, "the replay", func() operationDoc { return read[operationDoc](p, "/api/v1/replays/"+*o.ID) }, func(o operationDoc) bool { return o.State == "done" })
	equal(t, "moved, succeeded, failed_again", [...]int{o.Moved, o.Succeeded, o.FailedAgain}, [...]int{3, 3, 0})
	for _, l := range old {
		equal(t, "status", p.row(l.RowID).Status, "done")
	}
	for _, id := range done {
		equal(t, "calls of a row that was done", len(p.down.seen("second", id)), 1)
	}
	for _, l := range late {
		equal(t, "status of a row after the window", p.row(l.RowID).Status, "dead")
	}
	equal(t, "calls of what was processed", p.down.count("first"), 7)
	equal(t, "rows since then", len(read[rowsDoc](p, "/api/v1/rows?since="+url.QueryEscape(until.Format(time.RFC3339Nano))).Rows), 2)
}
