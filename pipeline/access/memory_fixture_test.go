package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redrive/pipeline"
)

// memory is a store that is there and then is not.
type memory struct {
	mu      sync.Mutex
	records map[string]pipeline.Record
	entries []pipeline.Entry
	away    bool
	gets    int
}

var errAway = errors.New("away")

func (m *memory) Get(_ context.Context, kind, id string) (pipeline.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if m.away {
		return pipeline.Record{}, errAway
	}
	rec, ok := m.records[kind+"/"+id]
	if !ok || !rec.ExpiresAt.IsZero() && !time.Now().Before(rec.ExpiresAt) {
		return pipeline.Record{}, pipeline.ErrNotFound
	}
	return rec, nil
}

func (m *memory) List(_ context.Context, kind, cursor string, limit int) (page pipeline.Page[pipeline.Record], err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return page, errAway
	}
	for _, rec := range m.records {
		if rec.Kind == kind && (cursor == "" || rec.ID < cursor) {
			page.Items = append(page.Items, rec)
		}
	}
	slices.SortFunc(page.Items, func(a, b pipeline.Record) int { return strings.Compare(b.ID, a.ID) })
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.Next = page.Items[limit-1].ID
	}
	return page, nil
}

func (m *memory) Put(_ context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errAway
	}
	for _, rec := range records {
		if have := m.records[rec.Kind+"/"+rec.ID].Version; rec.Version != pipeline.AnyVersion && rec.Version != have {
			return pipeline.ErrVersion
		}
	}
	for _, rec := range records {
		key := rec.Kind + "/" + rec.ID
		rec.Version = m.records[key].Version + 1
		if rec.Data == nil {
			delete(m.records, key)
			continue
		}
		m.records[key] = rec
	}
	if entry != nil {
		m.entries = append(m.entries, *entry)
	}
	return nil
}

func (m *memory) Append(_ context.Context, entries ...pipeline.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, entries...)
	return nil
}

// last is the newest entry of the audit.
func (m *memory) last(t *testing.T) pipeline.Entry {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) == 0 {
		t.Fatal("the audit is empty")
	}
	return m.entries[len(m.entries)-1]
}

func newTest(t *testing.T) (*Service, *memory) {
	t.Helper()
	m := &memory{records: map[string]pipeline.Record{}}
	return reopened(t, m), m
}

// reopened is another process on the same store.
func reopened(t *testing.T, m *memory) *Service {
	t.Helper()
	s, err := New(Config{Records: m, Audit: m})
	if err != nil {
		t.Fatal(err)
	}
	cheap := passwordCost // 46 MiB for each of many users would be most of these tests
	cheap.Memory = 64
	if s.passwords, err = newPasswords(cheap); err != nil {
		t.Fatal(err)
	}
	return s
}

const right = "correct horse battery staple"

func (s *Service) mustAdd(t *testing.T, name string, role Role) {
	t.Helper()
	if _, _, err := s.AddUser(t.Context(), NewUser{Name: name, Password: right, Role: role}); err != nil {
		t.Fatal(err)
	}
}

func (s *Service) mustSignIn(t *testing.T, name string) SignedIn {
	t.Helper()
	in, err := s.SignIn(t.Context(), name, right, Client{Address: "10.1.1.1", Agent: "a browser"})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// knows tells as whom a session is known.
func (s *Service) knows(t *testing.T, token string) string {
	t.Helper()
	id, err := s.Session(t.Context(), token, true)
	if errors.Is(err, ErrUnknown) {
		return "nobody"
	}
	if err != nil {
		t.Fatal(err)
	}
	return id.Name + " " + string(id.Role)
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func code(err error) pipeline.Code {
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		return e.Code
	}
	return ""
}
