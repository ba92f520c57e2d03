package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"redrive/pipeline/sqlite"
)

// The audit is verified from the terminal while the server runs.
func TestAuditIsVerified(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(guarded("{failure_rate: 0.5, minimum_calls: 2, window: 1h, open_for: 400ms, probes: 2}"))
	file := filepath.Join(p.dir, "redrive.yaml")
	id := p.acceptOne()
	p.becomes(id, "done")
	p.force("shop", "open", "15m")
	p.force("shop", "closed", "15m")
	p.post("/api/v1/rows/"+id+"/restore", body{"reason": "a mistake"}).refused(http.StatusConflict, "not discarded")
	entry := p.audited("row.restore")
	equal(t, "refusal", entry.Object+": "+entry.Result, "rows/"+id+": this row is not discarded: there is nothing to restore")
	equal(t, "reason of the refusal", *entry.Reason, "a mistake")
	if detail := string(p.audited("breaker.force").Detail); !strings.Contains(detail, `"before":{`) || !strings.Contains(detail, `"after":{`) || !strings.Contains(detail, `"state":"open"`) {
		t.Errorf("detail %s", detail)
	}

	code, said := p.command("--config", file, "audit", "verify")
	equal(t, "exit code", code, exitFine)
	if !strings.HasPrefix(said, "3 entries, chain intact, head 3:") {
		t.Fatalf("said %s", said)
	}
	_, head, _ := strings.Cut(strings.TrimSpace(said), "head ")
	p.force("shop", "automatic", "")
	code, said = p.command("--config", file, "audit", "verify", "--head", head)
	equal(t, "exit code with a head", code, exitFine)
	if !strings.HasPrefix(said, "4 entries, chain intact, head 4:") {
		t.Errorf("said %s", said)
	}
	code, said = p.command("--config", file, "audit", "verify", "--head", "3:"+strings.Repeat("0", 64))
	equal(t, "exit code with another's head", code, exitFailed)
	if !strings.Contains(said, "entry 3 of the head 000000000000… that was given is not in the log") {
		t.Errorf("said %s", said)
	}
	code, said = p.command("--config", file, "audit", "verify", "--head", "three")
	equal(t, "exit code with no head", code, exitUnusual)
	if !strings.Contains(said, "three") {
		t.Errorf("said %s", said)
	}
	page := string(p.get("/audit?verify=1").want(http.StatusOK).body)
	if !strings.Contains(page, "Chain intact") || !strings.Contains(page, "4 entries") {
		t.Error("the page does not say that the chain is intact")
	}
}

// An older copy of the store in the place of the store is a log without its end.
func TestAnAuditThatWasCutOffIsTold(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := guarded("{failure_rate: 0.5, minimum_calls: 2, window: 1h, open_for: 400ms, probes: 2}")
	p.start(config)
	p.force("shop", "open", "15m")
	store := filepath.Join(p.dir, "data", sqlite.FileName)
	equal(t, "error", p.stop(), nil)
	older, err := os.ReadFile(store)
	equal(t, "error", err, nil)
	p.start(config)
	p.force("shop", "closed", "15m")
	equal(t, "error", p.stop(), nil)
	_, said := p.command("--config", filepath.Join(p.dir, "redrive.yaml"), "audit", "verify")
	_, head, _ := strings.Cut(strings.TrimSpace(said), "head ")
	if err := os.WriteFile(store, older, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _ := p.command("--config", filepath.Join(p.dir, "redrive.yaml"), "audit", "verify")
	equal(t, "exit code without its head", code, exitFine)
	code, said = p.command("--config", filepath.Join(p.dir, "redrive.yaml"), "audit", "verify", "--head", head)
	equal(t, "exit code", code, exitFailed)
	if !strings.Contains(said, "entry 2 is missing: the log was cut off at its end") {
		t.Errorf("said %s", said)
	}
	code, said = p.command("audit", "verify")
	equal(t, "exit code without a configuration", code, exitUnusual)
	if !strings.Contains(said, "--config") {
		t.Errorf("said %s", said)
	}
}
