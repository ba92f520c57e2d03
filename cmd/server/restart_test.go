package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"redrive/pipeline/signature"
)

// A program that is killed in the middle of everything loses no row it answered
// 202 for, and keeps no step from being done.
func TestKilledProgramLosesNothing(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := configuration([]string{step("first"), step("second", "needs: [first]", "timeout: 1m", "concurrency: 5")})
	s := p.spawn(config)
	hold, open := p.down.gate()
	p.down.on("second", func(seenCall) reply { return reply{status: http.StatusOK, hold: hold} })
	ids := p.accept(40)
	eventually(t, "calls in flight", func() int { return p.down.inFlight("second") }, is(5))
	more := p.sendUntilGone(4, func() { s.signal(os.Kill) })
	equal(t, "exit code of a killed process", s.code(), -1)
	open()
	p.start(config)
	p.allBecome(append(ids, more...), "done")
	lost := 0
	for _, id := range ids {
		row := p.row(id)
		attempts := row.of("second")
		equal(t, "the last outcome", attempts[len(attempts)-1].Outcome, "processed")
		checkNumbers(t, p, row, "second")
		if len(attempts) > 1 {
			equal(t, "the first outcome", attempts[0].Outcome, "lost")
			lost++
		}
	}
	equal(t, "rows whose attempt was lost", lost, 5)
}

// sendUntilGone delivers rows from several senders, ends the program once each of
// them was answered, and returns the ids that were answered for.
func (p *testProgram) sendUntilGone(senders int, end func()) []string {
	p.t.Helper()
	var mu sync.Mutex
	var ids []string
	var all, first sync.WaitGroup
	first.Add(senders)
	payload := string(deliveries(p.t)[0].Payload)
	for range senders {
		all.Go(func() {
			began := sync.OnceFunc(first.Done)
			defer began()
			for {
				id, ok := p.tryToDeliver(payload)
				if !ok {
					return
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
				began()
			}
		})
	}
	first.Wait()
	end()
	all.Wait()
	return ids
}

func (p *testProgram) tryToDeliver(payload string) (id string, ok bool) {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/ingest/github", strings.NewReader(payload))
	if err != nil {
		return "", false
	}
	req.Header.Set("X-GitHub-Delivery", newKey())
	req.Header.Set(signature.GitHubHeader, signature.SignGitHub(secret, []byte(payload)))
	res, err := p.client.Do(req)
	if err != nil {
		return "", false
	}
	defer res.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, res.Body); err != nil || res.StatusCode != http.StatusAccepted {
		return "", false
	}
	return decode[takenDoc](answer{t: p.t, body: []byte(text.String())}).ID, true
}

// Asked to end, the program takes no more work, lets the attempt in flight end,
// stores its outcome and exits cleanly.
func TestSignalEndsTheProgramCleanly(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := configuration([]string{step("call", "timeout: 1m", "concurrency: 1"), step("after", "needs: [call]")})
	s := p.spawn(config)
	hold, open := p.down.gate()
	p.down.on("call", func(seenCall) reply { return reply{status: http.StatusOK, hold: hold} })
	ids := p.accept(3)
	eventually(t, "a call in flight", func() int { return p.down.inFlight("call") }, is(1))
	s.signal(syscall.SIGTERM)
	eventually(t, "readyz", func() int { return p.get("/readyz").status }, is(http.StatusServiceUnavailable))
	equal(t, "healthz", p.get("/healthz").status, http.StatusOK)
	equal(t, "the process is over", s.over(), false)
	open()
	equal(t, "exit code", s.code(), exitFine)
	equal(t, "calls", p.down.count("call"), 1)
	p.start(config)
	p.allBecome(ids, "done")
	for _, id := range ids {
		row := p.row(id)
		equal(t, "outcomes", outcomes(row.of("call")), "processed")
		equal(t, "calls", len(p.down.seen("call", id)), 1)
	}
}

func TestSecondSignalEndsTheProgramAtOnce(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	s := p.spawn(configuration([]string{step("call", "timeout: 1m")}))
	hold, _ := p.down.gate()
	p.down.on("call", func(seenCall) reply { return reply{status: http.StatusOK, hold: hold} })
	p.acceptOne()
	eventually(t, "a call in flight", func() int { return p.down.inFlight("call") }, is(1))
	s.signal(syscall.SIGTERM)
	eventually(t, "readyz", func() int { return p.get("/readyz").status }, is(http.StatusServiceUnavailable))
	s.signal(syscall.SIGTERM)
	equal(t, "exit code", s.code(), -1)
}

// A redrive of a program that was killed goes on where it was, and counts right.
func TestRedriveSurvivesAKill(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	config := configuration([]string{step("call")})
	s := p.spawn(config)
	p.down.on("call", always(422))
	letters := p.die(25)
	p.down.on("call", nil)
	o := p.redrive(body{"pipeline": "github", "all": true, "reason": "again", "rate_per_second": 20})
	eventually(t, "some moves", func() int { return read[operationDoc](p, "/api/v1/redrives/"+*o.ID).Moved }, atLeast(3))
	s.signal(os.Kill)
	s.code()
	p.start(config)
	checkOperation(t, p.ends(o, "done"), 25, 25)
	for _, l := range letters {
		equal(t, "status", p.row(l.RowID).Status, "done")
	}
	equal(t, "letters left", len(p.letters("").DeadLetters), 0)
}

// A wait for the next attempt outlives a restart.
func TestRetryingRowSurvivesARestart(t *testing.T) {
	t.Parallel()
	config := []string{step("call", "retry: {attempts: 3, base: 1h, cap: 1h, jitter: none}")}
	p := launch(t, config...)
	p.down.on("call", byAttempt(500))
	id := p.acceptOne()
	row := eventually(t, "the row to wait", func() rowDoc { return p.row(id) }, func(r rowDoc) bool { return r.flag("call").State == "retrying" })
	at := *row.flag("call").NextAttemptAt
	if wait := time.Until(at); wait < 55*time.Minute || wait > time.Hour {
		t.Errorf("the next attempt is in %s", wait)
	}
	p.restart(configuration(config))
	row = p.row(id)
	equal(t, "state", row.flag("call").State, "retrying")
	equal(t, "next attempt", row.flag("call").NextAttemptAt.Equal(at), true)
	p.post("/api/v1/rows/"+id+"/replay", body{"step": "call", "downstream": true, "reason": "now"}).want(http.StatusAccepted)
	row = p.becomes(id, "done")
	equal(t, "outcomes", outcomes(row.of("call")), "failed processed")
}
