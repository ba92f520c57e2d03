package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// ledger is the downstream: what it answers depends on the row and on how often
// it was asked, and it remembers all of it.
type ledger struct {
	t *testing.T

	mu     sync.Mutex
	mended bool // everything works now
	takes  time.Duration
	script func(c pipeline.Call, calls int) pipeline.Answer // in place of the usual one
	of     map[rowStep]*entries
}

type rowStep struct{ row, step string }

// entries are the calls of one step of one row.
type entries struct {
	calls, good    int
	beside, most   int // at the same time, now and at most
	first, last    time.Time
	payload        string
	beforeItsNeeds bool
}

func newLedger(t *testing.T) *ledger { return &ledger{t: t, of: map[rowStep]*entries{}} }

func (l *ledger) serve(ctx context.Context, c pipeline.Call) pipeline.Answer {
	calls, takes, script := l.begin(c)
	defer l.end(c)
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return pipeline.Answer{Kind: pipeline.AnswerAborted}
		}
	}
	a := script(c, calls)
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.Kind == pipeline.AnswerProcessed {
		l.of[rowStep{c.Row, c.Step}].good++
	}
	return a
}

func (l *ledger) begin(c pipeline.Call) (int, time.Duration, func(pipeline.Call, int) pipeline.Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := rowStep{c.Row, c.Step}
	e := l.of[key]
	if e == nil {
		e = &entries{first: time.Now(), payload: string(c.Payload)}
		l.of[key] = e
	}
	e.calls++
	e.beside++
	e.most = max(e.most, e.beside)
	e.last = time.Now()
	for _, need := range needsOf(c.Step) {
		if n := l.of[rowStep{c.Row, need}]; n == nil || n.good == 0 {
			e.beforeItsNeeds = true
		}
	}
	if l.script != nil {
		return e.calls, l.takes, l.script
	}
	return e.calls, l.takes, l.usual(l.mended)
}

func (l *ledger) end(c pipeline.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of[rowStep{c.Row, c.Step}].beside--
}

// usual fails billing of every third row once, and packing of every fifth for
// good.
func (l *ledger) usual(mended bool) func(pipeline.Call, int) pipeline.Answer {
	return func(c pipeline.Call, calls int) pipeline.Answer {
		n := numberOf(c.Payload)
		switch {
		case !mended && c.Step == "bill" && n%3 == 2 && calls == 1:
			return pipeline.Answer{Kind: pipeline.AnswerTransient, StatusCode: 503, Error: "503 from the bank"}
		case !mended && c.Step == "pack" && n%5 == 4:
			return pipeline.Answer{Kind: pipeline.AnswerPermanent, StatusCode: 422, Error: "422 no such thing"}
		}
		return pipeline.Answer{StatusCode: 200, Result: []byte("ok")}
	}
}

func (l *ledger) change(do func(*ledger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do(l)
}

func (l *ledger) isMended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mended
}

// asked is how often a step of a row was called.
func (l *ledger) asked(row, step string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.of[rowStep{row, step}]; e != nil {
		return e.calls
	}
	return 0
}

// all is how often anything was called.
func (l *ledger) all() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.of {
		n += e.calls
	}
	return n
}

func numberOf(payload []byte) int {
	var p struct{ N int }
	_ = json.Unmarshal(payload, &p)
	return p.N
}

func needsOf(step string) []string {
	i := slices.IndexFunc(orders, func(n pipeline.Node) bool { return n.Name == step })
	return orders[i].Needs
}

// complaints are what the downstream saw and should not have.
func (l *ledger) complaints(overlaps bool) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for key, e := range l.of {
		if e.beforeItsNeeds {
			list = append(list, fmt.Sprintf("row %s: %s was called before what it needs was done", key.row, key.step))
		}
		if e.most > 1 && !overlaps {
			list = append(list, fmt.Sprintf("row %s: %s was called %d times beside each other", key.row, key.step, e.most))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}
