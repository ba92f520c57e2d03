package main

import (
	"net/http"
	"testing"
)

func TestDiscardAndRestoreOneRow(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"), step("after", "needs: [call]"))
	p.down.on("call", always(http.StatusUnprocessableEntity))
	letter := p.die(1)[0]
	path := "/api/v1/rows/" + letter.RowID
	row := decode[rowDoc](p.post(path+"/discard", map[string]any{"reason": "a test customer\n<b>"}).want(http.StatusOK))
	equal(t, "status", row.Status, "discarded")
	equal(t, "state of the step", row.flag("call").State, "dead")
	entry := p.audited("row.discard")
	equal(t, "actor", entry.Actor, "local")
	equal(t, "reason", *entry.Reason, "a test customer\n<b>")
	equal(t, "discarded rows", eventually(t, "counters", func() int { return p.rows("discarded") }, is(1)), 1)
	p.post(path+"/replay", map[string]any{"step": "call"}).refused(http.StatusConflict, "discarded")
	o := p.redrive(map[string]any{"pipeline": "github", "all": true, "reason": "all of it"})
	equal(t, "moved of a discarded row", p.ends(o, "done").Moved, 0)
	row = decode[rowDoc](p.post(path+"/restore", map[string]any{"reason": "a mistake"}).want(http.StatusOK))
	equal(t, "status", row.Status, "dead")
	equal(t, "letters", eventually(t, "the letter to be back", func() int { return p.letters("").Total }, is(1)), 1)
	p.post(path+"/restore", map[string]any{"reason": "again"}).refused(http.StatusConflict, "")
	p.down.on("call", nil)
	p.ends(p.redrive(map[string]any{"pipeline": "github", "all": true, "reason": "now"}), "done")
	p.becomes(letter.RowID, "done")
}

func TestDiscardMany(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(http.StatusUnprocessableEntity))
	letters := p.die(6)
	dry := decode[operationDoc](p.post("/api/v1/discards", map[string]any{"pipeline": "github", "group": letters[0].Group, "dry_run": true}).want(http.StatusAccepted))
	equal(t, "id of a dry run", dry.ID, nil)
	equal(t, "matched", dry.Matched, 6)
	equal(t, "dead rows", p.rows("dead"), 6)
	p.post("/api/v1/discards", map[string]any{"pipeline": "github", "all": true}).refused(http.StatusBadRequest, "reason")
	o := decode[operationDoc](p.post("/api/v1/discards", map[string]any{"pipeline": "github", "reason": "not worth it",
		"ids": []string{letters[1].ID, letters[3].ID, letters[5].ID}}).want(http.StatusAccepted))
	equal(t, "eligible", o.Eligible, 3)
	p.ends(o, "done")
	for i, l := range letters {
		equal(t, "status", p.row(l.RowID).Status, []string{"dead", "discarded"}[i%2])
	}
	equal(t, "letters left", p.letters("").Total, 3)
	back := decode[operationDoc](p.post("/api/v1/discards/"+*o.ID+"/restore", map[string]any{"reason": "worth it"}).want(http.StatusAccepted))
	p.ends(back, "done")
	equal(t, "dead rows", eventually(t, "counters", func() int { return p.rows("dead") }, is(6)), 6)
	equal(t, "letters", p.letters("").Total, 6)
	equal(t, "calls", p.down.count("call"), 6)
}

// A discarded row is not worked on; restored, it goes on where it was.
func TestDiscardARowOnItsWay(t *testing.T) {
	t.Parallel()
	p := launch(t, step("first"), step("second", "needs: [first]"))
	p.change("second", body{"paused": true})
	gone, stays := p.acceptOne(), p.acceptOne()
	for _, id := range []string{gone, stays} {
		eventually(t, "the row to wait", func() string { return p.row(id).flag("second").State }, is("queued"))
	}
	row := decode[rowDoc](p.post("/api/v1/rows/"+gone+"/discard", body{"reason": "not wanted"}).want(http.StatusOK))
	equal(t, "state of the step", row.flag("second").State, "queued")
	p.change("second", body{"paused": false})
	p.becomes(stays, "done")
	equal(t, "calls for the discarded row", len(p.down.seen("second", gone)), 0)
	equal(t, "status", p.row(gone).Status, "discarded")
	p.post("/api/v1/rows/"+gone+"/restore", body{"reason": "wanted after all"}).want(http.StatusOK)
	p.becomes(gone, "done")
}
