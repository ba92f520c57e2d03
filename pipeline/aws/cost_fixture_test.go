package aws

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/pipelinetest"
)

// till is a store whose costs are looked at: a table and queues of its own,
// behind proxies that count too.
type till struct {
	testing.TB
	*Store
	backend pipeline.Backend
	graph   *pipeline.Graph // three steps, one after the other
	result  int             // bytes of each answer
	queues  *awstest.Proxy
	rows    *awstest.Proxy
}

// newTill opens one whose polls take so long; 0: as long as they do in earnest.
func newTill(t testing.TB, poll time.Duration) *till {
	t.Helper()
	at := awstest.Emulators(t)
	h := &home{prefix: "c" + strings.ToLower(rand.Text()) + "-", at: at}
	makeTable(t, at, h.prefix+"rows")
	h.makeQueues(t)
	c := &till{TB: t, result: 11, queues: awstest.NewProxy(t, at.SQS), rows: awstest.NewProxy(t, at.DynamoDB)}
	cfg := Config{Account: NewAccount(awstest.Config(t, awstest.Endpoints{SQS: c.queues.URL, DynamoDB: c.rows.URL})), Prefix: h.prefix, Worker: "worker-1", Poll: poll}
	for _, g := range pipelinetest.Graphs(t) {
		if g.Pipeline() != "chain" {
			continue
		}
		p := Pipeline{Name: g.Pipeline()}
		for _, n := range g.Nodes() {
			p.Steps = append(p.Steps, n.Name)
		}
		cfg.Pipelines, c.graph = append(cfg.Pipelines, p), g
	}
	s, err := Open(context.WithoutCancel(t.Context()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c.Store, c.backend = s, s.Backend()
	return c
}

// patient has every batch wait until it is full, so that figures do not depend
// on how fast the emulators are.
func (c *till) patient() {
	for _, n := range c.graph.Nodes() {
		q, err := c.Store.queues.get(c.Context(), c.names.queue(c.graph.Pipeline(), n.Name))
		if err != nil {
			c.Fatal(err)
		}
		q.sends.linger, q.deletes.linger = time.Second, time.Second
	}
}

// put stores rows in one call.
func (c *till) put(n, size int, keys bool) {
	c.Helper()
	news := make([]pipeline.NewRow, n)
	for i := range news {
		news[i] = pipeline.NewRow{Pipeline: c.graph.Pipeline(), Graph: c.graph, ContentType: "application/json", Label: "order " + fmt.Sprint(1000+i),
			Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Payload: order(size), At: time.Now().UTC().Truncate(time.Millisecond)}
		if keys {
			news[i].Key = rand.Text()
		}
	}
	inserted, err := c.backend.Rows.Insert(c.Context(), news...)
	if err != nil || len(inserted) != n {
		c.Fatalf("stored %d rows: %v", len(inserted), err)
	}
}

// order is a JSON document of so many bytes that says little twice, as ids and
// amounts do.
func order(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"order":[`)
	for b.Len() < size-16 {
		fmt.Fprintf(&b, `"%s",`, rand.Text()[:8])
	}
	b.WriteString(`"` + strings.Repeat("x", max(size-b.Len()-4, 0)) + `"]}`)
	return b.Bytes()
}

// work takes rows through all steps, ten or more messages at a time.
func (c *till) work(rows, together int, exclusive bool) {
	c.Helper()
	for _, n := range c.graph.Nodes() {
		for left := rows; left > 0; {
			ds, err := c.backend.Work.Receive(c.Context(), pipeline.ReceiveRequest{Pipeline: c.graph.Pipeline(), Step: n.Name, N: together,
				Hide: time.Minute, Wait: 2 * time.Second, Worker: "worker-1", Exclusive: exclusive})
			if err != nil {
				c.Fatal(err)
			}
			c.settle(ds)
			left -= len(ds)
		}
	}
}

func (c *till) settle(ds []pipeline.Delivery) {
	c.Helper()
	now := time.Now().UTC()
	outcomes := make([]pipeline.Outcome, len(ds))
	for i, d := range ds {
		outcomes[i] = pipeline.Outcome{Delivery: d, Verdict: pipeline.Processed, Result: order(c.result)[:c.result], Unlocks: c.graph.Unlocks(d.Step), Sinks: c.graph.Sinks(),
			Attempt: pipeline.Attempt{Step: d.Step, Number: d.Attempt, StartedAt: now, Duration: 12 * time.Millisecond, Outcome: pipeline.AttemptProcessed, StatusCode: 200, Worker: "worker-1"}}
	}
	errs, err := c.backend.Work.Settle(c.Context(), outcomes...)
	if err = errors.Join(append(errs, err)...); err != nil {
		c.Fatal(err)
	}
}

// settled waits until what was left to batches is sent.
func (c *till) settled() {
	c.Store.queues.drain(c.Context())
}

// total adds up what was used, by purpose or by all.
func (c *till) total(purposes ...purpose) spent {
	var sum spent
	for _, u := range c.costs().Use {
		for _, p := range purposes {
			if u.Purpose == string(p) {
				s := spent{writes: u.Writes, reads: u.Reads}
				if u.Service == serviceQueues {
					s.queueRequests = float64(u.Requests)
				}
				sum = sum.plus(s)
			}
		}
	}
	return sum
}

// items counts what lies in the table by the beginning of the partition's name,
// and tells how large the largest flags are.
func (c *till) items() (n map[string]int, flags int) {
	c.Helper()
	n = map[string]int{}
	pages := dynamodb.NewScanPaginator(NewAccount(awstest.Config(c.TB, awstest.Emulators(c.TB))).dynamodb(), &dynamodb.ScanInput{TableName: &c.table.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		for _, it := range page.Items {
			pk, _, _ := strings.Cut(item(it).str(attrPK), "#")
			n[pk]++
			if pk == "R" && !strings.HasSuffix(item(it).str(attrSK), "#p") {
				flags = max(flags, sizeOf(it))
			}
		}
	}
	return n, flags
}
