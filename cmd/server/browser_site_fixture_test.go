package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// troubled is a program with something to show on every page.
type troubled struct {
	*testProgram
	done, dead, retrying, rejected, discarded string // rows
	group                                     string
	redriven, held, paused, dropped           string // operations
	dry, swept                                string // sweeps
}

const troubledConfig = `listen: 127.0.0.1:0
environment: {name: staging, colour: orange}
embedded: {path: ./data, durability: normal}
pipelines:
  github:
    intake:
      idempotency_key: header:X-GitHub-Delivery
      signature: {scheme: github, secret: "${GITHUB_SECRET}"}
      schema: object.json
    steps:
%s
  orders:
    steps:
%s
breakers:
  search-api: {failure_rate: 0.5, minimum_calls: 4, window: 1h, open_for: 1h, probes: 2}
  mail: {}
sweep: {stuck_after: 1s}
alarms:
  - {name: dead-letters, metric: dead_letters, pipeline: github, statistic: max, threshold: 1, period: 10s, severity: notice}
  - {name: high-error-rate, metric: error_rate, statistic: average, threshold: 0.99, period: 10s, periods: 3, severity: page}
notify:
  - {kind: webhook, url: "${DOWNSTREAM}/pager", severities: [notice]}
`

func newTroubled(t *testing.T) *troubled {
	t.Helper()
	s := &troubled{testProgram: newProgram(t)}
	s.write("object.json", `{"type": "object"}`)
	once := "retry: {attempts: 2, base: 1h, cap: 1h, jitter: none}"
	s.start(fmt.Sprintf(troubledConfig,
		strings.Join([]string{step("validate"), step("index", "needs: [validate]", "breaker: search-api", once),
			step("notify", "needs: [validate]", "breaker: mail", once), step("archive", "needs: [index, notify]")}, "\n"),
		strings.Join([]string{step("charge"), step("ship", "needs: [charge]")}, "\n")))
	done := s.accept(6)
	s.allBecome(done, "done")
	s.done = done[0]
	s.letters()
	s.operations()
	s.openBreaker()
	s.stuck()
	s.asides()
	eventually(t, "the alarm", func() string { return s.alarm("dead-letters").State }, is("alarm"))
	return s
}

// letters makes dead letters of several causes at two steps.
func (s *troubled) letters() {
	var n atomic.Int64
	texts := []string{"address book answered: mailbox unknown", "message refused by policy 4711", "recipient list is empty"}
	s.down.on("notify", func(seenCall) reply {
		return reply{status: http.StatusUnprocessableEntity, body: texts[n.Add(1)%3]}
	})
	dead := s.die(9)
	s.dead, s.group = dead[0].RowID, dead[0].Group
	s.down.on("notify", always(http.StatusBadGateway))
	s.retrying = s.acceptOne()
	eventually(s.t, "a retry to be waited for", func() string { return s.row(s.retrying).flag("notify").State }, is("retrying"))
}

// operations makes one of each kind.
func (s *troubled) operations() {
	list := s.testProgram.letters("step=notify&limit=500").DeadLetters
	s.down.on("notify", func(c seenCall) reply {
		if c.row == list[0].RowID {
			return reply{status: http.StatusUnprocessableEntity, body: "still refused"}
		}
		return reply{status: http.StatusOK, body: "{}"}
	})
	some := body{"pipeline": "github", "ids": []string{list[0].ID, list[1].ID, list[2].ID}, "reason": "the address book is back"}
	s.redriven = *s.ends(s.redrive(some), "done").ID
	some = body{"pipeline": "github", "ids": []string{list[3].ID}, "reason": "a customer who left"}
	s.dropped = *s.ends(decode[operationDoc](s.post("/api/v1/discards", some).want(http.StatusAccepted)), "done").ID
	slow := s.redrive(body{"pipeline": "github", "step": "notify", "all": true, "rate_per_second": 0.01, "reason": "slowly, they complained"})
	s.paused = *slow.ID
	s.post("/api/v1/redrives/"+s.paused+"/pause", body{}).want(http.StatusOK)
}

// openBreaker lets the search fail, with dead letters whose redrive is held.
func (s *troubled) openBreaker() {
	s.down.on("index", always(http.StatusUnprocessableEntity))
	letter := s.die(1)[0]
	s.down.on("index", always(http.StatusServiceUnavailable))
	s.force("search-api", "automatic", "") // forgets the calls that went well
	s.accept(30)
	s.breakerBecomes("search-api", "open")
	s.held = *s.redrive(body{"pipeline": "github", "ids": []string{letter.ID}, "reason": "the index is rebuilt"}).ID
}

// stuck makes a row that only a sweep can help, and has it found twice.
func (s *troubled) stuck() {
	s.down.on("charge", byAttempt(http.StatusUnprocessableEntity))
	taken := decode[takenDoc](s.send(http.MethodPost, "/ingest/orders", `{"type": "order.paid", "order": 17}`, "Content-Type", "application/json").want(http.StatusAccepted))
	s.becomes(taken.ID, "dead")
	s.post("/api/v1/rows/"+taken.ID+"/replay", body{"step": "charge", "downstream": false, "reason": "alone"}).want(http.StatusAccepted)
	eventually(s.t, "the replay", func() string { return s.row(taken.ID).flag("charge").State }, is("processed"))
	eventually(s.t, "the row to count as stuck", func() bool { return time.Since(*s.row(taken.ID).flag("charge").ProcessedAt) > 1200*time.Millisecond }, is(true))
	s.dry = s.sweep(body{"dry_run": true}).ID
	s.swept = s.sweep(body{}).ID
}

// asides are what an operator did: a paused step, a fault, rows set aside.
func (s *troubled) asides() {
	s.post("/api/v1/steps/github/archive", body{"paused": true, "rate": 25, "reason": "the archive moves house"}).want(http.StatusOK)
	s.post("/api/v1/faults", body{"pipeline": "orders", "step": "ship", "latency": "10ms", "for": "1h", "reason": "game day"}).want(http.StatusCreated)
	refused := s.deliver(newKey(), []byte(`[1]`)).want(http.StatusUnprocessableEntity)
	s.rejected = decode[takenDoc](refused).ID
	s.discarded = s.acceptOne()
	s.post("/api/v1/rows/"+s.discarded+"/discard", body{"reason": "sent twice by hand"}).want(http.StatusOK)
}
