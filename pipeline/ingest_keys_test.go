package pipeline_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline"
)

// keyed is the diamond with two keys, and a pipeline beside it with one.
func keyed(w *world) pipeline.Config {
	c := diamond(w)
	c.Pipelines = append(c.Pipelines, pipeline.Pipeline{Name: "q", Steps: []pipeline.Step{w.step("a")}}, pipeline.Pipeline{Name: "free", Steps: []pipeline.Step{w.step("a")}})
	for _, k := range [][3]string{{"old", "p", "key-1"}, {"new", "p", "key-2"}, {"shop", "q", "key-3"}} {
		c.IngestKeys = append(c.IngestKeys, pipeline.IngestKey{Name: k[0], Pipeline: k[1], SHA256: sha256.Sum256([]byte(k[2]))})
	}
	return c
}

func TestIngestKeysOpenTheirPipelineAlone(t *testing.T) {
	newWorld(t, keyed, func(t *testing.T, w *world) {
		keys := w.engine.IngestKeys
		for _, c := range []struct {
			pipeline, key string
			opens         bool
		}{
			{"p", "key-1", true}, {"p", "key-2", true}, {"q", "key-3", true},
			{"p", "key-3", false}, {"q", "key-1", false}, {"q", "key-2", false}, {"free", "key-1", false},
			{"p", "", false}, {"p", "key-1 ", false}, {"p", "KEY-1", false}, {"", "key-1", false},
			{"p", fmt.Sprintf("%x", sha256.Sum256([]byte("key-1"))), false}, // who reads the configuration has no key
		} {
			if got := keys.Opens(c.pipeline, c.key); got != c.opens {
				t.Errorf("%q at %q: %v, want %v", c.key, c.pipeline, got, c.opens)
			}
		}
		for name, asked := range map[string]bool{"p": true, "q": true, "free": false, "none": false} {
			if got := keys.Asked(name); got != asked {
				t.Errorf("%s asks for a key: %v, want %v", name, got, asked)
			}
		}
	})
}

func TestIngestKeysTellWhenTheyWereLastUsed(t *testing.T) {
	newWorld(t, keyed, func(t *testing.T, w *world) {
		list := func() []pipeline.IngestKeyView {
			t.Helper()
			views, err := w.engine.IngestKeys.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return views
		}
		never := []pipeline.IngestKeyView{{Name: "old", Pipeline: "p"}, {Name: "new", Pipeline: "p"}, {Name: "shop", Pipeline: "q"}}
		for i, key := range []string{"key-1", "key-2", "key-3"} {
			never[i].Prefix = fmt.Sprintf("%x", sha256.Sum256([]byte(key)))[:8]
		}
		if got := list(); !reflect.DeepEqual(got, never) {
			t.Errorf("at first %+v, want %+v", got, never)
		}
		w.pass(90 * time.Second)
		used := time.Now()
		w.engine.IngestKeys.Opens("p", "key-2")
		w.engine.IngestKeys.Opens("p", "key-3") // is refused there, so it was not used
		want := never
		want[1].LastUsedAt = used.UTC().Truncate(time.Millisecond)
		if got := list(); !reflect.DeepEqual(got, want) {
			t.Errorf("at once %+v, want %+v", got, want)
		}
		w.restart(func(w *world) pipeline.Config { // the last uses are stored at the end; a new name changes nothing
			c := keyed(w)
			c.IngestKeys[1].Name = "renamed"
			return c
		})
		want[1].Name = "renamed"
		if got := list(); !reflect.DeepEqual(got, want) {
			t.Errorf("after a restart %+v, want %+v", got, want)
		}
	})
}

// noteStore counts the writes that say when keys were used.
type noteStore struct {
	pipeline.RecordStore
	writes, records atomic.Int64
	fail            atomic.Bool
}

func (s *noteStore) Put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	if len(records) > 0 && records[0].Kind == "ingest-key" {
		if s.fail.Load() {
			return errors.New("away")
		}
		s.writes.Add(1)
		s.records.Add(int64(len(records)))
	}
	return s.RecordStore.Put(ctx, entry, records...)
}

func TestIngestKeysAreNotedOnceAMinute(t *testing.T) {
	var notes *noteStore
	newWorld(t, func(w *world) pipeline.Config {
		w.wrap = func(b pipeline.Backend) pipeline.Backend {
			notes = &noteStore{RecordStore: b.Records}
			b.Records = notes
			return b
		}
		return keyed(w)
	}, func(t *testing.T, w *world) {
		use := func(d time.Duration, keys ...string) {
			for end := time.Now().Add(d); time.Now().Before(end); w.pass(time.Second) {
				for _, key := range keys {
					w.engine.IngestKeys.Opens("p", key)
				}
			}
		}
		use(5*time.Minute, "key-1", "key-2")
		if n, r := notes.writes.Load(), notes.records.Load(); n > 5 || n < 4 || r != 2*n {
			t.Errorf("300 uses of two keys in five minutes were %d writes of %d records", n, r)
		}
		w.pass(2 * time.Minute)
		before := notes.writes.Load()
		w.pass(5 * time.Minute)
		if n := notes.writes.Load(); n != before {
			t.Errorf("five minutes without a use was %d writes", n-before)
		}
		notes.fail.Store(true)
		use(time.Minute, "key-1")
		notes.fail.Store(false)
		w.pass(2 * time.Minute)
		if n := notes.writes.Load(); n != before+1 {
			t.Errorf("what could not be written was written %d times later, want once", n-before)
		}
	})
}
