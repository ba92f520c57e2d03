package handlers

import (
	"golang.org/x/sync/semaphore"

	"redrive/pipeline"
)

// maxRoom bounds the memory that bodies of all requests under way take up
// together: sixteen of the largest batches, or tens of thousands of webhooks.
const maxRoom = 256 << 20

// share is the room that one request's body takes up.
type share struct {
	room  *semaphore.Weighted
	bytes int64
}

// more takes more room. Whoever finds none is asked to come back rather than kept
// waiting: those who are slow with their bodies hold it for up to a minute.
func (s *share) more(bytes int64) error {
	if !s.room.TryAcquire(bytes) {
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "Too many bodies are under way at once. Send this one again in a moment."}
	}
	s.bytes += bytes
	return nil
}

func (s *share) release() { s.room.Release(s.bytes) }
