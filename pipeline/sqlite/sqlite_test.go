package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/sqlite"
)

// openAt opens a store that is closed with the test.
func openAt(t *testing.T, cfg sqlite.Config) (*sqlite.DB, pipeline.Backend) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, db.Backend()
}

func open(t *testing.T) (*sqlite.DB, pipeline.Backend) {
	t.Helper()
	return openAt(t, sqlite.Config{Path: t.TempDir()})
}

func insert(t *testing.T, b pipeline.Backend, rows ...pipeline.NewRow) []string {
	t.Helper()
	got, err := b.Rows.Insert(t.Context(), rows...)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(got))
	for i := range got {
		ids[i] = got[i].ID
	}
	return ids
}

// receive takes up to n, without waiting.
func receive(t *testing.T, b pipeline.Backend, step string, n int) []pipeline.Delivery {
	t.Helper()
	ds, err := b.Work.Receive(t.Context(), pipeline.ReceiveRequest{Pipeline: "chain", Step: step, N: n, Hide: time.Minute, Worker: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func settle(t *testing.T, b pipeline.Backend, outcomes ...pipeline.Outcome) {
	t.Helper()
	errs, err := b.Work.Settle(t.Context(), outcomes...)
	if err = errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
}

func verify(t *testing.T, db *sqlite.DB) {
	t.Helper()
	if err := db.Verify(t.Context()); err != nil {
		t.Errorf("counters: %v", err)
	}
}

// refused checks that opening fails with one sentence that holds all words.
func refused(t *testing.T, path string, words ...string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err == nil {
		t.Fatal("opened", db.Close())
	}
	if !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("%v is not CodeUnavailable", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than a line", err)
	}
}

func TestFilesBelongToTheirOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	_, b := openAt(t, sqlite.Config{Path: dir})
	insert(t, b, chainRow(t, nil))
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, ierr := d.Info()
		if ierr == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return errors.Join(err, ierr)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestASecondProcessIsTurnedAway(t *testing.T) {
	dir := t.TempDir()
	openAt(t, sqlite.Config{Path: dir})
	refused(t, dir, sqlite.FileName+" is in use by another process (pid ")
}

func TestACloseGivesTheFileFree(t *testing.T) {
	dir := t.TempDir()
	db, b := openAt(t, sqlite.Config{Path: dir})
	id := insert(t, b, chainRow(t, []byte("x")))[0]
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, sqlite.FileName+"-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
	_, b = openAt(t, sqlite.Config{Path: dir})
	if _, err := b.Rows.Get(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestReadingBesideAServer(t *testing.T) {
	dir := t.TempDir()
	_, b := openAt(t, sqlite.Config{Path: dir})
	first := insert(t, b, chainRow(t, []byte("first")))[0]
	reader, err := sqlite.OpenReadOnly(t.Context(), sqlite.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	other := chainRow(t, []byte("second"))
	other.Pipeline = "new"
	second := insert(t, b, other)[0]
	for id, want := range map[string]string{first: "chain first", second: "new second"} {
		d, err := reader.Backend().Rows.Get(t.Context(), id)
		if got := d.Pipeline + " " + string(d.Payload); err != nil || got != want || len(d.Steps) != 1 || d.Steps[0].Name != "validate" {
			t.Errorf("got %q %v, %v", got, d.Steps, err)
		}
	}
	if _, err := reader.Backend().Rows.Insert(t.Context(), chainRow(t, nil)); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("a write answers %v", err)
	}
	if _, err := sqlite.OpenReadOnly(t.Context(), sqlite.Config{Path: t.TempDir()}); !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("reading where nothing is answers %v", err)
	}
}

func TestABackoffOfHoursTakesNoTimeInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, b := open(t)
		insert(t, b, chainRow(t, nil))
		d := receive(t, b, "validate", 1)[0]
		at := time.Now().Add(3 * time.Hour)
		settle(t, b, pipeline.Outcome{Delivery: d, Verdict: pipeline.Retry, RetryAt: at, Attempt: pipeline.Attempt{Number: 1, Error: "503"}})
		ds, err := b.Work.Receive(t.Context(), pipeline.ReceiveRequest{Pipeline: "chain", Step: "validate", N: 5, Hide: time.Second, Wait: 4 * time.Hour})
		if err != nil || len(ds) != 1 || time.Since(at) != 0 {
			t.Errorf("received %d at %v after the time, %v", len(ds), time.Since(at), err)
		}
		verify(t, db)
	})
}

func TestAReceiverThatLeavesGivesBackWhatItWasGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, b := open(t)
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan []pipeline.Delivery)
			go func() {
				ds, _ := b.Work.Receive(ctx, pipeline.ReceiveRequest{Pipeline: "chain", Step: "validate", N: 1, Hide: time.Hour, Wait: time.Hour})
				done <- ds
			}()
			synctest.Wait()
			go cancel()
			insert(t, b, chainRow(t, nil))
			ds := <-done
			synctest.Wait()
			if len(ds) == 0 {
				ds = receive(t, b, "validate", 1)
			}
			if len(ds) != 1 || ds[0].Attempt != 1 {
				t.Fatalf("the row is lost to a receiver that left: %v", ds)
			}
			settle(t, b, chainDone(ds[0], 0))
		}
		verify(t, db)
	})
}

func TestCloseEndsWaitingReceivers(t *testing.T) {
	db, b := open(t)
	done := make(chan error)
	go func() {
		_, err := b.Work.Receive(t.Context(), pipeline.ReceiveRequest{Pipeline: "chain", Step: "validate", N: 1, Hide: time.Hour, Wait: time.Hour})
		done <- err
	}()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, pipeline.ErrUnavailable) {
		t.Errorf("a waiting receiver is answered %v", err)
	}
}

func TestABackupIsAStore(t *testing.T) {
	dir, copies := t.TempDir(), t.TempDir()
	db, b := openAt(t, sqlite.Config{Path: dir})
	id := insert(t, b, chainRow(t, []byte("kept")))[0]
	file := filepath.Join(copies, sqlite.FileName)
	if err := db.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), file); !errors.Is(err, pipeline.ErrConflict) {
		t.Errorf("a second backup to the same file answers %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy is %v, %v", info.Mode(), err)
	}
	reader, err := sqlite.OpenReadOnly(t.Context(), sqlite.Config{Path: copies})
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	restored, rb := openAt(t, sqlite.Config{Path: copies})
	if d, err := rb.Rows.Get(t.Context(), id); err != nil || string(d.Payload) != "kept" {
		t.Errorf("got %q, %v", d.Payload, err)
	}
	if ds := receive(t, rb, "validate", 1); len(ds) != 1 {
		t.Error("the copy has no queue")
	}
	verify(t, restored)
}
