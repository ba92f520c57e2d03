package handlers

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

// queueStub answers with what it holds and remembers what it was asked.
type queueStub struct {
	list   []pipeline.Queue
	look   pipeline.QueueLook
	copies pipeline.Page[pipeline.QueueCopy]
	moves  []pipeline.QueueMove
	tell   bool
	err    error // of every change
	asked  []pipeline.QueueCopyFilter
	moved  []pipeline.QueueMoveRequest
	did    []string
}

func (s *queueStub) List(context.Context) ([]pipeline.Queue, error) {
	if s.list == nil {
		return nil, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "queues that are not ours need `backend: aws`"}
	}
	return s.list, nil
}

func (s *queueStub) Get(_ context.Context, name string) (pipeline.Queue, error) {
	for _, q := range s.list {
		if q.Name == name {
			return q, nil
		}
	}
	return pipeline.Queue{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no queue " + name + " here"}
}

func (s *queueStub) LastLook(context.Context, string) (pipeline.QueueLook, error) { return s.look, nil }

func (s *queueStub) Copies(_ context.Context, _ string, f pipeline.QueueCopyFilter) (pipeline.Page[pipeline.QueueCopy], error) {
	s.asked = append(s.asked, f)
	return s.copies, nil
}

func (s *queueStub) Copy(_ context.Context, _, key string) (pipeline.QueueCopy, error) {
	for _, c := range s.copies.Items {
		if c.Key == key {
			return c, nil
		}
	}
	return pipeline.QueueCopy{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "no message " + key + " was seen"}
}

func (s *queueStub) Moves(context.Context, string, int) ([]pipeline.QueueMove, error) {
	return s.moves, nil
}

func (s *queueStub) Reveal(ctx context.Context, name, key, way string) (pipeline.QueueCopy, error) {
	s.did = append(s.did, "reveal "+name+" "+key+" as "+way)
	return s.Copy(ctx, name, key)
}

func (s *queueStub) TellSource(context.Context, string) (bool, error) { return s.tell, nil }

func (s *queueStub) Browse(_ context.Context, name string, most int) (pipeline.QueueSight, error) {
	s.did = append(s.did, fmt.Sprintf("browse %s %d", name, most))
	return pipeline.QueueSight{Queue: name, Seen: 40, New: 12, All: true}, s.err
}

func (s *queueStub) Purge(_ context.Context, name, reason string) (pipeline.Queue, error) {
	s.did = append(s.did, "purge "+name+" "+reason)
	return pipeline.Queue{Name: name}, s.err
}

func (s *queueStub) Move(_ context.Context, name string, req pipeline.QueueMoveRequest) (pipeline.QueueMove, error) {
	s.moved = append(s.moved, req)
	return pipeline.QueueMove{ID: "01m", Queue: name, All: req.All, Matched: int64(len(req.IDs))}, s.err
}

func (s *queueStub) steer(verb, name, id, reason string) (pipeline.QueueMove, error) {
	s.did = append(s.did, strings.Join([]string{verb, name, id, reason}, " "))
	return pipeline.QueueMove{ID: id, Moved: 17}, s.err
}

func (s *queueStub) CancelMove(_ context.Context, name, id, reason string) (pipeline.QueueMove, error) {
	return s.steer("cancel", name, id, reason)
}

func (s *queueStub) PauseMove(_ context.Context, name, id, reason string) (pipeline.QueueMove, error) {
	return s.steer("pause", name, id, reason)
}

func (s *queueStub) ResumeMove(_ context.Context, name, id string, rate *float64, reason string) (pipeline.QueueMove, error) {
	m, err := s.steer("resume", name, id, reason)
	if rate != nil {
		m.Rate = *rate
	}
	return m, err
}

func newQueueSite(t *testing.T, s *queueStub) *site {
	t.Helper()
	c := newSite(t, views.Page{Queues: true}, stateStub{}, noFaults{})
	h := NewQueues(s, c.shell.Frame)
	for pattern, do := range map[string]Handler{
		"GET /queues": h.List, "GET /queues/{name}": h.Show, "POST /queues/{name}/browse": h.Browse, "POST /queues/{name}/redrive": h.Redrive,
		"POST /queues/{name}/purge": h.Purge, "GET /queues/{name}/messages/{id}": h.Message, "POST /queues/{name}/messages/{id}": h.Reveal, "POST /queues/{name}/messages/{id}/body": h.Body,
		"POST /queues/{name}/moves/{id}/cancel": h.Cancel, "POST /queues/{name}/moves/{id}/pause": h.Pause, "POST /queues/{name}/moves/{id}/resume": h.Resume,
	} {
		c.route(pattern, do)
	}
	return c
}

func sampleQueues(now time.Time) []pipeline.Queue {
	return []pipeline.Queue{
		{Name: "bills-dlq", Visible: 3, Sources: []string{"bills", "legacy-bills"}, ReadAt: now},
		{Name: "gone", Error: "queue gone does not exist in this region and account", ReadAt: now},
		{Name: "orders", Visible: 4210, DeadLetterQueue: "orders-dlq", MaxReceives: 5, ReadAt: now},
		{Name: "orders-dlq", Visible: 1204, InFlight: 2, Sources: []string{"orders"}, Retention: 96 * time.Hour, ReadAt: now},
		{Name: "redrive-github-index-dlq", Visible: 1, Step: pipeline.StepKey{Pipeline: "github", Step: "index"}, ReadAt: now},
		{Name: "stock.fifo", FIFO: true, ReadAt: now},
	}
}

// seenQueue has been looked into twice: b was not there the second time, c was
// sent away since.
func seenQueue(now time.Time) *queueStub {
	at, before := now.Add(-3*time.Minute), now.Add(-2*time.Hour)
	seen := func(id string, at time.Time) pipeline.QueueCopy {
		return pipeline.QueueCopy{Key: "1747193050123." + id, Size: 40, FirstSeenAt: before, SeenAt: at,
			QueueMessage: pipeline.QueueMessage{ID: id, Body: `{"order":"` + id + `"}`, SentAt: before, Receives: 2, Attributes: []pipeline.QueueAttribute{{Name: "tenant", Type: "String", Value: []byte("acme")}}}}
	}
	a, b, c := seen("a", at), seen("b", before), seen("c", at)
	a.Body = hostile
	c.MovedTo, c.MovedAt, c.MovedAs, c.Move = "orders", now.Add(-time.Minute), "new-c", "01m"
	return &queueStub{list: sampleQueues(now), look: pipeline.QueueLook{At: at, By: "m.okafor", Seen: 2, New: 0, All: true},
		copies: pipeline.Page[pipeline.QueueCopy]{Items: []pipeline.QueueCopy{a, b, c}, Next: "1747193050123.a"}}
}

func TestQueuesPage(t *testing.T) {
	now := time.Now().UTC()
	c := newQueueSite(t, &queueStub{list: sampleQueues(now)})
	doc, _ := c.get(t, "/queues", 200)
	wantText(t, doc.Find(".lede"), "About 1,210 messages lie in 3 dead-letter queues", "takes no message")
	rows := doc.Find("tbody tr")
	wantText(t, rows.Eq(0), "orders-dlq", "dead letters of orders", "1,204", "Look inside")
	wantText(t, rows.Eq(1), "bills-dlq", "dead letters of bills , legacy-bills")
	wantText(t, rows.Eq(2), "of our step index")
	wantText(t, rows.Eq(3), "gone", "Queue gone does not exist in this region and account.")
	wantText(t, rows.Eq(4), "orders", "gives up into orders-dlq after 5 receives", "4,210")
	if rows.Eq(0).Find(`a[href="/queues/orders"]`).Length() != 1 || rows.Eq(1).Find(`a[href="/queues/bills"]`).Length() != 0 {
		t.Error("only queues that are listed have a page to link to")
	}
	wantText(t, doc.Find("nav.nav-list"), "Queues")
	if strings.Contains(read(doc.Find("footer")), "Looking never changes") {
		t.Error("the foot promises what a look into a queue does not keep")
	}
	doc, _ = newQueueSite(t, &queueStub{list: []pipeline.Queue{}}).get(t, "/queues", 200)
	wantText(t, doc.Find("#queues"), "No queue is named", "prefix: legacy-")
	doc, _ = newQueueSite(t, &queueStub{}).get(t, "/queues", 404)
	wantText(t, doc.Find("main"), "need `backend: aws`")
}

func TestQueueNobodyLookedInto(t *testing.T) {
	s := &queueStub{list: sampleQueues(time.Now().UTC())}
	c := newQueueSite(t, s)
	doc, _ := c.get(t, "/queues/orders-dlq", 200)
	wantText(t, doc.Find("main"), "Nobody has looked inside from here.", "its receive count goes up by one", "30 at most", "Take a look", "Redrive all, about 1,206 messages", "4 days")
	doc, _ = c.get(t, "/queues/orders", 200)
	wantText(t, doc.Find("main"), "counts as one of the 5 receives after which this queue gives up", "goes to orders-dlq instead")
	doc, _ = c.get(t, "/queues/stock.fifo", 200)
	wantText(t, doc.Find("main"), "all later messages of its group wait too")
	if _, off := doc.Find(`input[name=native][value=""]`).Attr("disabled"); !off {
		t.Error("a FIFO queue offers a redrive that would lose its order")
	}
	doc, _ = c.get(t, "/queues/redrive-github-index-dlq", 200)
	wantText(t, doc.Find(".lede"), "Dead-letter queue of our own step index")
	doc, _ = c.get(t, "/queues/gone", 200)
	wantText(t, doc.Find(".lede"), "Queue gone does not exist")
	if doc.Find(`form[action$="/browse"] button[disabled], form[action$="/redrive"] button[disabled], form[action$="/purge"] button[disabled]`).Length() != 3 {
		t.Error("something can be done to a queue that does not exist")
	}
	c.get(t, "/queues/theirs", 404)
	if len(s.did) != 0 {
		t.Errorf("reading pages did %v", s.did)
	}
}

func TestQueueCopiesSayWhenTheyWereSeen(t *testing.T) {
	now := time.Now().UTC()
	s := seenQueue(now)
	c := newQueueSite(t, s)
	doc, _ := c.get(t, "/queues/orders-dlq?q=order", 200)
	if s.asked[0].Query != "order" || s.asked[0].Limit != 50 {
		t.Errorf("asked for %+v", s.asked[0])
	}
	rows := doc.Find("#queue-seen tbody tr")
	wantText(t, rows.Eq(0), hostile[:20], "2 times", "3 m ago", "1 attribute")
	wantText(t, rows.Eq(1), "2 h ago", "not in the last look")
	wantText(t, rows.Eq(2), "sent to orders")
	if n := rows.Find("input[name=ids]").Length(); n != 2 {
		t.Errorf("%d boxes; what was sent away has none", n)
	}
	wantText(t, doc.Find("#queue-seen"), "To orders, where they came from", "Redrive the selected", "3 messages shown")
	wantText(t, doc.Find("#queue"), "Last look 3 m ago", "2 seen, 0 of them new, by m.okafor")
	older, _ := doc.Find(`a[rel=next]`).Attr("href")
	if !strings.Contains(older, "cursor=1747193050123.a") || !strings.Contains(older, "q=order") {
		t.Errorf("older leads to %s", older)
	}
	r := httptest.NewRequest(http.MethodGet, "/queues/orders-dlq", nil)
	r.Header.Set("Redrive-Live", "queue")
	before := len(s.asked)
	if doc, _ = c.do(t, r, 200); len(s.asked) != before || doc.Find("#queue").Length() != 1 {
		t.Error("a page that follows a redrive reads all bodies again")
	}
	s.look.PurgedAt = now
	doc, _ = c.get(t, "/queues/orders-dlq", 200)
	wantText(t, doc.Find("#queue-seen tbody tr").Eq(0), "purged since")
	if doc.Find("input[name=ids]").Length() != 0 {
		t.Error("what was purged can be chosen")
	}
}

func TestQueueMessagePage(t *testing.T) {
	s := seenQueue(time.Now().UTC())
	c := newQueueSite(t, s)
	doc, _ := c.get(t, "/queues/orders-dlq/messages/1747193050123.b", 200)
	wantText(t, doc.Find("main"), "A message of orders-dlq", "seen 2 h ago", "only another look can tell", "tenant", "acme", `"order" : "b"`, "Redrive this message", "2 times")
	doc, _ = c.get(t, "/queues/orders-dlq/messages/1747193050123.c", 200)
	wantText(t, doc.Find("main"), "sent to orders", "where its id is new-c")
	if doc.Find(`form[action$="/redrive"]`).Length() != 0 {
		t.Error("what was sent away can be sent again")
	}
	c.get(t, "/queues/orders-dlq/messages/none", 404)
	_, w := c.post(t, "/queues/orders-dlq/messages/1747193050123.a/body", 200)
	if w.Body.String() != hostile || w.Header().Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment;") {
		t.Errorf("the file: %v %s", w.Header(), w.Body)
	}
}

