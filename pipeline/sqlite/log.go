package sqlite

import (
	"os"
	"slices"
	"time"
)

const (
	logLimit = 64 << 20 // bytes after which the log is made to begin anew
	logLook  = 500      // milliseconds between looks at its size
	logPause = 10_000   // milliseconds after a reader was in the way
)

// makeRoom writes the log into the file and empties it before anything is added
// after the disk was full: the log holds pages many times over, and would take
// whatever room is given back first. Until that works nothing is written; a
// group that only reads goes on without what is due.
func (w *writer) makeRoom(group []*job, due bool) (bool, error) {
	writes := slices.ContainsFunc(group, func(j *job) bool { return !j.reads })
	if !due && !writes {
		return due, nil
	}
	_, err := w.conn.value("PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil && !writes && len(group) > 0 {
		return false, nil
	}
	w.full = err != nil
	return due, err
}

// boundLog keeps the log from growing without end. SQLite begins it anew by
// itself only at a moment without readers, and under load there is none.
func (w *writer) boundLog() {
	if w.now < w.logLookAt {
		return
	}
	w.logLookAt = w.now + logLook
	info, err := os.Stat(w.db.path + "-wal")
	if err != nil || info.Size() < logLimit {
		return
	}
	w.conn.busyFor(100 * time.Millisecond)
	defer w.conn.busyFor(busyTimeout)
	busy, err := w.conn.value("PRAGMA wal_checkpoint(RESTART)")
	if err == nil && busy == 0 {
		return
	}
	w.logLookAt = w.now + logPause
	w.db.log.Warn("a reader keeps the log from being written into the file", "log_bytes", info.Size(), "error", err)
}
