package main

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
)

// Of many deliveries with one key at the same moment, one is the row and the
// others are its duplicates.
func TestOneKeyAtTheSameMoment(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	key := newKey()
	answers := make([]answer, 24)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = p.deliver(key, []byte(`{"n":`+strconv.Itoa(i)+`}`)) })
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
		p.becomes(id, "done")
	}
	equal(t, "calls", p.down.count("call"), 1)
}

// Redrives that want the same letters move each of them once.
func TestRedrivesOfTheSameLetters(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	p.down.on("call", always(422))
	letters := p.die(30)
	p.down.on("call", nil)
	started := make([]answer, 4)
	var all sync.WaitGroup
	for i := range started {
		all.Go(func() {
			started[i] = p.post("/api/v1/redrives", body{"pipeline": "github", "all": true, "reason": "everybody wants to help"})
		})
	}
	all.Wait()
	moved, succeeded := 0, 0
	for _, a := range started {
		done := p.ends(decode[operationDoc](a.want(http.StatusAccepted)), "done")
		moved, succeeded = moved+done.Moved, succeeded+done.Succeeded
	}
	equal(t, "moved, succeeded", [...]int{moved, succeeded}, [...]int{30, 30})
	equal(t, "calls", p.down.count("call"), 60)
	for _, l := range letters {
		p.becomes(l.RowID, "done")
	}
}
