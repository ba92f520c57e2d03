package aws

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
	"redrive/pipeline/sqlite"
)

// pool is queues of others on an emulator, with a proxy in front of it.
type pool struct {
	t       *testing.T
	prefix  string
	proxy   *awstest.Proxy
	client  *sqs.Client // past the proxy, as their owners would
	foreign *foreignQueues
}

func newPool(t *testing.T, named ...QueueSelector) *pool {
	t.Helper()
	t.Parallel()
	at := awstest.Emulators(t)
	p := &pool{t: t, prefix: "q" + strings.ToLower(rand.Text())[:10] + "-", client: sqs.NewFromConfig(awstest.Quick(t, at)), proxy: awstest.NewProxy(t, at.SQS)}
	makeTable(t, at, p.prefix+"rows")
	at.SQS = p.proxy.URL
	account := NewAccount(awstest.Config(t, at))
	if named == nil {
		named = []QueueSelector{{Prefix: ""}}
	}
	for i := range named {
		if named[i].Name == "" {
			named[i].Prefix = p.prefix + named[i].Prefix
		} else {
			named[i].Name = p.prefix + named[i].Name
		}
	}
	cfg := Config{Prefix: p.prefix + "our-", Queues: named, Pipelines: []Pipeline{{Name: "github", Steps: []string{"index"}}},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	p.foreign = newForeignQueues(account.sqs(), &table{client: account.dynamodb(), name: p.prefix + "rows"}, cfg)
	return p
}

// make creates a queue; dead is its dead-letter queue, if it has one.
func (p *pool) make(name, dead string) {
	p.t.Helper()
	in := &sqs.CreateQueueInput{QueueName: sdkaws.String(p.prefix + name), Attributes: map[string]string{}}
	if dead != "" {
		in.Attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:%s","maxReceiveCount":"3"}`, awstest.Region, awstest.AccountID, p.prefix+dead)
	}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
	}
	if _, err := p.client.CreateQueue(p.t.Context(), in); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pool) url(name string) *string {
	p.t.Helper()
	out, err := p.client.GetQueueUrl(p.t.Context(), &sqs.GetQueueUrlInput{QueueName: sdkaws.String(p.prefix + name)})
	if err != nil {
		p.t.Fatal(err)
	}
	return out.QueueUrl
}

