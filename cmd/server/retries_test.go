package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func outcomes(list []attemptDoc) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.Outcome
	}
	return strings.Join(words, " ")
}

func checkNumbers(t *testing.T, p *testProgram, row rowDoc, step string) {
	t.Helper()
	for i, a := range row.of(step) {
		equal(t, "number of the attempt", a.Number, i+1)
	}
	for i, c := range p.down.seen(step, row.ID) {
		equal(t, "Redrive-Attempt", c.attempt, i+1)
		equal(t, "Idempotency-Key", c.header.Get("Idempotency-Key"), row.ID+"/"+step)
	}
}

func TestTransientFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call", "retry: {attempts: 4, base: 40ms, cap: 10s, jitter: none}"))
	p.down.on("call", byAttempt(500, 404, 503))
	row := p.becomes(p.acceptOne(), "done")
	equal(t, "outcomes", outcomes(row.of("call")), "failed failed failed processed")
	checkNumbers(t, p, row, "call")
	equal(t, "attempts", row.flag("call").Attempts, 4)
	calls := p.down.seen("call", row.ID)
	for i, least := range []time.Duration{40, 80, 160} {
		if waited := calls[i+1].at.Sub(calls[i].at); waited < least*time.Millisecond {
			t.Errorf("the wait before attempt %d was %s, want at least %d ms", i+2, waited, least)
		}
	}
	for i, want := range []int{500, 404, 503, 200} {
		a := row.of("call")[i]
		equal(t, "status_code", *a.StatusCode, want)
		equal(t, "an error is told", a.Error != nil, want != 200)
	}
	equal(t, "failed_attempts_total", eventually(t, "counters", func() stepDoc { return p.step("call") }, func(s stepDoc) bool { return s.ProcessedTotal == 1 }).FailedTotal, 3)
}

func TestThrottlingUsesNoBudget(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call", "retry: {attempts: 1, base: 1ms, cap: 2ms, jitter: none}"))
	p.down.on("call", func(c seenCall) reply {
		switch c.attempt {
		case 1, 2:
			return reply{status: http.StatusTooManyRequests, body: "slow down"}
		case 3:
			return reply{status: http.StatusTooManyRequests, header: map[string]string{"Retry-After": "1"}}
		case 4:
			return reply{status: http.StatusServiceUnavailable, header: map[string]string{"Retry-After": "1"}}
		}
		return reply{status: http.StatusOK}
	})
	row := p.becomes(p.acceptOne(), "done")
	equal(t, "outcomes", outcomes(row.of("call")), "throttled throttled throttled throttled processed")
	checkNumbers(t, p, row, "call")
	calls := p.down.seen("call", row.ID)
	for i := 2; i < 4; i++ {
		if waited := calls[i+1].at.Sub(calls[i].at); waited < 950*time.Millisecond {
			t.Errorf("Retry-After of a second was honoured for %s", waited)
		}
	}
}

func TestRetryAfterIsHonouredUpToAnHour(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", func(seenCall) reply {
		return reply{status: http.StatusInternalServerError, header: map[string]string{"Retry-After": "86400"}}
	})
	id := p.acceptOne()
	row := eventually(t, "the row to wait", func() rowDoc { return p.row(id) }, func(r rowDoc) bool { return r.flag("call").State == "retrying" })
	equal(t, "status", row.Status, "in_progress")
	equal(t, "outcomes", outcomes(row.of("call")), "failed")
	if wait := time.Until(*row.flag("call").NextAttemptAt); wait < 58*time.Minute || wait > time.Hour {
		t.Errorf("the next attempt is in %s, want an hour", wait)
	}
	equal(t, "retrying", eventually(t, "counters", func() int { return p.step("call").Retrying }, is(1)), 1)
}

