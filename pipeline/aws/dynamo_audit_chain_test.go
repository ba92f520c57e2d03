package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// appended writes n entries in this process, a moment apart, and answers their
// keys, oldest first.
func (s *stand) appended(n int) (keys []string) {
	s.Helper()
	for i := range n {
		e := entryFor(s.Context())
		e.At = e.At.Add(time.Duration(i) * time.Second)
		s.ok(s.audit.Append(s.Context(), *e))
		keys = append(keys, auditKey(e))
	}
	return keys
}

// broken verifies the log, which must have something wrong with this entry.
func (s *stand) broken(number int64, what string, heads ...pipeline.AuditHead) {
	s.Helper()
	check, err := pipeline.VerifyAudit(s.Context(), s.audit, s.other, pipeline.AuditBounds{}, heads...)
	s.ok(err)
	if check.Bad == nil || check.Bad.Number != number || !strings.HasPrefix(check.Bad.What, what) {
		s.Errorf("found %+v, want entry %d that %s", check.Bad, number, what)
	}
}

func TestTamperingWithItemsOfTheAuditIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(s *stand, keys []string) error
		number int64
		what   string
	}{
		"edit": {func(s *stand, keys []string) error {
			_, err := s.table.update(s.Context(), auditPK, keys[2], "SET actor = :a", condition{values: item{":a": str("bob")}})
			return err
		}, 3, "was changed"},
		"edit the result": {func(s *stand, keys []string) error {
			_, err := s.table.update(s.Context(), auditPK, keys[2], "SET #r = :a", condition{names: map[string]string{"#r": auditResult}, values: item{":a": str("refused")}})
			return err
		}, 3, "was changed"},
		"give a seal": {func(s *stand, keys []string) error {
			it, err := s.table.get(s.Context(), auditPK, keys[2], true)
			s.ok(err)
			it[auditResult], it[auditSeal] = str("refused"), str(linkOf(it).SealWith("refused"))
			return s.table.put(s.Context(), it)
		}, 3, "was changed"},
		"delete":           {func(s *stand, keys []string) error { return s.table.delete(s.Context(), auditPK, keys[3]) }, 4, "is missing"},
		"delete the first": {func(s *stand, keys []string) error { return s.table.delete(s.Context(), auditPK, keys[0]) }, 1, "is missing"},
		"swap two": {func(s *stand, keys []string) error {
			one, err := s.table.get(s.Context(), auditPK, keys[1], true)
			s.ok(err)
			other, err := s.table.get(s.Context(), auditPK, keys[4], true)
			s.ok(err)
			one[attrSK], other[attrSK], one["at"], other["at"] = other[attrSK], one[attrSK], other["at"], one["at"]
			s.ok(s.table.put(s.Context(), one))
			return s.table.put(s.Context(), other)
		}, 5, "was changed"},
		"insert": {func(s *stand, keys []string) error {
			it, err := s.table.get(s.Context(), auditPK, keys[4], true)
			s.ok(err)
			e, err := entryOf(it)
			s.ok(err)
			e.ID, e.Actor = pipeline.NewID(), "bob"
			e.Follow(pipeline.Link{Chain: e.Link.Chain, Number: 4, Hash: e.Link.Previous})
			it, err = entryItem(&e)
			s.ok(err)
			return s.table.put(s.Context(), it)
		}, 5, "is out of order"},
		"insert without a chain": {func(s *stand, keys []string) error {
			e := entryFor(s.Context())
			e.At = e.At.Add(time.Minute)
			it, err := entryItem(e)
			s.ok(err)
			delete(it, auditNumber)
			return s.table.put(s.Context(), it)
		}, 0, "is part of no chain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			keys := s.appended(6)
			s.intact(6)
			s.ok(c.tamper(s, keys))
			if name == "insert" { // either of the two that have one number
				check, err := pipeline.VerifyAudit(t.Context(), s.audit, s.other, pipeline.AuditBounds{})
				s.ok(err)
				if check.Bad == nil {
					t.Error("nothing is found")
				}
				return
			}
			s.broken(c.number, c.what)
		})
	}
}

