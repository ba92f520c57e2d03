package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Every field that is promised is there, also when there is nothing to tell.
func TestEveryFieldIsThere(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call", "breaker: shop"), step("after", "needs: [call]")}, "breakers: {shop: {}}"))
	check := func(a answer, at, names string) {
		t.Helper()
		a.has(at, names)
	}
	const step = "name needs waiting queued running retrying dead processed_total failed_attempts_total breaker breaker_state paused rate concurrency falling_behind"
	check(p.get("/api/v1/overview"), "pipelines.0", "name rows steps")
	check(p.get("/api/v1/overview"), "pipelines.0.rows", "accepted in_progress done dead rejected discarded")
	check(p.get("/api/v1/overview"), "pipelines.0.steps.0", step)
	check(p.get("/api/v1/overview"), "pipelines.0.steps.1", step)
	check(p.post("/api/v1/steps/github/call", body{"paused": false}), "", step)
	for path, list := range map[string]string{"rows": "rows", "dead-letters": "dead_letters", "redrives": "redrives", "sweeps": "sweeps", "audit": "entries"} {
		a := p.get("/api/v1/" + path)
		check(a, "", list+" next_cursor")
		if path != "audit" && !strings.Contains(string(a.body), `"`+list+`":[]`) {
			t.Errorf("an empty list of %s is %s", path, a.body)
		}
	}
	check(p.get("/api/v1/dead-letters/groups"), "", "groups")
	p.down.on("call", always(422))
	letter := p.die(1)[0]
	checkRow(p, letter.RowID, check)
	check(p.get("/api/v1/dead-letters"), "", "dead_letters total next_cursor")
	check(p.get("/api/v1/dead-letters"), "dead_letters.0", "id row_id pipeline step queue error status_code group attempts kind first_failed_at dead_at")
	check(p.get("/api/v1/dead-letters/groups"), "groups.0", "group error pipeline step kind count first_at last_at")

	checkOperations(p, check)
	checkHousekeeping(p, check)
	document := p.get("/api/v1/openapi.json").want(http.StatusOK)
	check(document, "", "openapi info paths")
}

func checkOperations(p *testProgram, check func(answer, string, string)) {
	dry := p.post("/api/v1/redrives", body{"pipeline": "github", "all": true, "dry_run": true}).want(http.StatusAccepted)
	check(dry, "", "id state matched eligible skipped")
	check(p.post("/api/v1/discards", body{"pipeline": "github", "all": true, "dry_run": true}), "", "id state matched eligible skipped")
	check(p.post("/api/v1/replays", body{"pipeline": "github", "dry_run": true}), "", "id state matched eligible skipped")
	o := p.redrive(body{"pipeline": "github", "all": true, "reason": "r"})
	const operation = "id state pipeline step matched eligible moved succeeded failed_again rate_per_second by reason started_at finished_at stop_reason"
	check(p.get("/api/v1/redrives/"+*o.ID), "", operation)
	check(p.get("/api/v1/redrives"), "redrives.0", operation)

	const breaker = "name state mode failure_rate calls since next_probe_at waiting held_by held_until reason"
	check(p.get("/api/v1/breakers"), "breakers.0", breaker)
	check(p.get("/api/v1/breakers/shop"), "", breaker+" history probes")
	check(p.post("/api/v1/breakers/shop", body{"state": "open", "for": "1m", "reason": "r"}), "", breaker)
	check(p.get("/api/v1/breakers/shop"), "history.0", "at from to by reason")
}

func checkHousekeeping(p *testProgram, check func(answer, string, string)) {
	const sweep = "id state dry_run scanned stuck requeued started_at finished_at by rows"
	check(p.post("/api/v1/sweeps", body{}), "", sweep)
	check(p.get("/api/v1/sweeps"), "sweeps.0", sweep)
	check(p.get("/api/v1/sweeps/schedule"), "", "cron stuck_after enabled next_runs")
	const alarm = "name state severity metric threshold value since reason silenced_until"
	check(p.get("/api/v1/alarms"), "alarms.0", alarm)
	check(p.get("/api/v1/alarms/dead-letters"), "", alarm+" history")
	check(p.get("/api/v1/faults"), "", "faults")
	const fault = "id pipeline step error_rate latency throttle for reason"
	check(p.post("/api/v1/faults", body{"pipeline": "github", "step": "call", "error_rate": 0.1, "for": "1m", "reason": "r"}).want(http.StatusCreated), "", fault)
	check(p.get("/api/v1/faults"), "faults.0", fault)
	check(p.get("/api/v1/audit"), "entries.0", "at actor action object reason result detail")
}

func checkRow(p *testProgram, id string, check func(answer, string, string)) {
	const row = "id pipeline status created_at updated_at content_type"
	check(p.get("/api/v1/rows"), "rows.0", row+" steps")
	a := p.get("/api/v1/rows/" + id)
	check(a, "", row+" payload steps attempts")
	check(a, "steps.0", "name state attempts processed_at next_attempt_at last_error result")
	check(a, "steps.1", "name state attempts processed_at next_attempt_at last_error result")
	check(a, "attempts.0", "step number started_at duration_ms outcome error status_code worker")
	check(p.post("/api/v1/rows/"+id+"/discard", body{"reason": "r"}), "", row+" payload steps attempts")
	check(p.post("/api/v1/rows/"+id+"/restore", body{"reason": "r"}), "", row+" payload steps attempts")
}

// has checks that the object at a path of names and numbers has these fields.
func (a answer) has(at, names string) {
	a.t.Helper()
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		a.t.Errorf("%s: %v in %s", a.call, err, a.body)
		return
	}
	for part := range strings.FieldsFuncSeq(at, func(r rune) bool { return r == '.' }) {
		switch inner := value.(type) {
		case map[string]any:
			value = inner[part]
		case []any:
			if i, err := strconv.Atoi(part); err == nil && i < len(inner) {
				value = inner[i]
			}
		}
	}
	object, ok := value.(map[string]any)
	if !ok {
		a.t.Errorf("%s has no object at %q: %.500s", a.call, at, a.body)
		return
	}
	for _, name := range strings.Fields(names) {
		if _, ok := object[name]; !ok {
			a.t.Errorf("%s lacks %s at %q: %.500s", a.call, name, at, a.body)
		}
	}
}
