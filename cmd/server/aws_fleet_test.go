package main

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patient is a retry policy whose budget no death of a process uses up.
const patient = "retry: {attempts: 12, base: 100ms, cap: 1s, jitter: full}"

// flakyDiamond is the pipeline of the manual in front of a downstream that fails
// often and, for some rows, for good. Its step index is exclusive.
func flakyDiamond(p *testProgram) string {
	flaky := func(permanent, failed uint32) script {
		return func(c seenCall) reply {
			time.Sleep(15 * time.Millisecond)
			switch die := dice(c.row, c.step, 0); {
			case die < permanent:
				return reply{status: http.StatusUnprocessableEntity, body: "never"}
			case dice(c.row, c.step, c.attempt) < failed/2:
				return reply{status: http.StatusTooManyRequests, header: map[string]string{"Retry-After": "1"}}
			case dice(c.row, c.step, c.attempt) < failed:
				return reply{status: http.StatusBadGateway, body: "not now"}
			}
			return reply{status: http.StatusOK, body: `{"did":"` + c.step + `"}`}
		}
	}
	p.down.on("validate", flaky(0, 10))
	p.down.on("index", flaky(5, 20))
	p.down.on("notify", flaky(0, 20))
	return configuration([]string{step("validate", patient), step("index", "needs: [validate]", "exclusive: true", patient), step("notify", "needs: [validate]", patient),
		step("archive", "needs: [index, notify]", patient)}, stuckAfter)
}

// dice is a number below 100 that is the same for the same attempt.
func dice(row, step string, attempt int) uint32 {
	h := fnv.New32a()
	fmt.Fprint(h, row, step, attempt)
	return h.Sum32() % 100
}

var diamondNeeds = map[string][]string{"validate": nil, "index": {"validate"}, "notify": {"validate"}, "archive": {"index", "notify"}}

// Two processes share everything. One of them is killed again and again while
// rows come in.
func TestAWSTwoProcessesOneIsKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "")
	f.config = flakyDiamond(f.testProgram)
	f.join()
	victim := f.join()
	deaths := f.outlives(victim, 4, 25)
	gone := strings.Repeat("all gone, ", deaths)
	eventually(t, "the processes", f.members[0].at().instances, is(gone+"all running, all running"))
}

// Four processes, of which two do one half each.
func TestAWSFourProcessesOneIsKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "")
	f.config = flakyDiamond(f.testProgram)
	f.join()
	f.join("--only", "console")
	f.join("--only", "workers")
	victim := f.join()
	f.outlives(victim, 4, 30)
	running := "all running, all running, console running, workers running"
	eventually(t, "the processes", f.members[1].at().instances, func(list string) bool { return strings.HasSuffix(list, running) })
}

// outlives delivers rows while one member dies again and again, and balances the
// books. It returns how often it died.
func (f *fleet) outlives(victim *member, senders, rows int) (deaths int) {
	t := f.t
	t.Helper()
	done := make(chan struct{})
	sending := f.senders(senders, rows)
	go func() {
		sending.Wait()
		close(done)
	}()
	deaths = victim.reap(done, 1500*time.Millisecond)
	p := f.members[0].at()
	whole := f.over(p)
	equal(t, "rows", len(whole), senders*rows)
	lost := 0
	for _, row := range whole {
		lost += f.reconcile(row)
	}
	t.Logf("%d deaths, %d attempts lost, %d calls", deaths, lost, len(f.down.calls))
	f.balance(p, whole)
	return deaths
}

