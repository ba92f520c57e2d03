package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/pipelinetest"
)

// The floor may lie above the time that a sweep asks for.
func TestASpanThatEndsBeforeItBeginsIsEmpty(t *testing.T) {
	t.Parallel()
	s := newHome(t).store(t)
	b, g := s.Backend(), pipelinetest.Graphs(t)[0]
	row := pipeline.NewRow{Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted, Payload: []byte("{}"), At: time.Now().UTC()}
	if _, err := b.Rows.Insert(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	s.floor.mu.Lock()
	s.floor.ground(g.Pipeline()).low = firstID(time.Now().UnixMilli() - 1000)
	s.floor.mu.Unlock()
	page, err := b.Rows.Unfinished(t.Context(), g.Pipeline(), time.Now().Add(-time.Minute), "", 10)
	if err != nil || len(page.Items) > 0 {
		t.Errorf("unfinished rows are %v, %v", page.Items, err)
	}
}