func TestQueueForms(t *testing.T) {
	now := time.Now().UTC()
	s := seenQueue(now)
	c := newQueueSite(t, s)
	_, w := c.post(t, "/queues/orders-dlq/browse", 303, "max", "40")
	if w.Header().Get("Location") != "/queues/orders-dlq" || !strings.Contains(flashText(t, w.Result()), "Seen 40 messages, 12 of them for the first time.") {
		t.Errorf("leads to %s: %s", w.Header().Get("Location"), flashText(t, w.Result()))
	}
	doc, _ := c.post(t, "/queues/orders-dlq/browse", 400, "max", "5000")
	wantText(t, doc.Find("#look-error"), "A whole number from 1 to 1000.")
	c.post(t, "/queues/orders-dlq/redrive", 303, "selected", "true", "ids", "a", "ids", "b", "to", "orders", "reason", "it works again")
	c.post(t, "/queues/orders-dlq/redrive", 303, "all", "true", "native", "true", "to", "orders", "rate", "50", "reason", "it works again")
	if got := fmt.Sprintf("%+v", s.moved); got != "[{IDs:[a b] All:false To:orders Rate:0 Native:false Reason:it works again} {IDs:[] All:true To:orders Rate:50 Native:true Reason:it works again}]" {
		t.Errorf("moved %s", got)
	}
	doc, _ = c.post(t, "/queues/orders-dlq/redrive", 400, "selected", "true", "reason", "x")
	wantText(t, doc.Find("#selected-error"), "Tick the messages this is about.")
	doc, _ = c.post(t, "/queues/orders-dlq/redrive", 400, "selected", "true", "ids", "b", "reason", " ")
	wantText(t, doc.Find("#selected-error"), "Say why")
	if _, on := doc.Find("input[name=ids][value=b]").Attr("checked"); !on {
		t.Error("the ticked box is lost")
	}
	s.err = &pipeline.Error{Code: pipeline.CodeConflict, Text: "SQS moves messages out of queue orders-dlq already"}
	doc, _ = c.post(t, "/queues/orders-dlq/redrive", 409, "all", "true", "native", "true", "to", "bills-dlq", "rate", "7", "reason", "again")
	wantText(t, doc.Find("#all-error"), "SQS moves messages out of queue orders-dlq already.")
	if doc.Find("#all-rate").AttrOr("value", "") != "7" || doc.Find("#all-to option[selected]").AttrOr("value", "") != "bills-dlq" || doc.Find("#all-reason").Text() != "again" {
		t.Error("what was typed is lost")
	}
	s.err = nil
	doc, _ = c.post(t, "/queues/orders-dlq/purge", 409, "reason", "test data", "previewed", "1205")
	wantText(t, doc.Find("#purge"), "There is more in the queue than when you looked: about 1,205 then, 1,206 now; nothing was deleted")
	c.post(t, "/queues/orders-dlq/purge", 400, "reason", "test data", "previewed", "many")
	if seen := doc.Find("#purge input[name=previewed]").AttrOr("value", ""); seen != "1206" {
		t.Errorf("the form says that %q were seen", seen)
	}
	c.post(t, "/queues/orders-dlq/purge", 303, "reason", "test data", "previewed", "1206")
	doc, _ = c.post(t, "/queues/orders-dlq/purge", 400)
	wantText(t, doc.Find("#purge"), "Say why", "Delete about 1,206 messages for good", "It cannot be undone")
	if got := fmt.Sprint(s.did); got != "[browse orders-dlq 40 purge orders-dlq test data]" {
		t.Errorf("did %s", got)
	}
}

