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
	stateDown  = 3 * time.Second // one that took long to fail is not asked for every page
)

// sharedState reads the state once for all frames made within a second: many
// pages that follow what happens cost the store no more than one.
type sharedState struct {
	from  overviews
	reads singleflight.Group

	mu    sync.Mutex
	state pipeline.Overview
	err   error
	until time.Time
}

// Overview answers a state that is at most a second old.
func (s *sharedState) Overview(ctx context.Context) (pipeline.Overview, error) {
	s.mu.Lock()
	state, err, fresh := s.state, s.err, time.Now().Before(s.until)
	s.mu.Unlock()
	if fresh {
		return state, err
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
	began := time.Now()
	state, err := s.from.Overview(ctx)
	fresh := stateFresh
	switch {
	case err != nil && time.Since(began) < stateFresh:
		return state, err
	case err != nil:
		fresh = stateDown
	}
	s.mu.Lock()
	s.state, s.err, s.until = state, err, time.Now().Add(fresh)
	s.mu.Unlock()
	return state, err
}