func TestPermanentFailuresDieAtOnce(t *testing.T) {
	t.Parallel()
	p := launch(t, step("usual"), step("own", "permanent: [404]"))
	p.down.on("usual", always(http.StatusUnprocessableEntity))
	p.down.on("own", func(c seenCall) reply {
		if c.attempt == 1 {
			return reply{status: http.StatusUnprocessableEntity}
		}
		return reply{status: http.StatusNotFound}
	})
	id := p.acceptOne()
	row := eventually(t, "both steps to die", func() rowDoc { return p.row(id) }, func(r rowDoc) bool { return r.flag("usual").State == "dead" && r.flag("own").State == "dead" })
	equal(t, "status", row.Status, "dead")
	equal(t, "usual", outcomes(row.of("usual")), "dead")
	equal(t, "own", outcomes(row.of("own")), "failed dead")
}

func TestBudgetEnds(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"), step("after", "needs: [call]"))
	p.down.on("call", always(http.StatusBadGateway))
	letter := p.die(1)[0]
	row := p.row(letter.RowID)
	equal(t, "outcomes", outcomes(row.of("call")), "failed failed dead")
	checkNumbers(t, p, row, "call")
	equal(t, "calls of what follows", p.down.count("after"), 0)
	equal(t, "state of what follows", row.flag("after").State, "waiting")
	equal(t, "attempts", letter.Attempts, 3)
	equal(t, "kind", letter.Kind, "handler")
	equal(t, "status_code", *letter.StatusCode, http.StatusBadGateway)
	equal(t, "step", letter.Step, "call")
	if letter.FirstFailedAt == nil || letter.DeadAt == nil || letter.DeadAt.Before(*letter.FirstFailedAt) || letter.Queue == "" || letter.Group == "" {
		t.Errorf("letter %+v", letter)
	}
}

func TestWithoutBudgetItIsTriedUntilItSucceeds(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call", "retry: {attempts: 0, base: 1ms, cap: 2ms, jitter: full}"))
	p.down.on("call", byAttempt(500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500))
	equal(t, "attempts", p.becomes(p.acceptOne(), "done").flag("call").Attempts, 13)
}

// Whatever is no answer in time is tried again.
func TestBrokenCalls(t *testing.T) {
	t.Parallel()
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close() //nolint:errcheck // so that nobody answers there
	p := launch(t, step("redirect"), step("slow", "timeout: 60ms"), step("cut"),
		`      - {name: refused, http: {url: "http://`+nobody+`/refused"}, `+quick+`}`)
	hold, _ := p.down.gate()
	p.down.on("redirect", func(seenCall) reply {
		return reply{status: http.StatusFound, header: map[string]string{"Location": "/elsewhere"}}
	})
	p.down.on("slow", func(seenCall) reply { return reply{status: http.StatusOK, hold: hold} })
	p.down.on("cut", func(seenCall) reply { return reply{cut: true} })
	id := p.acceptOne()
	row := eventually(t, "all steps to die", func() rowDoc { return p.row(id) }, func(r rowDoc) bool {
		return r.flag("redirect").State == "dead" && r.flag("slow").State == "dead" && r.flag("cut").State == "dead" && r.flag("refused").State == "dead"
	})
	equal(t, "calls of the address redirected to", p.down.count("elsewhere"), 0)
	for step, says := range map[string]string{"redirect": "302", "slow": "timeout", "cut": "connection", "refused": "refused"} {
		equal(t, "outcomes of "+step, outcomes(row.of(step)), "failed failed dead")
		if last := row.flag(step).LastError; last == nil || !strings.Contains(*last, says) {
			t.Errorf("the last error of %s is %v, want one that says %s", step, last, says)
		}
		if step != "redirect" {
			equal(t, "status code of "+step, row.of(step)[0].StatusCode, nil)
		}
	}
	for _, l := range p.letters("").DeadLetters {
		equal(t, "kind of the letter of "+l.Step, l.Kind, "handler")
	}
	for _, a := range row.of("slow") {
		if a.DurationMS < 60 || a.DurationMS > 5000 {
			t.Errorf("a time-out of 60 ms took %d ms", a.DurationMS)
		}
	}
}