func TestQueueMoveOnItsPage(t *testing.T) {
	now := time.Now().UTC()
	s := seenQueue(now)
	s.moves = []pipeline.QueueMove{
		{ID: "01m", Queue: "orders-dlq", To: "orders", State: pipeline.MoveRunning, All: true, Matched: 1204, Moved: 301, Rate: 10, By: "m.okafor", Reason: hostile, StartedAt: now, Trouble: "AWS throttles sqs:SendMessage on queue orders", Skipped: []pipeline.Skip{}},
		{ID: "01l", Queue: "orders-dlq", To: "orders", State: pipeline.MoveDone, Matched: 3, Moved: 2, Missing: 1, Twice: 1, Open: []string{"lost-id"}, By: "local", Reason: "first try", StartedAt: now.Add(-time.Hour), FinishedAt: now.Add(-59 * time.Minute), Skipped: []pipeline.Skip{{Why: "came after the redrive started", Count: 4}}},
		{ID: "01k", Queue: "orders-dlq", Native: true, State: pipeline.MoveFailed, All: true, Matched: 9, By: "local", Reason: "y", StopReason: "AccessDenied", StartedAt: now.Add(-2 * time.Hour), FinishedAt: now.Add(-2 * time.Hour)},
	}
	c := newQueueSite(t, s)
	doc, _ := c.get(t, "/queues/orders-dlq", 200)
	wantText(t, doc.Find("#queue .prog"), "Running: 301 of about 1,204 moved", "Pause", "Cancel the rest, about 903", "It waits: AWS throttles", "10/s")
	wantText(t, doc.Find("#redrive"), "A redrive of this queue is running; one at a time.")
	wantText(t, doc.Find("#move-01l"), "Redrive 3 selected messages to orders", "done", "2 of 3 moved", "1 selected message was not found any more: lost-id", "4 left: came after the redrive started", "1 may be in orders twice")
	wantText(t, doc.Find("#move-01k"), "SQS’s own move", "failed", "AccessDenied")
	c.post(t, "/queues/orders-dlq/moves/01m/cancel", 303, "reason", "enough")
	c.post(t, "/queues/orders-dlq/moves/01m/pause", 303)
	c.post(t, "/queues/orders-dlq/moves/01m/resume", 303, "rate", "3")
	if got := fmt.Sprint(s.did); got != "[cancel orders-dlq 01m enough pause orders-dlq 01m  resume orders-dlq 01m ]" {
		t.Errorf("did %s", got)
	}
	doc, _ = c.post(t, "/queues/orders-dlq/moves/01m/cancel", 400)
	wantText(t, doc.Find("#cancel"), "Say why")
	s.moves[0].State = pipeline.MovePaused
	doc, _ = c.get(t, "/queues/orders-dlq", 200)
	wantText(t, doc.Find("#queue .prog"), "Paused: 301", "Resume")
}

