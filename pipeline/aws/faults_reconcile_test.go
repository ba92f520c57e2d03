package aws

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
)

// leeway is what a test allows beyond the strict order of things.
type leeway struct {
	within    time.Duration // until everything is finished; a minute
	overlaps  bool          // a step may have been called twice at the same time
	aside     int           // messages that are in dead-letter queues in the end
	discarded []string      // rows that are set aside
}

// reconcile waits until every row is finished, ends all processes, and compares
// what the table, the queues and the downstream say.
func (w *works) reconcile(l leeway) {
	w.t.Helper()
	w.finished(l)
	w.drained(l.aside)
	w.dynamo.Heal()
	w.sqs.Heal()
	s := w.aside(w.emulators, w.newWire())
	b, rows := s.Backend(), w.rows(s)
	w.counted(b, rows)
	for _, m := range w.processes {
		m.end()
	}
	if text := w.down.complaints(l.overlaps); text != "" {
		w.t.Error(text)
	}
	w.haveAll(rows, l)
	for _, r := range rows {
		w.reconcileRow(b, r, l)
	}
	w.reconcileLetters(b, rows)
	for _, wrong := range w.miscounted(b, rows) {
		w.t.Error(wrong)
	}
}

// rows are all there are.
func (w *works) rows(s *Store) []pipeline.Row {
	w.t.Helper()
	var all []pipeline.Row
	for f := (pipeline.RowFilter{Limit: 500}); ; {
		page, err := s.Backend().Rows.List(w.t.Context(), f)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page.Items...)
		if f.Cursor = page.Next; f.Cursor == "" {
			return all
		}
	}
}

// finished waits until each row has come to its end.
func (w *works) finished(l leeway) {
	w.t.Helper()
	if l.within == 0 {
		l.within = time.Minute
	}
	s := w.aside(w.emulators, w.newWire())
	open := map[string]string{}
	l.within *= busy
	for deadline := time.Now().Add(l.within); ; time.Sleep(200 * time.Millisecond) {
		rows := w.rows(s)
		clear(open)
		for _, r := range rows {
			if why := w.unfinished(&r, l); why != "" {
				open[r.ID] = why
			}
		}
		if len(open) == 0 && len(rows) >= len(w.accepted) {
			return
		}
		if time.Now().After(deadline) {
			for _, id := range slices.Sorted(maps.Keys(open)) {
				w.t.Errorf("row %s: %s", id, open[id])
			}
			w.t.Fatalf("after %s %d of %d rows are not finished", l.within, len(open), len(rows))
		}
	}
}

// unfinished says which step of a row is not where it ends.
func (w *works) unfinished(r *pipeline.Row, l leeway) string {
	if slices.Contains(l.discarded, r.ID) {
		if r.Status != pipeline.StatusDiscarded {
			return "it is " + string(r.Status)
		}
		return ""
	}
	if r.Status == pipeline.StatusRejected {
		return ""
	}
	dead := r.Status == pipeline.StatusDead
	for _, n := range orders {
		f, _ := r.Flag(n.Name)
		switch {
		case f.State == pipeline.StateProcessed:
		case dead && (f.State == pipeline.StateDead || len(n.Needs) > 1 && f.State == ""):
		default:
			return fmt.Sprintf("%s is %q after %d attempts (%s)", n.Name, f.State, f.Attempts, f.LastError)
		}
	}
	return ""
}

// haveAll looks for every id that was answered.
func (w *works) haveAll(rows []pipeline.Row, l leeway) {
	w.t.Helper()
	there := map[string]bool{}
	for _, r := range rows {
		there[r.ID] = true
	}
	for _, id := range w.accepted {
		if !there[id] {
			w.t.Errorf("row %s was accepted and is not there", id)
		}
	}
	if most := len(w.accepted) + w.unsure; len(rows) > most {
		w.t.Errorf("there are %d rows, and only %d were ever sent", len(rows), most)
	}
}

