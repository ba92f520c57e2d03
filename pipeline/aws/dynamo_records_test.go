package aws

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

func TestARecordIsOneRequest(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r := s.records(time.Minute)
	for _, c := range []struct {
		doing string
		rec   pipeline.Record
	}{
		{"a new record", doc("sweep", "1", 0, "a")},
		{"another state of it", doc("sweep", "1", 1, "b")},
		{"a sign of life", doc("instance", "1", pipeline.AnyVersion, "a")},
		{"the next one", doc("instance", "1", pipeline.AnyVersion, "b")},
		{"leaving", gone("instance", "1", pipeline.AnyVersion)},
	} {
		s.ok(r.Put(t.Context(), nil, c.rec))
		s.requests(1, c.doing)
	}
	s.has("sweep", "1", "b")
	s.has("instance", "1", "")
}

func TestARefusedPutWritesNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r := s.records(time.Minute)
	s.ok(r.Put(t.Context(), nil, doc("k", "a", 0, "old")))
	s.proxy.Forget()
	s.want(r.Put(t.Context(), entryFor(t.Context()), doc("k", "b", 0, "new"), doc("k", "a", 0, "new"), doc("k", "c", pipeline.AnyVersion, "new")), pipeline.ErrVersion)
	s.requests(1, "looking at the versions")
	if got := s.results(); got != nil {
		t.Errorf("entries %q", got)
	}
}

// The SDK tries again, and the condition no longer holds.
func TestAWriteWhoseAnswerIsLostIsOnesOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action string
		before []pipeline.Record
		put    pipeline.Record
		data   string
	}{
		"new":         {"PutItem", nil, doc("k", "a", 0, "new"), "new"},
		"changed":     {"PutItem", []pipeline.Record{doc("k", "a", 0, "old")}, doc("k", "a", 1, "new"), "new"},
		"emptied":     {"PutItem", []pipeline.Record{doc("k", "a", 0, "old")}, gone("k", "a", 1), ""},
		"deleted":     {"DeleteItem", []pipeline.Record{doc("k", "a", 0, "old")}, gone("k", "a", 1), ""},
		"overwritten": {"UpdateItem", []pipeline.Record{doc("k", "a", 0, "old")}, doc("k", "a", pipeline.AnyVersion, "new"), "new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.ok(s.other.Put(t.Context(), nil, c.before...))
			fault := s.proxy.Inject(awstest.Fault{Action: c.action, Nth: 1, Do: awstest.LostAnswer()})
			s.ok(s.records(time.Minute).Put(t.Context(), nil, c.put))
			if fault.Harmed() != 1 {
				t.Fatal("no answer was lost")
			}
			s.has("k", "a", c.data)
			s.ok(s.other.Put(t.Context(), nil, doc("k", "a", pipeline.AnyVersion, "next")))
		})
	}
}

func TestAnotherProcessesWriteIsNotTakenForOnesOwn(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.proxy.Inject(awstest.Fault{Action: "PutItem", Nth: 1, Do: before(func() { s.ok(s.other.Put(t.Context(), nil, doc("k", "a", 0, "theirs"))) })})
	s.want(s.records(time.Minute).Put(t.Context(), nil, doc("k", "a", 0, "ours")), pipeline.ErrVersion)
	s.has("k", "a", "theirs")
}

func TestWhatWasWrittenBeforeARefusalIsPutBack(t *testing.T) {
	t.Parallel()
	past := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		before []pipeline.Record
		first  pipeline.Record
		data   string
		seen   int64 // least version afterwards
	}{
		"changed":             {[]pipeline.Record{doc("k", "a", 0, "old")}, doc("k", "a", 1, "new"), "old", 3},
		"new":                 {nil, doc("k", "a", 0, "new"), "", 0},
		"deleted":             {[]pipeline.Record{doc("k", "a", 0, "old")}, gone("k", "a", 1), "old", 3},
		"new over an expired": {[]pipeline.Record{{Kind: "k", ID: "a", Data: []byte("old"), ExpiresAt: past}}, doc("k", "a", 0, "new"), "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.ok(s.other.Put(t.Context(), nil, c.before...))
			second := s.proxy.Inject(awstest.Fault{Action: "PutItem", Nth: 3, // after the entry and the first record
				Do: before(func() { s.ok(s.other.Put(t.Context(), nil, doc("k", "b", 0, "theirs"))) })})
			entry := entryFor(t.Context())
			r := s.records(time.Minute)
			s.want(r.Put(t.Context(), entry, c.first, doc("k", "b", 0, "ours"), doc("k", "c", pipeline.AnyVersion, "ours")), pipeline.ErrVersion)
			if second.Harmed() != 1 {
				t.Fatal("nobody came between")
			}
			if version := s.has("k", "a", c.data); version < c.seen {
				t.Errorf("the version is %d: somebody may have read another record under it", version)
			}
			s.has("k", "b", "theirs")
			s.has("k", "c", "")
			if got := s.results(); !slices.Equal(got, []string{undoneByOther}) {
				t.Errorf("the entry says %q", got)
			}
			s.ok(r.Put(t.Context(), entry, doc("k", "b", 1, "ours after all")))
			if got := s.results(); !slices.Equal(slices.Sorted(slices.Values(got)), []string{undoneByOther, "ok"}) {
				t.Errorf("the entries of what was done in the end say %q", got)
			}
			s.intact(2)
		})
	}
}

func TestACallerWhoGivesUpLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.proxy.Inject(awstest.Fault{Action: "PutItem", Nth: 2, Do: before(cancel)})
	s.ok(s.records(time.Minute).Put(ctx, entryFor(ctx), doc("k", "a", 0, "new"), doc("k", "b", 0, "new")))
	s.has("k", "a", "new")
	s.has("k", "b", "new")
	if got := s.results(); !slices.Equal(got, []string{"ok"}) {
		t.Errorf("the entry says %q", got)
	}
}

func TestAnEntrySaysWhenItsEffectFailed(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r, entry := s.records(time.Minute), entryFor(t.Context())
	fault := s.proxy.Inject(awstest.Fault{Action: "PutItem", Nth: 2, Do: awstest.Denied()})
	s.want(r.Put(t.Context(), entry, doc("k", "a", 0, "new")), pipeline.ErrUnavailable)
	if got := s.results(); !slices.Equal(got, []string{undoneByFailure}) {
		t.Errorf("the entry says %q", got)
	}
	fault.Remove()
	s.ok(r.Put(t.Context(), entry, doc("k", "a", 0, "new")))
	if got := s.results(); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"ok", undoneByFailure}) {
		t.Errorf("the entries of a repeat say %q", got)
	}
	s.intact(2)
}

func TestLongDocumentsArePacked(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r := s.records(time.Minute)
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = pipeline.NewID() + "/deliver"
	}
	data := strings.Join(ids, ",")
	entry := entryFor(t.Context())
	entry.Detail = []byte(data)
	s.ok(r.Put(t.Context(), entry, doc("operation", "a", 0, data)))
	rec, err := r.Get(t.Context(), "operation", "a")
	s.ok(err)
	page, err := s.audit.List(t.Context(), pipeline.AuditFilter{})
	s.ok(err)
	if string(rec.Data) != data || string(page.Items[0].Detail) != data {
		t.Error("a long document is not read as it was written")
	}
	err = r.Put(t.Context(), entryFor(t.Context()), doc("operation", "b", 0, "x"), doc("operation", "c", 0, strings.Repeat(data, 4)))
	if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Code != pipeline.CodeTooLarge {
		t.Errorf("what does not fit answers %v", err)
	}
	s.has("operation", "b", "")
	if got := s.results(); len(got) != 1 {
		t.Errorf("what does not fit left an entry: %q", got)
	}
}

func TestNamesThatFitNoKeyAreNobodys(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	r, long := s.records(time.Minute), strings.Repeat("x", 2000)
	for _, kind := range []string{"k", "breaker", long} {
		_, err := r.Get(t.Context(), kind, long)
		s.want(err, pipeline.ErrNotFound)
		_, err = r.List(t.Context(), kind, long, 10)
		s.want(err, pipeline.ErrInvalid)
	}
	for _, id := range []string{"", "#", "a#b", "\x00", "漢字"} {
		for _, kind := range []string{"", "k#", "breaker"} {
			s.ok(r.Put(t.Context(), nil, doc(kind, id, 0, "x")))
			rec, err := r.Get(t.Context(), kind, id)
			s.ok(err)
			if rec.Kind != kind || rec.ID != id {
				t.Errorf("%q %q is read as %q %q", kind, id, rec.Kind, rec.ID)
			}
		}
	}
}
