package handlers

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"redrive/pipeline"
)

// Bounds of the state that frames share.
const (
	stateFresh = time.Second     // pages within a second share a reading
	stateWait  = 5 * time.Second // a store that is slower does not answer
)

// sharedState reads the state once for all frames made within a second: many
// pages that follow what happens cost the store no more than one.
type sharedState struct {
	from  overviews
	reads singleflight.Group

	mu    sync.Mutex
	state pipeline.Overview
	until time.Time
}

// Overview answers a state that is at most a second old.
func (s *sharedState) Overview(ctx context.Context) (pipeline.Overview, error) {
	s.mu.Lock()
	state, fresh := s.state, time.Now().Before(s.until)
	s.mu.Unlock()
	if fresh {
		return state, nil
	}
	answer := s.reads.DoChan("", func() (any, error) {
		// The reading serves others too: it must not end with this request.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stateWait)
		defer cancel()
		return s.read(ctx)
	})
	select {
	case <-ctx.Done():
		return pipeline.Overview{}, ctx.Err()
	case a := <-answer:
		state, _ := a.Val.(pipeline.Overview)
		return state, a.Err
	}
}

func (s *sharedState) read(ctx context.Context) (pipeline.Overview, error) {
	state, err := s.from.Overview(ctx)
	if err != nil {
		return state, err
	}
	s.mu.Lock()
	s.state, s.until = state, time.Now().Add(stateFresh)
	s.mu.Unlock()
	return state, nil
}