// reconcileRow compares a row's flags, its attempts and what the downstream saw.
func (w *works) reconcileRow(b pipeline.Backend, r pipeline.Row, l leeway) {
	w.t.Helper()
	d, err := b.Rows.Get(w.t.Context(), r.ID)
	if err != nil {
		w.t.Errorf("row %s: %v", r.ID, err)
		return
	}
	dies := numberOf(d.Payload)%5 == 4 && !w.down.isMended() && w.down.script == nil
	if want := map[bool]pipeline.Status{true: pipeline.StatusDead, false: pipeline.StatusDone}[dies]; w.down.script == nil && d.Status != want && !slices.Contains(l.discarded, r.ID) {
		w.t.Errorf("row %s (%s) is %s, want %s: %+v", r.ID, d.Payload, d.Status, want, d.Steps)
	}
	outcomes := map[string]map[pipeline.AttemptOutcome]int{}
	numbers := map[string][]int{}
	for _, a := range d.Attempts {
		if outcomes[a.Step] == nil {
			outcomes[a.Step] = map[pipeline.AttemptOutcome]int{}
		}
		outcomes[a.Step][a.Outcome]++
		numbers[a.Step] = append(numbers[a.Step], a.Number)
	}
	for _, n := range orders {
		f, _ := d.Flag(n.Name)
		got := outcomes[n.Name]
		w.reconcileStep(r.ID, f, n.Name, got, numbers[n.Name])
	}
}

func (w *works) reconcileStep(row string, f pipeline.Flag, step string, got map[pipeline.AttemptOutcome]int, numbers []int) {
	w.t.Helper()
	processed := 0
	if f.State == pipeline.StateProcessed {
		processed = 1
	}
	if got[pipeline.AttemptProcessed] != processed {
		w.t.Errorf("row %s: %s is %q, with attempts %v", row, step, f.State, got)
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			w.t.Errorf("row %s: the attempts of %s have the numbers %v", row, step, numbers)
			break
		}
	}
	if len(numbers) != f.Attempts {
		w.t.Errorf("row %s: %s counts %d attempts, and %d are kept", row, step, f.Attempts, len(numbers))
	}
	w.down.mu.Lock()
	defer w.down.mu.Unlock()
	e := w.down.of[rowStep{row, step}]
	if e == nil {
		e = &entries{}
	}
	if processed == 1 && e.good == 0 {
		w.t.Errorf("row %s: the flag of %s is set, and the downstream never did it", row, step)
	}
	if w.strict && (e.calls != len(numbers) || e.good != processed || got[pipeline.AttemptLost] > 0) {
		w.t.Errorf("row %s: %s was called %d times, done %d times; its attempts are %v", row, step, e.calls, e.good, got)
	}
}

