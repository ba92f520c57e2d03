package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// seenWithin is how soon every process acts on what an operator did at one.
const seenWithin = 2 * time.Second

// What is decided at one process holds at all of them: forced states, settings
// and counts within two seconds, and no more probes than are allowed.
func TestAWSProcessesAgree(t *testing.T) {
	t.Parallel()
	f := newFleet(t, guarded("{failure_rate: 0.5, minimum_calls: 1, window: 1h, open_for: 1h, probes: 3}", "concurrency: 50"))
	f.join()
	f.join()
	one, other := f.members[0].at(), f.members[1].at()
	soon := func(what string, look func() bool) {
		t.Helper()
		began := time.Now()
		eventually(t, what, look, is(true))
		if took := time.Since(began); took > seenWithin+time.Second { // the second is the test's own, on a busy machine
			t.Errorf("%s took %s", what, took)
		}
	}
	one.force("shop", "open", "1h")
	soon("the forced state", func() bool { b := other.breaker("shop"); return b.State == "open" && b.Mode == "held" })
	ids := append(one.accept(10), other.accept(10)...)
	eventually(t, "the step beside it", func() int { return f.down.count("free") }, is(20))
	eventually(t, "rows to wait", func() int { return other.breaker("shop").Waiting }, is(20))
	equal(t, "calls while it is open", f.down.count("call"), 0)

	hold, open := f.down.gate()
	f.down.on("call", func(seenCall) reply { return reply{status: http.StatusOK, hold: hold} })
	other.force("shop", "half-open", "")
	eventually(t, "probes", func() int { return f.down.inFlight("call") }, is(3))
	one.accept(2) // both go on, and with it the chance to let too many through
	eventually(t, "the step beside it", func() int { return f.down.count("free") }, is(22))
	equal(t, "calls half-open, of both", f.down.count("call"), 3)
	open()
	f.down.on("call", nil)
	one.allBecome(ids, "done")
	one.breakerBecomes("shop", "closed")
	other.breakerBecomes("shop", "closed")

	one.change("call", body{"paused": true, "rate": 7, "concurrency": 3, "reason": "through one of them"})
	soon("the settings", func() bool { s := other.step("call"); return s.Paused && s.Rate == 7 && s.Concurrency == 3 })
	one.accept(9)
	soon("the counts", func() bool { return other.step("call").Queued == 9 })
	one.json(http.MethodPut, "/api/v1/sweeps/schedule", body{"cron": "7 7 * * *", "enabled": true}).want(http.StatusOK)
	soon("the schedule", func() bool { return read[scheduleDoc](other, "/api/v1/sweeps/schedule").Cron == "7 7 * * *" })
	equal(t, "audit of the other", other.audited("step.change").Object, "steps/github/call")
}

// Processes that start at the same moment where nothing is make everything once.
func TestAWSProcessesStartTogether(t *testing.T) {
	t.Parallel()
	f := newFleet(t, configuration([]string{step("first"), step("second", "needs: [first]")}))
	file := f.write("redrive.yaml", f.onBackend(f.config))
	var all sync.WaitGroup
	members := make([]*member, 3)
	for i := range members {
		members[i] = &member{f: f}
		all.Go(func() { members[i].proc = f.begin(file) })
	}
	all.Wait()
	for _, m := range members {
		url := m.proc.listens()
		m.url.Store(&url)
		m.at().ready()
	}
	members[2].at().becomes(members[0].at().acceptOne(), "done")
	eventually(t, "the processes", members[1].at().instances, is("all running, all running, all running"))
}

// While a new configuration is rolled out old and new processes run side by
// side: a row passes all the steps it was accepted with, whoever accepted it.
func TestAWSRollOut(t *testing.T) {
	t.Parallel()
	f := newFleet(t, configuration([]string{step("first"), step("old", "needs: [first]")}))
	f.join()
	f.config = configuration([]string{step("first"), step("new", "needs: [first]")})
	f.join()
	ids := make([][]string, 2)
	for i, m := range f.members {
		ids[i] = m.at().accept(15)
	}
	for i, name := range []string{"old", "new"} {
		for _, id := range ids[i] {
			row := f.members[1-i].at().becomes(id, "done")
			equal(t, "the second step", row.Steps[1].Name, name)
			equal(t, "calls of it", len(f.down.seen(name, id)), 1)
		}
	}
	equal(t, "calls of the first", f.down.count("first"), 30)
}

// Of deliveries with one key to two processes at the same moment, one is the row.
func TestAWSOneKeyAtTwoProcesses(t *testing.T) {
	t.Parallel()
	f := newFleet(t, configuration([]string{step("call")}))
	f.join()
	f.join()
	key := newKey()
	answers := make([]answer, 16)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = f.members[i%2].at().deliver(key, []byte(`{}`)) })
	}
	all.Wait()
	ids, first := map[string]bool{}, 0
	for _, a := range answers {
		taken := decode[takenDoc](a.want(http.StatusAccepted))
		ids[taken.ID] = true
		if !taken.Duplicate {
			first++
		}
	}
	equal(t, "rows", len(ids), 1)
	equal(t, "answers that were no duplicate", first, 1)
	for id := range ids {
		f.members[0].at().becomes(id, "done")
	}
	equal(t, "calls", f.down.count("call"), 1)
}

// A message that is no row is put into the dead-letter queue with the reason,
// and holds nobody up.
func TestAWSMessageThatIsNoRow(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call")}))
	queue, dead := p.aws.makeQueue(t, "github-call"), p.aws.makeQueue(t, "github-call-dlq") // they are there: this finds them
	queue.put("hello")
	queue.put(`{"row":"06h1j8skwb3s680sm92fqkafh0","gen":0}`)
	p.becomes(p.acceptOne(), "done")
	reasons := ""
	for _, m := range dead.takes(2) {
		reasons += *m.MessageAttributes["Redrive-Reason"].StringValue + "; "
	}
	for _, text := range []string{"it is no message of a step", "06h1j8skwb3s680sm92fqkafh0 does not exist"} {
		if !strings.Contains(reasons, text) {
			t.Errorf("the reasons are %s", reasons)
		}
	}
	eventually(t, "the queue to be empty", queue.depth, is(0))
	equal(t, "rows", len(p.all()), 1)
}
