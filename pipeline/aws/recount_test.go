package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/pipelinetest"
)

// What a killed process had counted and not written is counted again from the
// rows, once nothing moves.
func TestCountersAreSetRightAfterAProcessWasLost(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	lost := h.store(t, func(c *Config) { c.Flush = time.Hour })
	g := pipelinetest.Graphs(t)[0]
	row := pipeline.NewRow{Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted, Payload: []byte("{}"), At: time.Now().UTC()}
	for range 3 {
		if _, err := lost.Backend().Rows.Insert(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := lost.counts.tell(t.Context()); err != nil { // it lives
		t.Fatal(err)
	}
	h.line.cut.Store(true)

	other := h.again().store(t, func(c *Config) { c.Lost = 200 * time.Millisecond })
	counts := func() pipeline.Counts {
		c, err := other.Backend().Metrics.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	key := pipeline.StepKey{Pipeline: g.Pipeline(), Step: "deliver"}
	if c := counts(); c.Steps[key].Queued != 0 {
		t.Fatalf("the lost process has counted %d already", c.Steps[key].Queued)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c := counts()
		if c.Rows[g.Pipeline()][pipeline.StatusAccepted] == 3 && c.Steps[key].Queued == 3 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("counters are %v and %+v, want 3 accepted and 3 queued", c.Rows, c.Steps[key])
		}
	}
	it, err := other.table.get(t.Context(), countersPK, runningPrefix+lost.counts.process, true)
	if err != nil || it != nil {
		t.Errorf("the lost process is still listed: %v, %v", it, err)
	}
}