// reconcileLetters: each dead step has its letter, each letter its dead step.
func (w *works) reconcileLetters(b pipeline.Backend, rows []pipeline.Row) {
	w.t.Helper()
	want, dead := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if r.Status == pipeline.StatusDiscarded {
			continue
		}
		for _, f := range r.Steps {
			if f.State == pipeline.StateDead {
				want[r.ID+"/"+f.Name], dead[r.ID] = true, true
			}
		}
	}
	letters, err := b.Letters.List(w.t.Context(), pipeline.LetterFilter{Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range letters.Items {
		if !want[l.Row+"/"+l.Step] {
			w.t.Errorf("row %s: %s has a dead letter and is not dead, or has two", l.Row, l.Step)
		}
		delete(want, l.Row+"/"+l.Step)
	}
	for missing := range want {
		w.t.Errorf("%s is dead without a letter", missing)
	}
	list, err := b.Rows.List(w.t.Context(), pipeline.RowFilter{Status: pipeline.StatusDead, Limit: 500})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range list.Items {
		delete(dead, r.ID)
	}
	for missing := range dead {
		w.t.Errorf("row %s is dead and not on the list", missing)
	}
}

// counted waits a moment until the counters say what the rows do.
func (w *works) counted(b pipeline.Backend, rows []pipeline.Row) {
	w.t.Helper()
	for deadline := time.Now().Add(busy * 20 * time.Second); len(w.miscounted(b, rows)) > 0 && time.Now().Before(deadline); {
		time.Sleep(200 * time.Millisecond)
	}
}

// miscounted adds up what the rows say and compares.
func (w *works) miscounted(b pipeline.Backend, rows []pipeline.Row) (wrong []string) {
	w.t.Helper()
	c, err := b.Metrics.Counts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	status := map[pipeline.Status]int64{}
	steps := map[string]map[pipeline.State]int64{}
	for _, n := range orders {
		steps[n.Name] = map[pipeline.State]int64{}
	}
	for _, r := range rows {
		status[r.Status]++
		if r.Status == pipeline.StatusDiscarded {
			continue
		}
		for _, n := range orders {
			f, ok := r.Flag(n.Name)
			if !ok {
				f.State = pipeline.StateWaiting
			}
			steps[n.Name][f.State]++
		}
	}
	for _, s := range pipeline.Statuses() {
		if c.Rows[ordersPipeline][s] != status[s] {
			wrong = append(wrong, fmt.Sprintf("%d rows are counted as %s, and %d are", c.Rows[ordersPipeline][s], s, status[s]))
		}
	}
	for _, n := range orders {
		got := c.Steps[pipeline.StepKey{Pipeline: ordersPipeline, Step: n.Name}]
		for state, counted := range map[pipeline.State]int64{pipeline.StateWaiting: got.Waiting, pipeline.StateQueued: got.Queued,
			pipeline.StateRunning: got.Running, pipeline.StateRetrying: got.Retrying, pipeline.StateDead: got.Dead, pipeline.StateProcessed: got.ProcessedTotal} {
			if counted != steps[n.Name][state] {
				wrong = append(wrong, fmt.Sprintf("at %s %d are counted as %s, and %d are", n.Name, counted, state, steps[n.Name][state]))
			}
		}
	}
	return wrong
}

// drained waits until no queue has a message any more, and counts those that were
// set aside.
func (w *works) drained(aside int) {
	w.t.Helper()
	deadline := time.Now().Add(busy * (2*w.lease + 10*time.Second))
	n := namesOf(Config{Prefix: w.prefix})
	for _, node := range orders {
		name := n.queue(ordersPipeline, node.Name)
		for w.depth(name) > 0 {
			if time.Now().After(deadline) {
				w.t.Errorf("queue %s still has %d messages: %q", name, w.depth(name), w.look(name))
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		for _, m := range w.take(n.dead(ordersPipeline, node.Name)) {
			if m.MessageAttributes[reasonAttribute].StringValue != nil {
				aside--
			}
		}
	}
	if aside != 0 {
		w.t.Errorf("%d messages that should be set aside are not", aside)
	}
}

// depth is how many messages a queue has, seen or hidden.
func (w *works) depth(name string) int {
	w.t.Helper()
	out, err := w.client().GetQueueAttributes(w.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: w.url(name), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0
	for _, a := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		n, _ := strconv.Atoi(out.Attributes[a])
		sum += n
	}
	return sum
}

func (w *works) url(name string) *string {
	w.t.Helper()
	out, err := w.client().GetQueueUrl(w.t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.QueueUrl
}

// look is what a queue has to show.
func (w *works) look(name string) []string {
	w.t.Helper()
	var bodies []string
	for _, m := range w.take(name) {
		bodies = append(bodies, sdkaws.ToString(m.Body))
	}
	return bodies
}

// take receives messages that anybody may receive again at once.
func (w *works) take(name string) []types.Message {
	w.t.Helper()
	messages := w.receiveFrom(name)
	for _, m := range messages {
		if _, err := w.client().ChangeMessageVisibility(w.t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: w.url(name), ReceiptHandle: m.ReceiptHandle}); err != nil {
			w.t.Fatal(err)
		}
	}
	return messages
}

// draw receives messages for good.
func (w *works) draw(name string) []types.Message {
	w.t.Helper()
	messages := w.receiveFrom(name)
	for _, m := range messages {
		if _, err := w.client().DeleteMessage(w.t.Context(), &sqs.DeleteMessageInput{QueueUrl: w.url(name), ReceiptHandle: m.ReceiptHandle}); err != nil {
			w.t.Fatal(err)
		}
	}
	return messages
}

func (w *works) receiveFrom(name string) []types.Message {
	w.t.Helper()
	out, err := w.client().ReceiveMessage(w.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: w.url(name), MaxNumberOfMessages: 10,
		MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Messages
}

// put puts a body straight into a step's queue.
func (w *works) put(step string, bodies ...string) {
	w.t.Helper()
	for _, body := range bodies {
		if _, err := w.client().SendMessage(w.t.Context(), &sqs.SendMessageInput{QueueUrl: w.url(namesOf(Config{Prefix: w.prefix}).queue(ordersPipeline, step)), MessageBody: &body}); err != nil {
			w.t.Fatal(err)
		}
	}
}
