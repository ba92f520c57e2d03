package aws

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// entries writes n entries, a minute apart in their own times, the last one now.
func (s *stand) entries(n int, change func(i int, e *pipeline.Entry)) (ids []string) {
	s.Helper()
	return s.entriesUntil(time.Now().UTC(), n, change)
}

func (s *stand) entriesUntil(now time.Time, n int, change func(i int, e *pipeline.Entry)) (ids []string) {
	s.Helper()
	var writes []write
	prefix := pipeline.NewID()[:10]
	for i := range n {
		e := entryFor(s.Context())
		e.ID = fmt.Sprintf("%s%016d", prefix, i)
		e.At = now.Add(-time.Duration(n-1-i) * time.Minute)
		change(i, e)
		it, err := entryItem(e)
		s.ok(err)
		writes, ids = append(writes, write{put: it}), append(ids, e.ID)
	}
	s.ok(s.table.writeMany(s.Context(), writes))
	s.proxy.Forget()
	return ids
}

func TestAnEntryWhoseAnswerIsLostIsThereOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.proxy.Inject(awstest.Fault{Action: "PutItem", Nth: 1, Do: awstest.LostAnswer()})
	s.ok(s.audit.Append(t.Context(), *entryFor(t.Context())))
	if got := s.results(); !slices.Equal(got, []string{"ok"}) {
		t.Errorf("entries %q", got)
	}
}

// Ids of one millisecond are in no order, entries are by their times.
func TestEntriesAreSortedByTheirTime(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for i := range 20 {
		e := entryFor(t.Context())
		e.At, e.Result = e.At.Add(time.Duration(i)*time.Second), fmt.Sprint(i)
		s.ok(s.audit.Append(t.Context(), *e))
	}
	results := s.results()
	for i, r := range results {
		if r != fmt.Sprint(19-i) {
			t.Fatalf("the order is %v", results)
		}
	}
}

func TestAPageOfEntriesIsOneRequest(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.entries(120, func(int, *pipeline.Entry) {})
	page, err := s.audit.List(t.Context(), pipeline.AuditFilter{Limit: 50})
	s.ok(err)
	if len(page.Items) != 50 || page.Next == "" {
		t.Errorf("a page of %d entries, next %q", len(page.Items), page.Next)
	}
	s.requests(1, "a page")
}

// Entries of another time than is asked for are not looked through.
func TestEntriesOfATimeAreReadAlone(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	now := time.Now().UTC()
	ids := s.entriesUntil(now, 1000, func(int, *pipeline.Entry) {})
	for _, c := range []struct {
		name string
		f    pipeline.AuditFilter
		want []string
	}{
		{"newest", pipeline.AuditFilter{Since: now.Add(-150 * time.Second), Actor: pipeline.Program}, []string{ids[999], ids[998], ids[997]}},
		{"oldest", pipeline.AuditFilter{Until: now.Add(-997*time.Minute - 30*time.Second), Actor: pipeline.Program}, []string{ids[1], ids[0]}},
		{"between", pipeline.AuditFilter{Since: now.Add(-500*time.Minute - 30*time.Second), Until: now.Add(-499*time.Minute - 30*time.Second)}, []string{ids[499]}},
		{"none", pipeline.AuditFilter{Since: now, Until: now.Add(-time.Hour)}, nil},
	} {
		page, err := s.audit.List(t.Context(), c.f)
		s.ok(err)
		var found []string
		for _, e := range page.Items {
			found = append(found, e.ID)
		}
		if !slices.Equal(found, c.want) || page.Next != "" {
			t.Errorf("%s: found %q, next %q, want %q", c.name, found, page.Next, c.want)
		}
	}
	if n := s.proxy.Count(""); n > 3 {
		t.Errorf("it takes %d requests", n)
	}
}

// A cursor of one search may be given to another.
func TestACursorOutsideOfTheTimeAskedFor(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.entries(100, func(int, *pipeline.Entry) {})
	page, err := s.audit.List(t.Context(), pipeline.AuditFilter{Limit: 50})
	s.ok(err)
	for _, f := range []pipeline.AuditFilter{
		{Cursor: page.Next, Since: time.Now().Add(-10 * time.Minute)},
		{Cursor: page.Next, Until: time.Now().Add(-90*time.Minute + 30*time.Second)},
	} {
		page, err := s.audit.List(t.Context(), f)
		s.ok(err)
		if want := 10; f.Until.IsZero() && len(page.Items) != 0 || !f.Until.IsZero() && len(page.Items) != want {
			t.Errorf("found %d entries", len(page.Items))
		}
	}
}

func TestALongSearchOfEntriesComesInParts(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	ids := s.entries(auditMost+500, func(i int, e *pipeline.Entry) {
		if i < 3 {
			e.Actor = "ada"
		}
	})
	var found []string
	var parts int
	for f := (pipeline.AuditFilter{Actor: "ada", Limit: 2}); ; parts++ {
		page, err := s.audit.List(t.Context(), f)
		s.ok(err)
		for _, e := range page.Items {
			found = append(found, e.ID)
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	if want := []string{ids[2], ids[1], ids[0]}; !slices.Equal(found, want) || parts < 2 {
		t.Errorf("found %q in %d parts, want %q", found, parts+1, want)
	}
}
