package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

type queueDoc struct {
	Name            string   `json:"name"`
	Kind            string   `json:"kind"`
	Visible         int      `json:"visible"`
	InFlight        int      `json:"in_flight"`
	DeadLetterQueue *string  `json:"dead_letter_queue"`
	Sources         []string `json:"sources"`
	Pipeline        *string  `json:"pipeline"`
	Messages        []struct {
		ID       string  `json:"id"`
		Body     string  `json:"body"`
		Receives int     `json:"receive_count"`
		MovedTo  *string `json:"moved_to"`
	} `json:"messages"`
	Moves []moveDoc `json:"moves"`
}

type moveDoc struct {
	ID      string `json:"id"`
	To      string `json:"to"`
	State   string `json:"state"`
	Matched int    `json:"matched"`
	Moved   int    `json:"moved"`
	Missing int    `json:"missing"`
	By      string `json:"by"`
}

type sightDoc struct {
	Seen     int  `json:"seen"`
	New      int  `json:"new"`
	All      bool `json:"all"`
	Messages []struct {
		ID, Body string
	} `json:"messages"`
}

// Queues that are not Redrive's: listed with what they belong to, looked into,
// redriven by choice and all of them, purged for a reason.
func TestAWSOtherQueues(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	dead := p.aws.makeQueue(t, "legacy-dlq")
	legacy := p.aws.makeQueue(t, "legacy", "RedrivePolicy", `{"deadLetterTargetArn":"`+dead.arn()+`","maxReceiveCount":"3"}`)
	other := p.aws.makeQueue(t, "orders")
	p.aws.makeQueue(t, "hidden")
	var ids []string
	for i := range 6 {
		ids = append(ids, dead.put(fmt.Sprintf(`{"order":%d}`, i), "tenant", "acme"))
	}
	p.start(configuration([]string{step("call")}, "queues: [{prefix: "+legacy.name+"}, {name: "+other.name+"}]"))

	list := read[struct{ Queues []queueDoc }](p, "/api/v1/queues").Queues
	var names []string
	for _, q := range list {
		names = append(names, strings.TrimPrefix(q.Name, p.aws.prefix))
		if q.Name == legacy.name && (q.DeadLetterQueue == nil || *q.DeadLetterQueue != dead.name) {
			t.Errorf("queue %+v", q)
		}
		if q.Name == dead.name && (q.Kind != "dead-letter" || q.Visible != 6 || !slices.Equal(q.Sources, []string{legacy.name})) {
			t.Errorf("queue %+v", q)
		}
	}
	slices.Sort(names)
	equal(t, "queues", strings.Join(names, " "), "legacy legacy-dlq orders")
	path := "/api/v1/queues/" + dead.name
	equal(t, "messages before a look", len(read[queueDoc](p, path).Messages), 0)

	sight := decode[sightDoc](p.post(path+"/browse", body{"max": 10}).want(http.StatusOK))
	equal(t, "a look", [...]any{sight.Seen, sight.New, sight.All}, [...]any{6, 6, true})
	seen := read[queueDoc](p, path)
	equal(t, "copies", len(seen.Messages), 6)
	equal(t, "copies that match", len(read[queueDoc](p, path+"?q=%22order%22:4").Messages), 1)
	page := string(p.get("/queues/" + dead.name).want(http.StatusOK).body)
	if !strings.Contains(page, ids[2]) {
		t.Errorf("the page of the queue does not show message %s", ids[2])
	}

	p.post(path+"/redrive", body{"ids": ids[:2]}).refused(http.StatusBadRequest, "reason")
	m := decode[moveDoc](p.post(path+"/redrive", body{"ids": []string{ids[1], ids[4]}, "reason": "these two are mended"}).want(http.StatusAccepted))
	equal(t, "to", m.To, legacy.name)
	m = p.queueMove(path, m.ID)
	equal(t, "state, moved, missing", [...]any{m.State, m.Moved, m.Missing, m.By}, [...]any{"done", 2, 0, "local"})
	moved := legacy.takes(2)
	for _, want := range []string{`{"order":1}`, `{"order":4}`} {
		if !strings.Contains(bodies(moved), want) {
			t.Errorf("%s was not moved; there is %s", want, bodies(moved))
		}
	}
	equal(t, "an attribute", *moved[0].MessageAttributes["tenant"].StringValue, "acme")
	eventually(t, "the rest to be seen again", func() int { return read[queueDoc](p, path).Visible }, is(4))

	m = decode[moveDoc](p.post(path+"/redrive", body{"all": true, "to": other.name, "reason": "elsewhere"}).want(http.StatusAccepted))
	m = p.queueMove(path, m.ID)
	equal(t, "state, moved", [...]any{m.State, m.Moved}, [...]any{"done", 4})
	equal(t, "left", dead.depth(), 0)
	equal(t, "moved", other.depth(), 4)

	p.post("/api/v1/queues/"+other.name+"/purge", body{}).refused(http.StatusBadRequest, "reason")
	p.post("/api/v1/queues/"+other.name+"/purge", body{"reason": "test data"}).want(http.StatusOK)
	eventually(t, "the purged queue to be empty", other.depth, is(0))
	for action, reason := range map[string]string{"queue.redrive": "elsewhere", "queue.purge": "test data"} {
		entry := p.audited(action)
		equal(t, action, entry.Actor+" "+text(entry.Reason), "local "+reason)
	}
	equal(t, "moves", len(read[queueDoc](p, path).Moves), 2)
	for _, foreign := range []string{"hidden", "github-call"} {
		p.get("/api/v1/queues/"+p.aws.prefix+foreign).refused(http.StatusNotFound, foreign)
		p.post("/api/v1/queues/"+p.aws.prefix+foreign+"/purge", body{"reason": "r"}).refused(http.StatusNotFound, foreign)
	}
}

// queueMove waits until a redrive of a queue is over.
func (p *testProgram) queueMove(path, id string) moveDoc {
	p.t.Helper()
	return eventually(p.t, "the redrive of a queue", func() moveDoc { return read[moveDoc](p, path+"/moves/"+id) }, func(m moveDoc) bool { return m.State != "running" })
}

// SQS's own redrive is used where there is one. Where there is none, that is
// said, and nothing else is done.
func TestAWSNativeRedrive(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	dead := p.aws.makeQueue(t, "legacy-dlq")
	legacy := p.aws.makeQueue(t, "legacy", "RedrivePolicy", `{"deadLetterTargetArn":"`+dead.arn()+`","maxReceiveCount":"3"}`)
	dead.put("{}")
	p.start(configuration([]string{step("call")}, "queues: [{prefix: "+legacy.name+"}]"))
	a := p.post("/api/v1/queues/"+dead.name+"/redrive", body{"all": true, "native": true, "reason": "all of it"})
	if a.status == http.StatusAccepted {
		m := p.queueMove("/api/v1/queues/"+dead.name, decode[moveDoc](a).ID)
		t.Fatalf("an emulator without move tasks made one: %+v", m)
	}
	if a.status >= 500 || !strings.Contains(string(a.body), "move") {
		t.Errorf("answered %d: %s", a.status, a.body)
	}
	equal(t, "messages left", dead.depth(), 1)
}