func TestQueueTargets(t *testing.T) {
	list := sampleQueues(time.Now())
	labels := func(name string, tell bool) string {
		for _, q := range list {
			if q.Name == name {
				var out []string
				for _, c := range queueTargets(q, list, tell) {
					out = append(out, c.Value+"="+c.Label)
				}
				return strings.Join(out, "; ")
			}
		}
		return ""
	}
	for _, tt := range []struct {
		queue string
		tell  bool
		want  string
	}{
		{"orders-dlq", false, "orders=orders, where they came from; bills-dlq=bills-dlq; redrive-github-index-dlq=redrive-github-index-dlq"},
		{"bills-dlq", false, "=Choose: it has several sources; bills=bills, where they came from; legacy-bills=legacy-bills, where they came from"},
		{"bills-dlq", true, "=each where it came from; bills=bills, where they came from"},
		{"orders", false, "=Choose a queue; bills-dlq=bills-dlq"},
		{"stock.fifo", false, "=Choose a queue"},
	} {
		if got := labels(tt.queue, tt.tell); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s", tt.queue, got)
		}
	}
}

// flashText is what the next page will say.
func flashText(t *testing.T, answer *http.Response) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range answer.Cookies() {
		r.AddCookie(cookie)
	}
	if f := flashFrom(r); f != nil {
		return f.Text
	}
	return ""
}