// reconcile checks one row, and what its downstream saw, against all that was
// promised. It returns how many attempts were lost.
func (f *fleet) reconcile(row rowDoc) (lost int) {
	t := f.t
	t.Helper()
	succeeded := map[string]time.Time{}
	for _, flag := range row.Steps {
		attempts := row.of(flag.Name)
		processed := 0
		for i, a := range attempts {
			if a.Number != i+1 {
				t.Errorf("row %s: the attempts of %s are numbered %+v", row.ID, flag.Name, attempts)
				break
			}
			switch a.Outcome {
			case "processed":
				processed++
			case "lost":
				lost++
			}
		}
		equal(t, "attempts of "+flag.Name, flag.Attempts, len(attempts))
		switch flag.State {
		case "processed":
			equal(t, "row "+row.ID+": processed outcomes of "+flag.Name, processed, 1)
			equal(t, "the last outcome", attempts[len(attempts)-1].Outcome, "processed")
		case "dead", "waiting":
			equal(t, "row "+row.ID+": processed outcomes of "+flag.Name, processed, 0)
		default:
			t.Errorf("row %s is %s and its step %s is %s", row.ID, row.Status, flag.Name, flag.State)
		}
		made := map[int]int{}
		for _, c := range f.down.seen(flag.Name, row.ID) {
			if made[c.attempt]++; made[c.attempt] > 1 && flag.Name == "index" {
				f.t.Errorf("row %s: attempt %d of the exclusive step was made twice", row.ID, c.attempt)
			}
			if c.attempt < 1 || c.attempt > len(attempts) {
				t.Errorf("row %s: %s was called for attempt %d of %d", row.ID, flag.Name, c.attempt, len(attempts))
			}
			for _, need := range diamondNeeds[flag.Name] {
				if at, ok := succeeded[need]; !ok || c.at.Before(at) {
					t.Errorf("row %s: %s was called before %s had been processed", row.ID, flag.Name, need)
				}
			}
		}
		if flag.ProcessedAt != nil {
			succeeded[flag.Name] = f.down.seen(flag.Name, row.ID)[0].at
		}
	}
	return lost
}

// balance compares the counts with the lists, once a sweep has looked.
func (f *fleet) balance(p *testProgram, rows []rowDoc) {
	t := f.t
	t.Helper()
	p.sweep(body{})
	want := map[string]int{"done": 0, "dead": 0}
	letters := 0
	states := map[string]int{}
	for _, row := range rows {
		want[row.Status]++
		for _, flag := range row.Steps {
			states[flag.Name+" "+flag.State]++
			if flag.State == "dead" {
				letters++
			}
		}
	}
	for _, status := range []string{"done", "dead", "accepted", "in_progress", "rejected", "discarded"} {
		eventually(t, "rows counted as "+status, func() int { return p.rows(status) }, is(want[status]))
	}
	for _, name := range []string{"validate", "index", "notify", "archive"} {
		s := eventually(t, "rows counted at "+name, func() stepDoc { return p.step(name) }, func(s stepDoc) bool {
			return s.Waiting == states[name+" waiting"] && s.Dead == states[name+" dead"] && s.Queued+s.Running+s.Retrying == 0
		})
		if s.ProcessedTotal < states[name+" processed"] {
			t.Errorf("%s has processed %d, and %d rows say so", name, s.ProcessedTotal, states[name+" processed"])
		}
	}
	list := p.letters("limit=500")
	equal(t, "dead letters", list.Total, letters)
	equal(t, "dead letters listed", len(list.DeadLetters), letters)
	for status, n := range want {
		equal(t, "rows listed as "+status, len(read[rowsDoc](p, "/api/v1/rows?limit=500&status="+status).Rows), n)
	}
}

// Every process is asked to end, one after the other, while rows come in: each
// ends cleanly, and no attempt is lost or made twice.
func TestAWSRollingRestart(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "")
	f.config = flakyDiamond(f.testProgram)
	f.join()
	f.join()
	done := make(chan struct{})
	sending := f.senders(4, 40)
	go func() {
		sending.Wait()
		close(done)
	}()
	for ended, turn := false, 0; !ended || turn < 4; turn++ {
		m := f.members[turn%2]
		began := time.Now()
		m.proc.signal(syscall.SIGTERM)
		equal(t, "exit code", m.proc.code(), exitFine)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s to end", took)
		}
		m.start()
		select {
		case <-done:
			ended = true
		default:
		}
	}
	whole := f.over(f.members[0].at())
	calls := map[string]int{}
	for _, row := range whole {
		if lost := f.reconcile(row); lost > 0 {
			t.Errorf("row %s lost %d attempts: %+v", row.ID, lost, row.Attempts)
		}
		for _, flag := range row.Steps {
			for _, c := range f.down.seen(flag.Name, row.ID) {
				calls[fmt.Sprint(c.row, c.step, c.attempt)]++
			}
			equal(t, "calls of "+flag.Name, len(f.down.seen(flag.Name, row.ID)), flag.Attempts)
		}
	}
	for call, n := range calls {
		equal(t, "calls of "+call, n, 1)
	}
	f.balance(f.members[1].at(), whole)
	equal(t, "processes: those that ended cleanly have left", f.members[0].at().instances(), "all running, all running")
}
