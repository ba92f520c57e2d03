package main

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"redrive/pipeline/aws/awstest"
)

// endsWithin is how long a process may take to end, on a busy machine.
const endsWithin = 40 * time.Second

// answersWithin is how long a sender waits for an answer during an outage.
const answersWithin = 15 * time.Second

// Without DynamoDB nothing can be accepted, and senders are told to come again:
// whether it cannot be reached, does not answer, or refuses.
func TestAWSWithoutDynamoDB(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.spawn(configuration([]string{step("call")}))
	p.becomes(p.acceptOne(), "done")
	never := make(chan struct{})
	for what, harm := range map[string]awstest.Harm{"is out of reach": awstest.Cut(), "does not answer": awstest.Gate(never)} {
		p.aws.dynamodb.Inject(awstest.Fault{Do: harm})
		key := newKey()
		var all sync.WaitGroup
		for _, path := range []string{"/ingest/github", "/ingest/github/batch"} {
			all.Go(func() {
				began := time.Now()
				a := p.deliverTo(path, key, []byte(`{"n":1}`))
				if took := time.Since(began); took > answersWithin {
					t.Errorf("while DynamoDB %s, %s took %s", what, path, took)
				}
				a.refused(http.StatusServiceUnavailable, "")
				if a.header.Get("Retry-After") == "" {
					t.Errorf("while DynamoDB %s, %s has no Retry-After", what, path)
				}
			})
		}
		all.Go(func() { p.send(http.MethodGet, "/api/v1/rows", "").refused(http.StatusServiceUnavailable, "dynamodb:") })
		all.Go(func() {
			began := time.Now()
			equal(t, "the rows page while it "+what, p.send(http.MethodGet, "/rows", "").status, http.StatusServiceUnavailable)
			if took := time.Since(began); took > answersWithin+5*time.Second {
				t.Errorf("while DynamoDB %s, the rows page took %s", what, took)
			}
		})
		equal(t, "readyz while it "+what, p.get("/readyz").status, http.StatusServiceUnavailable)
		equal(t, "healthz while it "+what, p.get("/healthz").status, http.StatusOK)
		all.Wait()
		p.aws.dynamodb.Heal()
		p.ready()
		p.becomes(decode[takenDoc](p.deliver(key, []byte(`{"n":1}`)).want(http.StatusAccepted)).ID, "done")
	}
	counted := eventually(t, "counters", func() int { return p.rows("done") }, is(3))
	equal(t, "rows", len(p.all()), counted)
}

// Asked to end while DynamoDB is away, it ends in time, and says what was not
// written in one sentence.
func TestAWSEndsWithoutDynamoDB(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	s := p.spawn(configuration([]string{step("call")}))
	p.becomes(p.acceptOne(), "done")
	p.aws.dynamodb.SetDown(true)
	began := time.Now()
	s.signal(syscall.SIGTERM)
	equal(t, "exit code", s.code(), exitFailed)
	if took := time.Since(began); took > endsWithin {
		t.Errorf("it took %s to end", took)
	}
	lines := strings.Split(strings.TrimSpace(s.said()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "server: what this process counted last is not written: dynamodb:") {
		t.Errorf("its last words are %s", last)
	}
}

func text(s *string) string {
	if s == nil {
		return "nothing"
	}
	return *s
}

// Without SQS rows are accepted all the same, and run once it is back.
func TestAWSWithoutSQS(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	s := p.spawn(configuration([]string{step("first"), step("second", "needs: [first]")}, "sweep: {stuck_after: 1s}"))
	p.becomes(p.acceptOne(), "done")
	p.aws.sqs.SetDown(true)
	accept := func(n int) []string {
		var ids []string
		for range n {
			began := time.Now()
			ids = append(ids, decode[takenDoc](p.deliver(newKey(), []byte(`{}`)).want(http.StatusAccepted)).ID)
			if took := time.Since(began); took > answersWithin {
				t.Errorf("a delivery took %s", took)
			}
		}
		return ids
	}
	ids := accept(3)
	equal(t, "readyz", p.get("/readyz").status, http.StatusOK)
	p.aws.sqs.SetDown(false)
	p.allBecome(ids, "done")

	p.aws.sqs.SetDown(true)
	ids = accept(3)
	s.signal(os.Kill) // what it wanted to send goes with it
	s.code()
	p.aws.sqs.SetDown(false)
	p.spawn(configuration([]string{step("first"), step("second", "needs: [first]")}, "sweep: {stuck_after: 1s}"))
	eventually(t, "a sweep that finds them", func() int {
		p.sweep(body{})
		done := 0
		for _, id := range ids {
			if p.row(id).Status == "done" {
				done++
			}
		}
		return done
	}, is(len(ids)))
}

// CloudWatch and SNS are no part of being ready. The alarms are judged here, and
// their page says since when it has not been heard of.
func TestAWSWithoutCloudWatchAndSNS(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.aws.cloudwatch.SetDown(true)
	p.aws.sns.SetDown(true)
	began := time.Now()
	s := p.spawn(configuration([]string{step("call")}, `alarms: [{name: dead, metric: dead_letters, threshold: 1, period: 10s, severity: page}]
notify:
  - {kind: sms, phone: "+4917012345678", severities: [page]}
  - {kind: webhook, url: "${DOWNSTREAM}/pager", severities: [page]}`))
	if took := time.Since(began); took > startsWithin {
		t.Errorf("the start took %s", took)
	}
	if log := s.said(); !strings.Contains(log, "cloudwatch:DescribeAlarms") {
		t.Errorf("the log does not tell of CloudWatch:\n%s", log)
	}
	p.down.on("call", always(422))
	p.die(1)
	a := eventually(t, "the alarm", func() alarmDoc { return p.alarm("dead") }, func(a alarmDoc) bool {
		return a.State == "alarm" && len(a.History) > 0 && len(a.History[0].Notified) == 2
	})
	for _, n := range a.History[0].Notified {
		equal(t, n.Route, n.OK, strings.HasPrefix(n.Route, "webhook"))
		if !n.OK && (n.Error == nil || !strings.Contains(*n.Error, "SNS")) {
			t.Errorf("%s was told: %v", n.Route, text(n.Error))
		}
	}
	eventually(t, "the page of the alarms", func() string { return string(p.get("/alarms").want(http.StatusOK).body) }, func(page string) bool {
		return strings.Contains(page, "CloudWatch has not answered since")
	})
	equal(t, "readyz", p.get("/readyz").status, http.StatusOK)
}
