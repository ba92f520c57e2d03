package aws

import (
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/pipelinetest"
)

// Rows of an intake that failed may be stored all the same: they are counted.
func TestRowsWhoseIntakeFailedAreCounted(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	proxy := awstest.NewProxy(t, h.at.DynamoDB)
	h.at.DynamoDB = proxy.URL
	s := h.store(t)
	b, g := s.Backend(), pipelinetest.Graphs(t)[0]
	row := pipeline.NewRow{Pipeline: g.Pipeline(), Graph: g, Status: pipeline.StatusAccepted, Payload: []byte("{}"), At: time.Now().UTC()}
	insert := func() error {
		_, err := b.Rows.Insert(t.Context(), row, row)
		return err
	}
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	flags := proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Nth: 2, Do: awstest.LostAnswer()}) // the first has the payloads
	puts := proxy.Inject(awstest.Fault{Action: "PutItem", Do: awstest.Denied()})
	if err := insert(); err == nil || flags.Harmed() != 1 {
		t.Fatalf("with %d answers lost the intake ends with %v", flags.Harmed(), err)
	}
	puts.Remove()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := b.Metrics.Counts(t.Context())
		if n := c.Rows[g.Pipeline()][pipeline.StatusAccepted]; n == 4 && err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("%d rows are counted, %v, want the 4 that are stored", n, err)
		}
	}
}
