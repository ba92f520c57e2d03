// Package pipelinetest is the contract of a pipeline.Backend, as rules that can
// be broken: each sentence in the ports' comments has a named case here, which
// runs against a real backend and prints its sentence when it fails.
//
// A backend's test is a Harness and one call of Run. What backends differ in
// (how coarse their delays are, whether a restart can be staged, whether time
// can be made up) is in the Harness; no case asks which backend it has.
package pipelinetest

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
)

// Harness is what the suite knows about a backend.
type Harness struct {
	// New returns an empty backend that has queues for every step of Graphs.
	// The harness closes it with t.Cleanup.
	New func(t *testing.T) pipeline.Backend
	// Reopen returns the store of b as the next process finds it after b's ended
	// without a word; b is not used again. Nil where that cannot be told apart.
	Reopen func(t *testing.T, b pipeline.Backend) pipeline.Backend
	// Peer returns the backend of a second process on the store of b, to be used
	// at the same time. Nil where a store has one process only.
	Peer func(t *testing.T, b pipeline.Backend) pipeline.Backend
	// Break puts the store of b out of reach. Nil where that cannot be staged.
	Break func(t *testing.T, b pipeline.Backend)

	Precision time.Duration // coarseness of delays and leases; SQS: 1 s
	Lag       time.Duration // how far lists and counts may trail a write; the rule is 0
	Unordered bool          // the queues do not promise oldest due first
	Exclusive bool          // receive with a claim, where a store writes none otherwise
	Unclaimed bool          // a lease without a claim is known to its process alone: others show the step as queued
	Grain     time.Duration // Expire goes by whole spans of that length, and leaves a span that is not over
	Bubble    bool          // may run inside testing/synctest, so that waiting is free
	Seeds     int           // random workloads; 0: 200
}

// rule is one promise and the case that tries to break it.
type rule struct {
	name  string
	rule  string
	run   func(e *env)
	crowd bool               // many callers at once: runs in real time, outside a bubble
	needs func(Harness) bool // nil: every backend can run it
}

// Run checks every rule of the contract against the harness's backend.
func Run(t *testing.T, h Harness) {
	s := newSuite(t, h)
	for _, r := range slices.Concat(
		rowRules(), listRules(), filterRules(), unfinishedRules(), expireRules(),
		receiveRules(), leaseRules(), settleRules(), unlockRules(),
		requeueRules(), replayRules(), discardRules(), operationRules(),
		letterRules(), groupRules(), metricRules(), countRules(),
		recordRules(), auditRules(), repeatRules(), restartRules(), modelRules(),
	) {
		if r.needs != nil && !r.needs(h) {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s.check(t, r)
		})
	}
}

// suite is what all cases share.
type suite struct {
	h       Harness
	graphs  map[string]*pipeline.Graph
	samples []Sample
}

func newSuite(t *testing.T, h Harness) *suite {
	s := &suite{h: h, graphs: map[string]*pipeline.Graph{}, samples: Samples(t)}
	for _, g := range Graphs(t) {
		s.graphs[g.Pipeline()] = g
	}
	return s
}

// check runs one case, in a bubble if that can be.
func (s *suite) check(t *testing.T, r rule) {
	run := func(t *testing.T) {
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("the rule: %s", r.rule)
			}
		})
		r.run(&env{T: t, suite: s, b: s.h.New(t)})
	}
	if s.h.Bubble && !r.crowd {
		synctest.Test(t, run)
		return
	}
	run(t)
}
