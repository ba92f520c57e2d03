package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"time"

	"redrive/pipeline/redact"
)

// watchRecord is what was last heard, as it is stored.
type watchRecord struct {
	SeenAt       time.Time             `json:"seen"`
	FailingSince time.Time             `json:"failing,omitzero"`
	Error        string                `json:"error,omitempty"`
	Alarms       map[string]watchState `json:"alarms"`
	version      int64
	stored       time.Time // SeenAt of what is in the store
}

type watchState struct {
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Known  time.Time `json:"known,omitzero"` // the newest change that is kept
}

func (r AlarmReport) state(known, now time.Time) watchState {
	s := watchState{State: r.State, Since: r.Since, Reason: redact.Text(r.Reason), Known: known}
	for _, c := range r.Changes {
		s.Known = later(s.Known, c.At)
	}
	if now.Sub(r.Since) > watchSettled {
		s.Known = later(s.Known, r.Since)
	}
	return s
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// same tells whether two answers say the same, whenever they were given.
func (r watchRecord) same(other watchRecord) bool {
	return r.FailingSince.Equal(other.FailingSince) && r.Error == other.Error && maps.EqualFunc(r.Alarms, other.Alarms, func(a, b watchState) bool {
		return a.State == b.State && a.Since.Equal(b.Since) && a.Reason == b.Reason && a.Known.Equal(b.Known)
	})
}

// idOf is an id like those of NewID for what happened at a time: the same for
// the same words.
func idOf(at time.Time, words ...string) string {
	hash := sha256.New()
	for _, word := range append(words, at.UTC().Format(time.RFC3339Nano)) {
		hash.Write([]byte(word + "\x00"))
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(at.UnixMilli())<<16)
	copy(b[6:], hash.Sum(nil))
	return idAlphabet.EncodeToString(b[:])
}
