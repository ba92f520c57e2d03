package pipeline_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
)

// paper is an audit log as somebody else wrote it. late entries are stored while
// the log is walked for the first time, behind the walk's back.
type paper struct {
	pipeline.AuditLog
	entries []pipeline.Entry
	late    []pipeline.Entry
	walks   int
}

func (p *paper) Walk(_ context.Context, since time.Time) iter.Seq2[pipeline.Entry, error] {
	list := slices.Clone(p.entries)
	if p.walks++; p.walks > 1 {
		list = append(list, p.late...)
	}
	slices.SortStableFunc(list, func(a, b pipeline.Entry) int { return a.At.Compare(b.At) })
	return func(yield func(pipeline.Entry, error) bool) {
		for _, e := range list {
			if !e.At.Before(since) && !yield(e, nil) {
				return
			}
		}
	}
}

// noRecords keeps no heads.
type noRecords struct{ pipeline.RecordStore }

func (noRecords) List(context.Context, string, string, int) (pipeline.Page[pipeline.Record], error) {
	return pipeline.Page[pipeline.Record]{}, nil
}

var paperTime = time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)

// chained makes n entries of a chain, two seconds apart.
func chained(chain string, n int) []pipeline.Entry {
	last := pipeline.Link{Chain: chain}
	list := make([]pipeline.Entry, n)
	for i := range list {
		list[i] = pipeline.Entry{ID: fmt.Sprintf("%s%d", chain, i+1), At: paperTime.Add(time.Duration(i) * 2 * time.Second), Actor: "ada", Action: "row.discard", Result: pipeline.ResultOK}
		list[i].Follow(last)
		last = list[i].Link
	}
	return list
}

// again makes the links of a list anew, from one entry on.
func again(list []pipeline.Entry, from int) []pipeline.Entry {
	for i := from; i < len(list); i++ {
		last := pipeline.Link{Chain: list[i].Link.Chain}
		if i > 0 {
			last = list[i-1].Link
		}
		list[i].Follow(last)
	}
	return list
}

func (p *paper) verify(t *testing.T, bounds pipeline.AuditBounds, heads ...pipeline.AuditHead) pipeline.AuditCheck {
	t.Helper()
	return must(pipeline.VerifyAudit(t.Context(), p, noRecords{}, bounds, heads...))(t)
}

func (p *paper) wants(t *testing.T, sentence string, heads ...pipeline.AuditHead) {
	t.Helper()
	check := p.verify(t, pipeline.AuditBounds{}, heads...)
	switch {
	case sentence == "" && check.Bad != nil:
		t.Errorf("found %s", check.Bad.Sentence())
	case sentence != "" && (check.Bad == nil || !strings.Contains(check.Bad.Sentence(), sentence)):
		t.Errorf("found %+v, want %q", check.Bad, sentence)
	}
}

