package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/access"
)

var ofTheProgram = regexp.MustCompile(`\bSELECT\b.*\bFROM\b|sqlite|/var/lib|goroutine \d|\.go:\d|panic:|nil pointer`)

// inside is what an answer tells of the program, which none should. Plain words
// are looked for first: an expression takes long over thousands of pages.
func inside(body []byte) string {
	body = bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("SQLite"), []byte("sqlite")), []byte("SQLITE"), []byte("sqlite"))
	for _, word := range []string{"SELECT", "sqlite", "/var/lib", "goroutine ", ".go:", "panic:", "nil pointer"} {
		if bytes.Contains(body, []byte(word)) {
			return string(ofTheProgram.Find(body))
		}
	}
	return ""
}

// brittle is a store of records that can be away.
type brittle struct {
	pipeline.RecordStore
	away *atomic.Bool
}

func (b brittle) err() error {
	if !b.away.Load() {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the disk under /var/lib/redrive/redrive.db does not read or write",
		Err: errors.New("SELECT data FROM records WHERE kind = ?: sqlite: step: disk I/O error")}
}

func (b brittle) Get(ctx context.Context, kind, id string) (pipeline.Record, error) {
	if err := b.err(); err != nil {
		return pipeline.Record{}, err
	}
	return b.RecordStore.Get(ctx, kind, id)
}

func (b brittle) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	if err := b.err(); err != nil {
		return err
	}
	return b.RecordStore.Put(ctx, entry, records...)
}

// The store that knows who is who goes away while people are at work: nobody gets
// in, old sessions and tokens neither, and no answer says more than that.
func TestTheDoorIsShutWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	f := newFurnished(t, func(p *testProgram) {
		p.wrap = func(b *pipeline.Backend) { b.Records = brittle{RecordStore: b.Records, away: &away} }
	})
	for _, c := range f.guests[1:] {
		f.look(c, http.MethodGet, "/rows").want(http.StatusOK)
	}
	away.Store(true)
	defer away.Store(false)
	f.away = true
	began := time.Now()
	for _, c := range f.guests[1:] { // what was known is a second old at most
		eventually(t, "the store to be missed", func() int { return f.look(c, http.MethodGet, "/api/v1/rows").status }, is(http.StatusServiceUnavailable))
	}
	if took := time.Since(began); took > deadWithin {
		t.Errorf("people were known for %s without the store", took)
	}
	calls, in := 0, 0
	for g, c := range f.guests {
		for n, r := range routesOf(t) {
			if (g+n)%3 != 0 { // each route as some of them
				continue
			}
			a := f.look(c, r.Method, f.at(r.Pattern))
			if calls++; r.Need != access.Nobody && c.role != access.Nobody && a.status != http.StatusServiceUnavailable || r.Need != access.Nobody && a.status/100 == 2 {
				in++
				t.Errorf("%s as %s answered %d without a store", a.call, c.name, a.status)
			}
			if found := inside(a.body); found != "" && r.Pattern != "/static/*" {
				t.Errorf("%s as %s answered %d with %q", a.call, c.name, a.status, found)
			}
		}
	}
	a := f.posts(guest{}, "/login", url.Values{"name": {"admin-1"}, "password": {passphrase}})
	if a.status != http.StatusServiceUnavailable || a.header.Get("Set-Cookie") != "" {
		t.Errorf("signing in answered %d", a.status)
	}
	if in > 0 || calls < 200 {
		t.Errorf("%d calls, %d of them let in", calls, in)
	}
	away.Store(false)
	for _, c := range f.guests[1:] {
		eventually(t, "the door to open again", func() int { return f.look(c, http.MethodGet, "/api/v1/rows").status }, is(http.StatusOK))
	}
}
