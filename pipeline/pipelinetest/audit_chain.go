package pipelinetest

import (
	"fmt"
	"sync"
	"time"

	"redrive/pipeline"
)

// walked is the log, oldest first.
func (e *env) walked(since time.Time) (entries []pipeline.Entry) {
	e.Helper()
	for x, err := range e.b.Audit.Walk(e.Context(), since) {
		e.ok(err, "walking the audit log")
		entries = append(entries, x)
	}
	return entries
}

// verified is what verifying the log comes to, which must be intact.
func (e *env) verified(entries int, heads ...pipeline.AuditHead) pipeline.AuditCheck {
	e.Helper()
	check, err := pipeline.VerifyAudit(e.Context(), e.b.Audit, e.b.Records, pipeline.AuditBounds{}, heads...)
	e.ok(err, "verifying the audit log")
	if check.Bad != nil {
		e.Errorf("the audit log is not intact: %s", check.Bad.Sentence())
	}
	same(e, "entries verified", check.Entries, int64(entries))
	same(e, "entries from before the chain", check.Before, int64(0))
	return check
}

func entriesChained(e *env) {
	e.append(*e.entry("login.ok", "users/ada"), *e.entry("row.discard", "rows/1"))
	e.append(*e.entry("row.restore", "rows/1"))
	put := e.entry("breaker.force", "breakers/a")
	e.ok(e.b.Records.Put(e.Context(), put, pipeline.Record{Kind: "k", ID: "a", Data: []byte("{}")}), "putting a record with its entry")
	got := e.walked(time.Time{})
	same(e, "entries", len(got), 4)
	last := pipeline.Link{Chain: got[0].Link.Chain}
	for i, x := range got {
		same(e, "result", x.Result, pipeline.ResultOK)
		same(e, "chain", x.Link.Chain, last.Chain)
		same(e, "number", x.Link.Number, int64(i+1))
		same(e, "hash of the entry before", x.Link.Previous, last.Tail())
		last = x.Link
	}
	check := e.verified(4)
	same(e, "head", check.Head.Head(), last.Head())
	same(e, "chains", check.Chains, 1)
}

func entriesWalked(e *env) {
	start := e.now()
	var want []string
	for i := range 210 { // more than any store reads at once
		x := e.entry("redrive.start", "redrives/1")
		x.At = start.Add(time.Duration(i) * time.Second)
		e.append(*x)
		want = append(want, x.ID)
	}
	got := e.walked(time.Time{})
	same(e, "entries", ids(got, entryID), want)
	same(e, "role", got[0].Role, "operator")
	same(e, "entries since", ids(e.walked(start.Add(200*time.Second)), entryID), want[200:])
	for x, err := range e.b.Audit.Walk(e.Context(), time.Time{}) { // who stops early is left alone
		e.ok(err, "walking")
		same(e, "first", x.ID, want[0])
		break
	}
	e.verified(210)
}

func entriesAtOnce(e *env) {
	const writers, each = 8, 10
	processes := e.processes()
	var mu sync.Mutex
	written := map[string]bool{}
	crowd(writers, func(i int) {
		b := processes[i%len(processes)]
		for n := range each {
			x := pipeline.NewEntry(e.Context(), "row.replay", fmt.Sprintf("rows/%d-%d", i, n), "", nil)
			if err := b.Audit.Append(e.Context(), *x); err != nil {
				e.Errorf("appending: %v", err)
			}
			mu.Lock()
			written[x.ID] = true
			mu.Unlock()
		}
	})
	got := e.walked(time.Time{})
	same(e, "entries", len(got), writers*each)
	for _, x := range got {
		if !written[x.ID] {
			e.Errorf("entry %s is there twice, or nobody wrote it", x.ID)
		}
		delete(written, x.ID)
	}
	e.verified(writers * each)
}

func chainGoesOn(e *env) {
	e.append(*e.entry("row.discard", "rows/1"))
	e.b = e.h.Reopen(e.T, e.b)
	e.append(*e.entry("row.restore", "rows/1"))
	e.verified(2)
}

func chainHeads(e *env) {
	heads, err := e.b.Audit.Heads(e.Context())
	e.ok(err, "asking for heads")
	same(e, "heads of an empty log", len(heads), 0)
	e.append(*e.entry("row.discard", "rows/1"))
	e.append(*e.entry("row.restore", "rows/1"))
	heads, err = e.b.Audit.Heads(e.Context())
	e.ok(err, "asking for heads")
	same(e, "heads", len(heads), 1)
	head, err := pipeline.ParseAuditHead(heads[0].Head())
	e.ok(err, "reading a head")
	same(e, "number", head.Number, int64(2))
	e.append(*e.entry("row.discard", "rows/1"))
	e.verified(3, head)
	head.Number = 4
	check, err := pipeline.VerifyAudit(e.Context(), e.b.Audit, e.b.Records, pipeline.AuditBounds{}, head)
	e.ok(err, "verifying")
	if check.Bad == nil {
		e.Error("a head that is not there is not missed")
	}
}