func TestChainsOfManyProcessesAreVerifiedTogether(t *testing.T) {
	t.Parallel()
	a, b := chained("a", 20), chained("b", 30)
	p := &paper{entries: slices.Concat(a, b)}
	if check := p.verify(t, pipeline.AuditBounds{}); check.Bad != nil || check.Entries != 50 || check.Chains != 2 || check.Head.Head() != b[29].Link.Head() {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
	p.wants(t, "", must(pipeline.ParseAuditHead(a[11].Link.Head()))(t), must(pipeline.ParseAuditHead(b[29].Link.Head()))(t))
	p.wants(t, "entry 31", pipeline.AuditHead{Number: 31, Hash: b[29].Link.Hash})
	p.entries = slices.Concat(a[:5], a[6:], b)
	p.wants(t, "entry 6 (chain a) is missing: the next that is kept is entry 7 (a7, ")
	p.entries = slices.Concat(a, b[:29])
	p.wants(t, "not in the log", must(pipeline.ParseAuditHead(b[29].Link.Head()))(t))
}

// The times of entries are not the order in which they were stored: clocks go
// back, and actions take different times.
func TestTheOrderOfTimesIsNotTheChains(t *testing.T) {
	t.Parallel()
	list := chained("a", 40)
	for i := range list {
		if i%3 == 1 {
			list[i].At = list[i].At.Add(-time.Minute)
		}
	}
	p := &paper{entries: again(list, 0)}
	if check := p.verify(t, pipeline.AuditBounds{}); check.Bad != nil || check.Entries != 40 {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
}

func TestEntriesStoredBehindTheWalksBackAreFound(t *testing.T) {
	t.Parallel()
	list := chained("a", 10)
	p := &paper{entries: slices.Concat(list[:4], list[6:]), late: list[4:6]}
	if check := p.verify(t, pipeline.AuditBounds{}); check.Bad != nil || check.Entries != 10 {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
}

func TestResultsThatCameLater(t *testing.T) {
	t.Parallel()
	list := chained("a", 4)
	for i := range list {
		list[i].Result = ""
	}
	again(list, 0)
	seal := func(i int, result string) {
		list[i].Result = result
		list[i].Link.Seal = list[i].Link.SealWith(result)
	}
	seal(0, "ok")
	again(list, 1) // the second was written after the first had its result, the third not
	seal(1, "nothing was done")
	seal(2, "ok")
	p := &paper{entries: list}
	p.wants(t, "") // the last has none: its process died

	list[2].Result = "refused"
	p.wants(t, "entry 3 (a3, 2026-05-14T03:00:04Z, chain a) was changed")
	seal(2, "ok")
	list[0].Result, list[0].Link.Seal = "", ""
	p.wants(t, "entry 2 (a2, 2026-05-14T03:00:02Z, chain a) does not follow on entry 1")
	seal(0, "refused") // with a seal of its own
	p.wants(t, "does not follow on entry 1")
	seal(0, "ok")
	p.wants(t, "")
	list[3].Result = "ok"
	p.wants(t, "entry 4 (a4, 2026-05-14T03:00:06Z, chain a) was changed")
}

func TestEntriesOfNoChain(t *testing.T) {
	t.Parallel()
	plain := pipeline.Entry{ID: "old", At: paperTime.Add(-time.Hour), Actor: "ada", Result: "ok"}
	p := &paper{entries: append(chained("a", 3), plain)}
	if check := p.verify(t, pipeline.AuditBounds{}); check.Bad != nil || check.Before != 1 || check.Entries != 4 {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
	plain.At = paperTime.Add(time.Second)
	p.entries = append(chained("a", 3), plain)
	p.wants(t, "an entry without a number (old, 2026-05-14T03:00:01Z) is part of no chain")
	twice := chained("a", 3)
	forged := twice[1]
	forged.ID, forged.At = "forged", paperTime.Add(3*time.Second)
	forged.Follow(twice[0].Link)
	p.entries = append(twice, forged)
	p.wants(t, "entry 2 (forged, 2026-05-14T03:00:03Z, chain a) is out of order: another entry has its number")
}

func TestVerifyingIsBounded(t *testing.T) {
	t.Parallel()
	p := &paper{entries: chained("a", 100)}
	check := p.verify(t, pipeline.AuditBounds{Entries: 50})
	if check.Bad != nil || !check.Partial || check.Entries != 50 {
		t.Errorf("%+v", check)
	}
	if check := p.verify(t, pipeline.AuditBounds{For: time.Nanosecond}); !check.Partial || check.Bad != nil {
		t.Errorf("%+v", check)
	}
	if check := p.verify(t, pipeline.AuditBounds{Entries: 1000, For: time.Hour}); check.Partial || check.Entries != 100 {
		t.Errorf("%+v", check)
	}
	p.entries = chained("a", 12_000)[1:] // all the others wait for the first, and that must end
	if check := p.verify(t, pipeline.AuditBounds{}); check.Bad == nil || check.Bad.Number != 1 || check.Entries > 11_000 {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
}

func TestHeadsAreReadAsTheyAreLogged(t *testing.T) {
	t.Parallel()
	link := chained("", 1)[0].Link
	if h, err := pipeline.ParseAuditHead(" " + strings.ToUpper(link.Head()) + "\n"); err != nil || h != (pipeline.AuditHead{Number: 1, Hash: link.Hash}) {
		t.Errorf("%+v, %v", h, err)
	}
	for _, text := range []string{"", "1", "1:", ":" + link.Hash, "0:" + link.Hash, "x:" + link.Hash, "1:" + link.Hash[1:], "1:g" + link.Hash[1:], "1:" + link.Hash + "0"} {
		if _, err := pipeline.ParseAuditHead(text); err == nil {
			t.Errorf("%q is taken for a head", text)
		}
	}
}
