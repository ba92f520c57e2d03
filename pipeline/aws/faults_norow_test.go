package aws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline"
)

// TestMessagesThatAreNoRow are set aside with their reason, whatever they are,
// and the step's own rows go on.
func TestMessagesThatAreNoRow(t *testing.T) {
	w := newWorks(t)
	w.strict = true
	m := w.start().ready()
	done := m.submit(1)[0]
	w.finished(leeway{})
	stranger := newRowID("single", time.Now(), 0)
	news := pipeline.NewRow{Pipeline: "single", Graph: strangeGraph(t), Status: pipeline.StatusAccepted, At: time.Now(), Payload: []byte("{}")}
	if err := m.store.graphs.keep(t.Context(), news.Graph); err != nil {
		t.Fatal(err)
	}
	if err := m.store.table.put(t.Context(), rows{m.store}.flags(&news, stranger)); err != nil {
		t.Fatal(err)
	}
	for i, tc := range []struct{ name, body, reason string }{
		{"text", "hello", "it names no row"},
		{"an empty object", "{}", "it names no row"},
		{"a number", "42", "it names no row"},
		{"a list", `[{"row":"` + done + `"}]`, "it names no row"},
		{"JSON that ends in the middle", `{"row":"` + done, "it names no row"},
		{"another's JSON", `{"Records":[{"eventSource":"aws:s3"}]}`, "it names no row"},
		{"an id of another form", `{"row":"00000000-0000-0000-0000-000000000000","gen":0}`, "it names no row"},
		{"an id with a letter that no id has", `{"row":"` + done[:25] + `u","gen":0}`, "it names no row"},
		{"numbers of a wrong kind", `{"row":"` + done + `","gen":"0"}`, "it names no row"},
		{"200 kB of text", strings.Repeat("x", 200<<10), "it names no row"},
		{"a row that does not exist", messageBody(newRowID(ordersPipeline, time.Now(), 0).text, 0), "does not exist"},
		{"a row of another pipeline", messageBody(stranger.text, 0), "of pipeline single"},
		{"a generation that there never was", messageBody(done, 7), "never queued so often"},
		{"a generation below all", messageBody(done, -1), "never queued so often"},
	} {
		w.put("check", tc.body)
		dead := namesOf(Config{Prefix: w.prefix}).dead(ordersPipeline, "check")
		w.within(10*time.Second, tc.name+" is set aside", func() bool { return w.depth(dead) > 0 })
		for _, got := range w.draw(dead) {
			reason := sdkaws.ToString(got.MessageAttributes[reasonAttribute].StringValue)
			if *got.Body != tc.body || !strings.Contains(reason, tc.reason) || sdkaws.ToString(got.MessageAttributes[fromAttribute].StringValue) != w.prefix+"orders-check" {
				t.Errorf("%s: set aside as %.50q because %q", tc.name, *got.Body, reason)
			}
		}
		if i%5 == 0 {
			m.submit(1)
		}
	}
	w.reconcileWith(stranger.text)
}

// reconcileWith leaves out a row that is none of the test's pipeline.
func (w *works) reconcileWith(stranger string) {
	id, _ := parseID(stranger)
	if err := w.processes[0].store.table.delete(w.t.Context(), id.pk(), id.text); err != nil {
		w.t.Fatal(err)
	}
	w.reconcile(leeway{})
}

func strangeGraph(t *testing.T) *pipeline.Graph {
	t.Helper()
	g, err := pipeline.NewGraph("single", []pipeline.Node{{Name: "check"}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestAMessageOfAnotherStep is stale or harmless: the step it came to has not
// begun, or is over.
func TestAMessageOfAnotherStep(t *testing.T) {
	w := newWorks(t)
	w.strict = true
	w.down.takes = 300 * time.Millisecond
	m := w.start().ready()
	ids := m.submit(4)
	for _, id := range ids {
		for _, step := range []string{"bill", "pack", "ship"} {
			w.put(step, messageBody(id, 0))
		}
	}
	w.reconcile(leeway{})
}

// TestADeadLetterQueueThatIsAway keeps a message that is no row where it is: it
// comes back now and then, and rows go on beside it.
func TestADeadLetterQueueThatIsAway(t *testing.T) {
	w := newWorks(t)
	w.strict = true
	w.put("check", "hello")
	dead := namesOf(Config{Prefix: w.prefix}).dead(ordersPipeline, "check")
	if _, err := w.client().DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: w.url(dead)}); err != nil {
		t.Fatal(err)
	}
	m := w.start().ready()
	m.submit(3)
	w.finished(leeway{})
	polls := w.sqs.Count("ReceiveMessage")
	time.Sleep(3 * time.Second)
	if polls = w.sqs.Count("ReceiveMessage") - polls; polls > 40 {
		t.Errorf("%d polls in three seconds: a loop", polls)
	}
	w.makeQueue(dead)
	w.reconcile(leeway{aside: 1})
}

// TestDuplicatesAreHarmless sends messages again: while their step runs, after it
// is over, of an older generation.
func TestDuplicatesAreHarmless(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.exclusive = true, exclusive
			w.down.takes = 1500 * time.Millisecond
			m := w.start().ready()
			ids := m.submit(5)
			w.within(10*time.Second, "all are being checked", func() bool { return w.down.all() == 5 })
			for _, id := range ids { // while it runs
				w.put("check", messageBody(id, 0), messageBody(id, 0))
			}
			w.within(time.Minute, "one is dead", func() bool { return m.letters() == 1 })
			w.down.change(func(l *ledger) { l.mended = true })
			m.redriveAll()
			for _, id := range ids { // after it is over, also of older generations
				for _, step := range []string{"check", "bill", "pack", "ship"} {
					w.put(step, messageBody(id, 0))
				}
			}
			w.reconcile(leeway{})
		})
	}
}

// TestDuplicatesBesideARetry: two messages for one step that has failed once and
// waits. Which of them comes first does not matter, and neither is taken for an
// attempt that was cut off.
func TestDuplicatesBesideARetry(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		t.Run(map[bool]string{true: "with claims", false: "without"}[exclusive], func(t *testing.T) {
			w := newWorks(t)
			w.strict, w.exclusive = true, exclusive
			w.shape = func(c *pipeline.Config) {
				for i := range c.Pipelines[0].Steps {
					c.Pipelines[0].Steps[i].Retry.Base, c.Pipelines[0].Steps[i].Retry.Cap = 1500*time.Millisecond, 1500*time.Millisecond
				}
			}
			w.down.script = func(c pipeline.Call, calls int) pipeline.Answer {
				if c.Step == "check" && calls <= 3 {
					return pipeline.Answer{Kind: pipeline.AnswerTransient, StatusCode: 503, Error: fmt.Sprintf("503 for the time %d", calls)}
				}
				return pipeline.Answer{StatusCode: 200}
			}
			m := w.start().ready()
			ids := m.submit(3)
			for range 4 {
				time.Sleep(900 * time.Millisecond)
				for _, id := range ids {
					w.put("check", messageBody(id, 0))
				}
			}
			w.reconcile(leeway{})
		})
	}
}

// TestDuplicatesOverTwoProcesses: an exclusive step is called once, whoever
// receives its messages.
func TestDuplicatesOverTwoProcesses(t *testing.T) {
	w := newWorks(t)
	w.strict, w.exclusive = true, true
	w.down.takes = 500 * time.Millisecond
	first := w.start().ready()
	w.start().ready()
	ids := first.submit(10)
	for _, id := range ids {
		w.put("check", messageBody(id, 0), messageBody(id, 0))
	}
	w.reconcile(leeway{})
}
