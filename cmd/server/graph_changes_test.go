package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestAddedStep(t *testing.T) {
	t.Parallel()
	p := launch(t, step("first"))
	old := p.acceptOne()
	p.becomes(old, "done")
	p.restart(configuration([]string{step("first"), step("second", "needs: [first]")}))
	row := p.row(old)
	equal(t, "status and steps of the old row", row.Status+" "+row.Steps[len(row.Steps)-1].Name, "done first")
	fresh := p.becomes(p.acceptOne(), "done")
	equal(t, "steps of a new row", len(fresh.Steps), 2)
	equal(t, "calls of the added step for the old row", len(p.down.seen("second", old)), 0)
	equal(t, "calls of the added step for a new row", len(p.down.seen("second", fresh.ID)), 1)
}

// Messages of a step that is gone wait, are shown, and go on once it is back.
func TestRemovedStep(t *testing.T) {
	t.Parallel()
	whole := []string{step("first"), step("second", "needs: [first]"), step("third", "needs: [second]")}
	p := launch(t, whole...)
	p.change("second", body{"paused": true, "reason": "so that rows wait"})
	ids := p.accept(3)
	eventually(t, "rows to wait", func() int { return p.step("second").Queued }, is(3))
	less := configuration([]string{step("first"), step("third", "needs: [first]")})
	p.restart(less)
	gone := eventually(t, "the step to be shown", func() stepDoc { return p.step("second") }, func(s stepDoc) bool { return s.Queued == 3 })
	equal(t, "gone", gone.Gone, true)
	if text := string(p.get("/api/v1/overview").body); !strings.Contains(text, "no longer part of") {
		t.Errorf("the overview does not say that the step is gone: %s", text)
	}
	p.becomes(p.acceptOne(), "done")
	for _, id := range ids {
		row := p.row(id)
		equal(t, "states of an old row", row.Status+" "+row.flag("second").State+" "+row.flag("third").State, "in_progress queued waiting")
	}
	equal(t, "calls of the step that is gone", p.down.count("second"), 0)
	code, said := p.command("--config", p.dir+"/redrive.yaml", "--check")
	equal(t, "exit code of --check", code, exitFine)
	if p.aws == nil && (!strings.Contains(said, "second") || !strings.Contains(said, "3 rows")) { // there it asks nobody
		t.Errorf("--check does not tell of the rows that wait: %s", said)
	}
	p.restart(configuration(whole))
	p.change("second", body{"paused": false, "reason": "back"})
	p.allBecome(ids, "done")
}

// A row keeps the graph it was accepted with.
func TestRewiredSteps(t *testing.T) {
	t.Parallel()
	p := launch(t, step("first"), step("second", "needs: [first]"), step("third", "needs: [second]"))
	p.change("first", body{"paused": true, "reason": "so that rows wait"})
	old := p.acceptOne()
	p.restart(configuration([]string{step("first"), step("third", "needs: [first]"), step("second", "needs: [third]")}))
	fresh := p.acceptOne()
	p.change("first", body{"paused": false, "reason": "go"})
	p.becomes(old, "done")
	p.becomes(fresh, "done")
	at := func(step, row string) int64 { return p.down.seen(step, row)[0].at.UnixNano() }
	equal(t, "the old row passed second before third", at("second", old) < at("third", old), true)
	equal(t, "the new row passed third before second", at("third", fresh) < at("second", fresh), true)
}

// The pipeline a row came by may be gone from the configuration; the row is not.
func TestRemovedPipeline(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.change("call", body{"paused": true})
	id := p.acceptOne()
	other := strings.Replace(configuration([]string{step("call")}), "  github:", "  other:", 1)
	p.restart(other)
	row := p.row(id)
	equal(t, "row", row.Pipeline+" "+row.Status+" "+row.flag("call").State, "github accepted queued")
	equal(t, "page of the row", p.get("/rows/"+id).status, http.StatusOK)
	p.send(http.MethodPost, "/ingest/github", "{}").refused(http.StatusNotFound, "pipeline")
	if text := string(p.get("/api/v1/overview").body); !strings.Contains(text, "github") {
		t.Errorf("the overview does not tell of the row that waits: %s", text)
	}
	if code, said := p.command("--config", p.dir+"/redrive.yaml", "--check"); code != exitFine || p.aws == nil && !strings.Contains(said, "github") {
		t.Errorf("--check does not tell of it: %s", said)
	}
}