func TestACutTailOfAChainIsFoundByItsHead(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	keys := s.appended(4)
	links, err := s.audit.Heads(t.Context())
	s.ok(err)
	head, err := pipeline.ParseAuditHead(links[0].Head())
	s.ok(err)
	for _, key := range keys[2:] {
		s.ok(s.table.delete(t.Context(), auditPK, key))
	}
	s.intact(2)
	s.broken(4, "of the head", head)
	s.ok(s.other.Put(t.Context(), nil, pipeline.Record{Kind: "audit-head", ID: links[0].Chain, Version: pipeline.AnyVersion,
		Data: fmt.Appendf(nil, `{"chain":%q,"number":%d,"hash":%q}`, links[0].Chain, head.Number, head.Hash)}))
	s.broken(3, "is missing: the log was cut off at its end")
}

// Each process has a chain; a clock that went back in one of them breaks nothing.
func TestProcessesWriteChainsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	second := newAuditLog(s.table)
	for i := range 12 {
		log, e := s.audit, entryFor(t.Context())
		if i%3 == 0 {
			log = second
		}
		if i > 6 {
			e.At = e.At.Add(-time.Hour)
		}
		s.ok(log.Append(t.Context(), *e))
	}
	check, err := pipeline.VerifyAudit(t.Context(), s.audit, s.other, pipeline.AuditBounds{})
	s.ok(err)
	if check.Bad != nil || check.Chains != 2 || check.Entries != 12 {
		t.Errorf("%+v, %+v", check, check.Bad)
	}
}

// An entry whose process died before its effect was known has no result, and the
// chain holds all the same.
func TestAnEntryWithoutAResult(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	e := entryFor(t.Context())
	first, err := s.audit.announce(t.Context(), e)
	s.ok(err)
	s.appended(2)
	if got := s.results(); !slices.Contains(got, "") {
		t.Errorf("the entries say %q", got)
	}
	s.intact(3)
	again, err := s.audit.announce(t.Context(), e) // its caller tries again
	s.ok(err)
	if again.link != first.link {
		t.Error("a second try is another entry although nothing is known of the first")
	}
	s.audit.seal(t.Context(), again, pipeline.ResultOK)
	s.audit.seal(t.Context(), again, undoneByOther) // once
	if got := s.results(); slices.Contains(got, "") || slices.Contains(got, undoneByOther) {
		t.Errorf("the entries say %q", got)
	}
	s.intact(3)
}

// The next entry vouches for the result of the one before, too.
func TestAResultWithASealOfItsOwnBreaksTheNext(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r := s.records(time.Minute)
	e := entryFor(t.Context())
	s.ok(r.Put(t.Context(), e, doc("k", "a", 0, "new")))
	s.ok(r.Put(t.Context(), entryFor(t.Context()), doc("k", "b", 0, "new")))
	s.intact(2)
	it, err := s.table.get(t.Context(), auditPK, auditKey(e), true)
	s.ok(err)
	if it.str(auditResult) != pipeline.ResultOK || it.str(auditSeal) == "" {
		t.Fatalf("the entry is %v", it)
	}
	it[auditResult], it[auditSeal] = str(undoneByOther), str(linkOf(it).SealWith(undoneByOther))
	s.ok(s.table.put(t.Context(), it))
	s.broken(2, "does not follow on entry 1")
}

// Where nobody knows whether an entry was written, the next begins a new chain,
// so that no number is missing or there twice.
func TestAnUncertainEntryEndsItsChain(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]awstest.Harm{"it was written": awstest.LostAnswer(), "it was not": awstest.Denied()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.appended(2)
			fault := s.proxy.Inject(awstest.Fault{Action: "PutItem", Do: harm})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := s.audit.Append(ctx, *entryFor(t.Context()))
			fault.Remove()
			s.appended(2)
			check, verifyErr := pipeline.VerifyAudit(t.Context(), s.audit, s.other, pipeline.AuditBounds{})
			s.ok(verifyErr)
			if check.Bad != nil {
				t.Errorf("broken: %s", check.Bad.Sentence())
			}
			if want := int64(4); err != nil && name == "it was not" && (check.Entries != want || check.Chains != 2) {
				t.Errorf("%d entries in %d chains, %v", check.Entries, check.Chains, err)
			}
		})
	}
}