func (p *pool) put(name string, bodies ...string) {
	p.t.Helper()
	for _, body := range bodies {
		_, err := p.client.SendMessage(p.t.Context(), &sqs.SendMessageInput{QueueUrl: p.url(name), MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{
			"tenant": {DataType: sdkaws.String("String"), StringValue: sdkaws.String("ACME")},
			"raw":    {DataType: sdkaws.String("Binary"), BinaryValue: []byte{0, 1, 255}}}})
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// drain takes everything out of a queue.
func (p *pool) drain(name string) []types.Message {
	p.t.Helper()
	var all []types.Message
	for {
		out, err := p.client.ReceiveMessage(p.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: p.url(name), MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

func bodiesOf(list []types.Message) []string {
	var bodies []string
	for _, m := range list {
		bodies = append(bodies, *m.Body)
	}
	slices.Sort(bodies)
	return bodies
}

func (p *pool) list() map[string]pipeline.Queue {
	p.t.Helper()
	list, err := p.foreign.List(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	byName := map[string]pipeline.Queue{}
	for _, q := range list {
		byName[strings.TrimPrefix(q.Name, p.prefix)] = q
	}
	return byName
}

func (p *pool) take(name string, n int) []pipeline.QueueMessage {
	p.t.Helper()
	list, err := p.foreign.Take(p.t.Context(), p.prefix+name, n, time.Minute, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

func texts(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"n":%02d}`, i)
	}
	return list
}

func TestQueuesTellTheirDepthAndRelations(t *testing.T) {
	p := newPool(t, QueueSelector{Name: "orders"}, QueueSelector{Prefix: "legacy-"}, QueueSelector{Name: "nowhere"})
	p.make("orders-dlq", "")
	p.make("orders", "orders-dlq")
	p.make("legacy-bills", "orders-dlq")
	p.make("legacy-a.fifo", "")
	p.make("other", "")
	p.put("orders-dlq", texts(3)...)
	p.take("orders-dlq", 1)
	got := p.list()
	if names := len(got); names != 5 {
		t.Fatalf("%d queues: %v", names, got)
	}
	dlq := got["orders-dlq"]
	if dlq.Visible != 2 || dlq.InFlight != 1 || dlq.Delayed != 0 || !slices.Equal(dlq.Sources, []string{p.prefix + "legacy-bills", p.prefix + "orders"}) || !dlq.IsDeadLetterQueue() {
		t.Errorf("the dead-letter queue nobody named: %+v", dlq)
	}
	if o := got["orders"]; o.DeadLetterQueue != p.prefix+"orders-dlq" || o.MaxReceives != 3 || o.IsDeadLetterQueue() || o.URL == "" || !strings.HasPrefix(o.ARN, "arn:aws:sqs:") {
		t.Errorf("orders: %+v", o)
	}
	if !got["legacy-a.fifo"].FIFO {
		t.Error("a FIFO queue is not told apart")
	}
	if n := got["nowhere"]; !strings.Contains(n.Error, "queue "+p.prefix+"nowhere does not exist") {
		t.Errorf("a queue that is not there: %+v", n)
	}
	if _, err := p.foreign.Get(t.Context(), p.prefix+"other"); !errors.Is(err, pipeline.ErrNotFound) {
		t.Errorf("a queue nobody named: %v", err)
	}
	if n := p.proxy.Count("ListDeadLetterSourceQueues"); n > 5 {
		t.Errorf("asked %d times for sources this SQS does not tell", n)
	}
	p.proxy.Forget()
	p.list()
	if n := p.proxy.Count("ListDeadLetterSourceQueues") + p.proxy.Count("GetQueueUrl"); n > 2 { // the queues that are not there
		t.Errorf("%d requests for what was known", n)
	}
}

func TestQueuesOfOurStepsAreNotTheirs(t *testing.T) {
	p := newPool(t)
	p.make("our-github-index-dlq", "")
	p.make("our-github-index", "our-github-index-dlq")
	p.make("theirs", "")
	if got := p.list(); len(got) != 1 || got["theirs"].Name == "" {
		t.Errorf("listed %v", got)
	}
	if _, err := p.foreign.Get(t.Context(), p.prefix+"our-github-index"); !errors.Is(err, pipeline.ErrNotFound) {
		t.Errorf("the queue of a step: %v", err)
	}
	q, err := p.foreign.Get(t.Context(), p.prefix+"our-github-index-dlq")
	if err != nil || q.Step != (pipeline.StepKey{Pipeline: "github", Step: "index"}) {
		t.Errorf("its dead-letter queue: %+v, %v", q, err)
	}
	p.put("our-github-index-dlq", "no row")
	if got := p.list(); !got["our-github-index-dlq"].Ours() {
		t.Errorf("listed %v", got)
	}
}

func TestQueuesThatMayNotBeListed(t *testing.T) {
	p := newPool(t, QueueSelector{Name: "orders"}, QueueSelector{Prefix: "legacy-"})
	p.make("orders", "")
	p.proxy.Inject(awstest.Fault{Action: "ListQueues", Do: awstest.Denied()})
	got := p.list()
	if got["orders"].Error != "" || !strings.Contains(got["legacy-*"].Error, "this identity may not do sqs:ListQueues on queue "+p.prefix+"legacy-*") {
		t.Errorf("listed %+v", got)
	}
	p.proxy.Heal()
	p.proxy.Inject(awstest.Fault{Action: "GetQueueAttributes", Do: awstest.Denied()})
	if got := p.list()["orders"]; !strings.Contains(got.Error, "sqs:GetQueueAttributes") {
		t.Errorf("orders: %+v", got)
	}
	p.proxy.Inject(awstest.Fault{Action: "ReceiveMessage", Do: awstest.Denied()})
	if _, err := p.foreign.Take(t.Context(), p.prefix+"orders", 1, time.Minute, 0); !errors.Is(err, pipeline.ErrConflict) || !strings.Contains(err.Error(), "sqs:ReceiveMessage") {
		t.Errorf("taking: %v", err)
	}
}

func TestTakeHideAndTakeAgain(t *testing.T) {
	p := newPool(t)
	p.make("dlq", "")
	p.put("dlq", texts(25)...)
	got := slices.Concat(p.take("dlq", 10), p.take("dlq", 10), p.take("dlq", 10))
	if len(got) != 25 || len(p.take("dlq", 10)) != 0 {
		t.Fatalf("took %d", len(got))
	}
	m := got[0]
	if m.ID == "" || m.Receipt == "" || m.Receives != 1 || time.Since(m.SentAt) > time.Minute || m.FirstReceivedAt.IsZero() || len(m.Attributes) != 2 ||
		m.Attributes[1].Name != "tenant" || string(m.Attributes[1].Value) != "ACME" || m.Attributes[0].Type != "Binary" || len(m.Attributes[0].Value) != 3 {
		t.Errorf("a message: %+v", m)
	}
	p.proxy.Forget()
	if err := p.foreign.Hide(t.Context(), p.prefix+"dlq", 0, got...); err != nil {
		t.Fatal(err)
	}
	if n := p.proxy.Count("ChangeMessageVisibilityBatch"); n != 3 {
		t.Errorf("%d requests to let go of 25", n)
	}
	if again := p.take("dlq", 10); len(again) != 10 || again[0].Receives != 2 {
		t.Errorf("took %d again", len(again))
	}
}

func TestHideTriesFailedEntriesAgain(t *testing.T) {
	p := newPool(t)
	p.make("dlq", "")
	p.put("dlq", texts(10)...)
	got := p.take("dlq", 10)
	p.proxy.Inject(awstest.Fault{Action: "ChangeMessageVisibilityBatch", Do: awstest.FailEntries(3)})
	if err := p.foreign.Hide(t.Context(), p.prefix+"dlq", 0, got...); err != nil {
		t.Fatal(err)
	}
	if n := len(p.take("dlq", 10)); n != 10 {
		t.Errorf("%d are back", n)
	}
}

func TestSendKeepsWhatAMessageIs(t *testing.T) {
	p := newPool(t)
	p.make("dlq", "")
	p.make("orders", "")
	p.put("dlq", texts(10)...)
	got := p.take("dlq", 10)
	p.proxy.Inject(awstest.Fault{Action: "SendMessageBatch", Do: awstest.FailEntries(4)})
	p.proxy.Inject(awstest.Fault{Action: "DeleteMessageBatch", Do: awstest.FailEntries(4)})
	for i, a := range p.foreign.Send(t.Context(), p.prefix+"orders", got...) {
		if a.State != pipeline.SendDone || a.ID == "" || a.ID == got[i].ID {
			t.Errorf("message %d: %+v", i, a)
		}
	}
	if err := errors.Join(p.foreign.Delete(t.Context(), p.prefix+"dlq", got...)...); err != nil {
		t.Fatal(err)
	}
	if left := p.list()["dlq"]; left.Depth() != 0 {
		t.Errorf("left %+v", left)
	}
	sent := p.drain("orders")
	if !slices.Equal(bodiesOf(sent), texts(10)) {
		t.Errorf("sent %v", bodiesOf(sent))
	}
	for _, m := range sent {
		if *m.MessageAttributes["tenant"].StringValue != "ACME" || !slices.Equal(m.MessageAttributes["raw"].BinaryValue, []byte{0, 1, 255}) {
			t.Errorf("attributes %+v", m.MessageAttributes)
		}
	}
}

func TestSendTellsWhatIsKnown(t *testing.T) {
	p := newPool(t)
	p.make("orders", "")
	msg := pipeline.QueueMessage{ID: "x", Body: "a"}
	for _, tt := range []struct {
		name string
		harm awstest.Harm
		to   string
		want pipeline.SendState
	}{
		{"no answer", awstest.LostAnswer(), "orders", pipeline.SendUnsure},
		{"an answer that does not come", awstest.Cut(), "orders", pipeline.SendUnsure},
		{"the service's own fault", awstest.Broken(), "orders", pipeline.SendUnsure},
		{"throttled", awstest.Throttled(), "orders", pipeline.SendFailed},
		{"forbidden", awstest.Denied(), "orders", pipeline.SendFailed},
		{"entries that fail again and again", awstest.FailEntries(1), "orders", pipeline.SendFailed},
		{"no such queue", nil, "nowhere", pipeline.SendFailed},
	} {
		p.proxy.Heal()
		if tt.harm != nil {
			p.proxy.Inject(awstest.Fault{Action: "SendMessageBatch", Do: tt.harm})
		}
		if got := p.foreign.Send(t.Context(), p.prefix+tt.to, msg); got[0].State != tt.want || got[0].Err == nil {
			t.Errorf("%s: %+v", tt.name, got[0])
		}
	}
	if n := len(p.drain("orders")); n != 1 {
		t.Errorf("%d were sent, of the one whose answer was lost", n)
	}
}

func TestSendSplitsWhatIsTooLargeForOneRequest(t *testing.T) {
	p := newPool(t)
	p.make("orders", "")
	msgs := make([]pipeline.QueueMessage, 5)
	for i := range msgs {
		msgs[i] = pipeline.QueueMessage{ID: fmt.Sprint(i), Body: strings.Repeat("x", 400<<10)}
	}
	for _, a := range p.foreign.Send(t.Context(), p.prefix+"orders", msgs...) {
		if a.State != pipeline.SendDone {
			t.Errorf("answer %+v", a)
		}
	}
	if n := p.proxy.Count("SendMessageBatch"); n != 3 {
		t.Errorf("%d requests for 5 of 400 kB", n)
	}
}

func TestPurgeTwiceInAMinute(t *testing.T) {
	p := newPool(t)
	p.make("dlq", "")
	p.put("dlq", "a", "b")
	if err := p.foreign.Purge(t.Context(), p.prefix+"dlq"); err != nil || p.list()["dlq"].Depth() != 0 {
		t.Errorf("purge: %v", err)
	}
	p.proxy.Inject(awstest.Fault{Action: "PurgeQueue", Do: awstest.Refused(awstest.Refusal{Status: 403, Code: "AWS.SimpleQueueService.PurgeQueueInProgress", Message: "Only one PurgeQueue operation is allowed every 60 seconds."})})
	if err := p.foreign.Purge(t.Context(), p.prefix+"dlq"); !errors.Is(err, pipeline.ErrConflict) || !strings.Contains(err.Error(), "less than 60 s ago") {
		t.Errorf("the second: %v", err)
	}
}

func TestNativeMoveIsNotToBeHadEverywhere(t *testing.T) {
	p := newPool(t)
	p.make("dlq", "")
	_, err := p.foreign.StartNative(t.Context(), p.prefix+"dlq", "", 0)
	if !errors.Is(err, pipeline.ErrConflict) || !strings.Contains(err.Error(), "redrive without native") {
		t.Errorf("err = %v", err)
	}
}

func TestCopiesRememberTheFirstTime(t *testing.T) {
	p := newPool(t)
	c, queue := queueCopies{p.foreign.table}, "theirs"
	long := strings.Repeat("é", copyBody)
	then := time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)
	var msgs []pipeline.QueueMessage
	for i := range 9 {
		msgs = append(msgs, pipeline.QueueMessage{ID: fmt.Sprintf("id-%d", i), Body: fmt.Sprintf(`{"order":%d,"note":"Größe"}`, i), SentAt: then.Add(time.Duration(i) * time.Minute), Receives: 1, Source: "orders",
			Attributes: []pipeline.QueueAttribute{{Name: "tenant", Type: "String", Value: []byte("ACME")}}})
	}
	msgs[4].Body = long
	before, err := c.Keep(t.Context(), queue, then, msgs[:5]...)
	if err != nil || slices.Contains(before, true) {
		t.Fatalf("first look: %v, %v", before, err)
	}
	later := then.Add(time.Hour)
	before, err = c.Keep(t.Context(), queue, later, msgs[3:]...)
	if err != nil || !slices.Equal(before, []bool{true, true, false, false, false, false}) {
		t.Fatalf("second look: %v, %v", before, err)
	}
	if err := c.Moved(t.Context(), queue, "move1", later, pipeline.MovedMessage{ID: "id-8", To: "orders", As: "new-8"}, pipeline.MovedMessage{ID: "id-0", To: "orders", As: "new-0"}); err != nil {
		t.Fatal(err)
	}
	page, err := c.List(t.Context(), queue, pipeline.QueueCopyFilter{Limit: 4})
	if err != nil || len(page.Items) != 4 || page.Items[0].ID != "id-8" || page.Next == "" {
		t.Fatalf("page one: %+v, %v", page, err)
	}
	if top := page.Items[0]; top.MovedTo != "orders" || top.MovedAs != "new-8" || top.Move != "move1" || top.Source != "orders" || string(top.Attributes[0].Value) != "ACME" {
		t.Errorf("the newest: %+v", top)
	}
	page, err = c.List(t.Context(), queue, pipeline.QueueCopyFilter{Limit: 5, Cursor: page.Next})
	if err != nil || len(page.Items) != 5 || page.Items[4].ID != "id-0" || page.Next != "" {
		t.Fatalf("page two: %+v, %v", page, err)
	}
	cut := page.Items[0]
	if cut.ID != "id-4" || !cut.Cut || cut.Size != len(long) || !strings.HasPrefix(long, cut.Body) || len(cut.Body) < copyBody-2 || !cut.SeenAt.Equal(later) || !cut.FirstSeenAt.Equal(then) {
		t.Errorf("the long one: %s cut %v, %d of %d", cut.ID, cut.Cut, len(cut.Body), cut.Size)
	}
	one, err := c.Get(t.Context(), queue, cut.Key)
	if err != nil || one.ID != "id-4" {
		t.Errorf("one: %+v, %v", one, err)
	}
	for _, key := range []string{"nothing", "", "\xff", strings.Repeat("x", 3000)} {
		if _, err := c.Get(t.Context(), queue, key); !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("one that is not there: %v", err)
		}
		if page, err := c.List(t.Context(), queue, pipeline.QueueCopyFilter{Cursor: cmp.Or(key, "0")}); !errors.Is(err, pipeline.ErrInvalid) || len(page.Items) > 0 {
			t.Errorf("from a cursor that is none: %d, %v", len(page.Items), err)
		}
	}
	// Seen again after it was moved: it is in the queue after all.
	if _, err := c.Keep(t.Context(), queue, later.Add(time.Minute), msgs[8]); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]int{"acme": 0, `"order":7`: 0, "tenant": 0, "ID-3": 1} {
		page, err := c.List(t.Context(), queue, pipeline.QueueCopyFilter{Query: q, Blind: true})
		if err != nil || len(page.Items) != want {
			t.Errorf("who may not see messages finds %d by %q, %v", len(page.Items), q, err)
		}
	}
	for q, want := range map[string]int{"GRÖSSE": 0, "größe": 8, "acme": 9, "ID-3": 1, `"order":7`: 1, "nothing of it": 0} {
		page, err := c.List(t.Context(), queue, pipeline.QueueCopyFilter{Query: q})
		if err != nil || len(page.Items) != want || page.Scanned != 9 {
			t.Errorf("search %q: %d of %d, %v", q, len(page.Items), page.Scanned, err)
		}
		if q == "acme" && page.Items[0].MovedTo != "" {
			t.Error("a copy says it was moved before it was last seen")
		}
	}
}

// engine runs the whole engine over the pool's queues, with its records in a
// store of its own, so that a second one can go on where it stopped.
func (p *pool) engine(db *sqlite.DB, wrap func(*pipeline.Backend)) (*pipeline.Engine, func()) {
	p.t.Helper()
	b := db.Backend()
	p.foreign.addTo(&b)
	wrap(&b)
	e, err := pipeline.New(pipeline.Config{Lease: 2 * time.Second, QueueHide: 3 * time.Second, Worker: rand.Text(), Logger: p.foreign.log}, b)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(p.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return e, func() { stop(); <-ended }
}

func (p *pool) store() *sqlite.DB {
	p.t.Helper()
	db, err := sqlite.Open(p.t.Context(), sqlite.Config{Path: p.t.TempDir()})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { db.Close() }) //nolint:errcheck // nothing is written any more
	return db
}

func (p *pool) ends(e *pipeline.Engine, m pipeline.QueueMove) pipeline.QueueMove {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		m, err := e.Queues.GetMove(p.t.Context(), m.Queue, m.ID)
		if err != nil {
			p.t.Fatal(err)
		}
		if m.State.Final() {
			return m
		}
		if time.Now().After(end) {
			p.t.Fatalf("still %+v", m)
		}
	}
}

func TestQueueIsBrowsedAndRedriven(t *testing.T) {
	p := newPool(t)
	p.make("dlq", "")
	p.make("orders", "dlq")
	p.put("dlq", texts(33)...)
	e, stop := p.engine(p.store(), func(*pipeline.Backend) {})
	defer stop()
	sight, err := e.Queues.Browse(t.Context(), p.prefix+"dlq", 0)
	if err != nil || sight.Seen != 33 || sight.New != 33 || !sight.All {
		t.Fatalf("seen %d, new %d: %v", sight.Seen, sight.New, err)
	}
	if q := p.list()["dlq"]; q.Visible != 33 || q.InFlight != 0 {
		t.Errorf("after the look: %+v", q)
	}
	page, err := e.Queues.Copies(t.Context(), p.prefix+"dlq", pipeline.QueueCopyFilter{Query: `"n":1`})
	if err != nil || len(page.Items) != 10 {
		t.Fatalf("found %d: %v", len(page.Items), err)
	}
	ids := []string{page.Items[0].ID, page.Items[5].ID}
	m, err := e.Queues.Move(t.Context(), p.prefix+"dlq", pipeline.QueueMoveRequest{IDs: ids, Reason: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if m = p.ends(e, m); m.State != pipeline.MoveDone || m.Moved != 2 || m.Missing != 0 {
		t.Errorf("selected: %+v", m)
	}
	p.proxy.Inject(awstest.Fault{Do: awstest.FailEntries(3)})
	if m, err = e.Queues.Move(t.Context(), p.prefix+"dlq", pipeline.QueueMoveRequest{All: true, Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	if m = p.ends(e, m); m.State != pipeline.MoveDone || m.Moved != 31 || m.Twice != 0 {
		t.Errorf("all: %+v", m)
	}
	if got := bodiesOf(p.drain("orders")); !slices.Equal(got, texts(33)) || p.list()["dlq"].Depth() != 0 {
		t.Errorf("orders has %d, the dead-letter queue %d", len(got), p.list()["dlq"].Depth())
	}
}

// deadLine is a process that ends in the middle of a call: nothing of it reaches
// SQS any more.
type deadLine struct {
	pipeline.QueueBrowser
	pipeline.QueueMover
	at   string
	dead atomic.Bool
}

func (d *deadLine) gone() error {
	if d.dead.Load() {
		return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "this process has ended"}
	}
	return nil
}

func (d *deadLine) Take(ctx context.Context, q string, n int, hide, wait time.Duration) ([]pipeline.QueueMessage, error) {
	if err := d.gone(); err != nil {
		return nil, err
	}
	return d.QueueBrowser.Take(ctx, q, n, hide, wait)
}

func (d *deadLine) Hide(ctx context.Context, q string, hide time.Duration, m ...pipeline.QueueMessage) error {
	if err := d.gone(); err != nil {
		return err
	}
	return d.QueueBrowser.Hide(ctx, q, hide, m...)
}

func (d *deadLine) Send(ctx context.Context, to string, m ...pipeline.QueueMessage) []pipeline.QueueSent {
	answers := d.QueueMover.Send(ctx, to, m...)
	if d.at == "send" {
		d.dead.Store(true)
		for i := range answers {
			answers[i] = pipeline.QueueSent{State: pipeline.SendUnsure, Err: d.gone()}
		}
	}
	return answers
}

func (d *deadLine) Delete(ctx context.Context, q string, m ...pipeline.QueueMessage) []error {
	if d.at == "delete" {
		d.dead.Store(true)
		errs := make([]error, len(m))
		for i := range errs {
			errs[i] = d.gone()
		}
		return errs
	}
	return d.QueueMover.Delete(ctx, q, m...)
}

func TestQueueRedriveGoesOnInAnotherProcess(t *testing.T) {
	t.Parallel()
	for at, twice := range map[string]int{"send": 10, "delete": 0} {
		t.Run("ended at "+at, func(t *testing.T) {
			p := newPool(t)
			p.make("dlq", "")
			p.make("orders", "dlq")
			p.put("dlq", texts(25)...)
			db := p.store()
			broken := &deadLine{QueueBrowser: p.foreign, QueueMover: p.foreign, at: at}
			e, stop := p.engine(db, func(b *pipeline.Backend) { b.Queues, b.Transfers = broken, broken })
			m, err := e.Queues.Move(t.Context(), p.prefix+"dlq", pipeline.QueueMoveRequest{All: true, Reason: "x"})
			if err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(time.Minute); !broken.dead.Load() && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
			stop()
			e, stop = p.engine(db, func(*pipeline.Backend) {})
			defer stop()
			m = p.ends(e, m)
			got := bodiesOf(p.drain("orders"))
			if m.State != pipeline.MoveDone || m.Moved != 25 || p.list()["dlq"].Depth() != 0 || !slices.Equal(slices.Compact(slices.Clone(got)), texts(25)) {
				t.Errorf("ended as %+v with %d sent", m, len(got))
			}
			if len(got)-25 != twice || int(m.Twice) != twice {
				t.Errorf("%d are there twice, said %d", len(got)-25, m.Twice)
			}
		})
	}
}

// says answers an action with a document, as SQS would.
func says(document string) awstest.Harm {
	return func(awstest.Handle) awstest.Handle {
		return func(*awstest.Call) *awstest.Answer {
			return &awstest.Answer{Status: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: []byte(document)}
		}
	}
}

func TestNativeMove(t *testing.T) {
	p := newPool(t)
	p.make("dlq", "")
	p.make("orders", "dlq")
	p.proxy.KeepBodies()
	say := func(action, document string) { p.proxy.Inject(awstest.Fault{Action: action, Do: says(document)}) }
	say("ListMessageMoveTasks", `{"Results":[{"Status":"FAILED","FailureReason":"AccessDenied","ApproximateNumberOfMessagesMoved":3,"StartedTimestamp":1747193050000}]}`)
	say("StartMessageMoveTask", `{"TaskHandle":"h1"}`)
	handle, err := p.foreign.StartNative(t.Context(), p.prefix+"dlq", p.prefix+"orders", 50)
	if err != nil || handle != "h1" {
		t.Fatalf("started %q: %v", handle, err)
	}
	var asked struct {
		SourceArn, DestinationArn    string
		MaxNumberOfMessagesPerSecond int
	}
	if err := json.Unmarshal(p.proxy.Calls("StartMessageMoveTask")[0].Body, &asked); err != nil || !strings.HasSuffix(asked.SourceArn, ":"+p.prefix+"dlq") ||
		!strings.HasSuffix(asked.DestinationArn, ":"+p.prefix+"orders") || asked.MaxNumberOfMessagesPerSecond != 50 {
		t.Errorf("asked for %+v, %v", asked, err)
	}
	list, err := p.foreign.Native(t.Context(), p.prefix+"dlq")
	if err != nil || len(list) != 1 || list[0].State != pipeline.MoveFailed || list[0].Failure != "AccessDenied" || list[0].Moved != 3 || list[0].StartedAt.Year() != 2025 {
		t.Errorf("listed %+v: %v", list, err)
	}
	say("ListMessageMoveTasks", `{"Results":[{"Status":"RUNNING","TaskHandle":"h1","ApproximateNumberOfMessagesMoved":7,"ApproximateNumberOfMessagesToMove":40,"StartedTimestamp":1747193050000}]}`)
	if _, err := p.foreign.StartNative(t.Context(), p.prefix+"dlq", "", 0); !errors.Is(err, pipeline.ErrConflict) || !strings.Contains(err.Error(), "one move a queue at a time") {
		t.Errorf("beside one that runs: %v", err)
	}
	say("CancelMessageMoveTask", `{"ApproximateNumberOfMessagesMoved":9}`)
	if moved, err := p.foreign.CancelNative(t.Context(), p.prefix+"dlq", "h1"); err != nil || moved != 9 {
		t.Errorf("cancelled after %d: %v", moved, err)
	}
	p.proxy.Heal()
	say("ListMessageMoveTasks", `{"Results":[]}`)
	p.proxy.Inject(awstest.Fault{Action: "StartMessageMoveTask", Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "AWS.SimpleQueueService.UnsupportedOperation", Message: "Source queue must be configured as a Dead Letter Queue."})})
	if _, err := p.foreign.StartNative(t.Context(), p.prefix+"orders", "", 0); !errors.Is(err, pipeline.ErrConflict) || !strings.Contains(err.Error(), "must be configured as a Dead Letter Queue") {
		t.Errorf("out of a queue that is no dead-letter queue: %v", err)
	}
}
