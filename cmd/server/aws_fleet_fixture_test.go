package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline/signature"
)

// fleet is the program in several processes on one backend.
type fleet struct {
	*testProgram
	config  string
	members []*member

	mu       sync.Mutex
	accepted []string // ids that were answered for
}

// member is one of the processes. The address of one that is started again
// changes.
type member struct {
	f    *fleet
	args []string
	url  atomic.Pointer[string]
	proc *process
}

func newFleet(t *testing.T, config string) *fleet {
	t.Helper()
	return &fleet{testProgram: newProgram(t), config: config}
}

// join starts one more process.
func (f *fleet) join(args ...string) *member {
	f.t.Helper()
	m := &member{f: f, args: args}
	m.start()
	f.members = append(f.members, m)
	return m
}

func (m *member) start() {
	m.f.t.Helper()
	own := *m.f.testProgram
	m.proc = own.spawn(m.f.config, m.args...)
	m.url.Store(&own.url)
}

// at is the program as this process answers for it.
func (m *member) at() *testProgram {
	own := *m.f.testProgram
	own.url = *m.url.Load()
	return &own
}

func (m *member) takesRows() bool { return !slices.Contains(m.args, "workers") }

// senders deliver rows, each to whichever process answers, as GitHub does: what
// was not answered for is delivered again, under the same key.
func (f *fleet) senders(n, rows int) *sync.WaitGroup {
	var all sync.WaitGroup
	payloads := deliveries(f.t)
	for s := range n {
		all.Go(func() {
			for i := range rows {
				f.insist(fmt.Sprintf("sender-%d-%d", s, i), payloads[(s*rows+i)%len(payloads)].Payload)
			}
		})
	}
	return &all
}

func (f *fleet) insist(key string, payload []byte) {
	deadline := time.Now().Add(patienceAWS)
	for turn := 0; time.Now().Before(deadline); turn++ {
		m := f.members[turn%len(f.members)]
		if !m.takesRows() {
			continue
		}
		if id, ok := f.offer(*m.url.Load(), key, payload); ok {
			f.mu.Lock()
			f.accepted = append(f.accepted, id)
			f.mu.Unlock()
			return
		}
	}
	f.t.Errorf("nobody accepted %s", key)
}

// offer delivers once. No answer at all is none.
func (f *fleet) offer(url, key string, payload []byte) (id string, ok bool) {
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, url+"/ingest/github", strings.NewReader(string(payload)))
	if err != nil {
		return "", false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Delivery", key)
	req.Header.Set(signature.GitHubHeader, signature.SignGitHub(secret, payload))
	res, err := f.client.Do(req)
	if err != nil {
		return "", false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusAccepted {
		return "", false
	}
	return decode[takenDoc](answer{t: f.t, body: body}).ID, true
}

// reap kills a process again and again, and starts it anew, until done is closed.
func (m *member) reap(done <-chan struct{}, after time.Duration) (deaths int) {
	m.f.t.Helper()
	for {
		select {
		case <-done:
			return deaths
		case <-time.After(after):
		}
		m.proc.signal(os.Kill)
		equal(m.f.t, "exit code of a killed process", m.proc.code(), -1)
		deaths++
		m.start()
	}
}

// over waits until every row that was answered for is done or dead, and returns
// all rows. A row whose process died between storing and sending it is the sweep's.
func (f *fleet) over(p *testProgram) []rowDoc {
	f.t.Helper()
	f.mu.Lock()
	ids := slices.Compact(slices.Sorted(slices.Values(f.accepted)))
	f.mu.Unlock()
	swept := time.Now()
	look := func() []rowDoc {
		if time.Since(swept) > sweepEach {
			p.sweep(body{})
			swept = time.Now()
		}
		return p.all()
	}
	list := eventually(f.t, "every row to be done or dead", look, func(rows []rowDoc) bool {
		return !slices.ContainsFunc(rows, func(r rowDoc) bool { return r.Status != "done" && r.Status != "dead" })
	})
	var stored []string
	for _, r := range list {
		stored = append(stored, r.ID)
	}
	slices.Sort(stored)
	if !slices.Equal(stored, ids) {
		f.t.Errorf("%d rows are stored and %d were answered for", len(stored), len(ids))
	}
	whole := make([]rowDoc, len(ids))
	for i, id := range ids {
		whole[i] = p.row(id)
	}
	return whole
}

// A step that is untouched for stuckAfter has no message that some process that
// died has hidden: those come back after half a minute.
const (
	stuckAfter = "sweep: {stuck_after: 40s}"
	sweepEach  = 10 * time.Second
)

// all lists the pipeline's rows.
func (p *testProgram) all() (list []rowDoc) {
	p.t.Helper()
	for path := "/api/v1/rows?pipeline=github&limit=500"; ; {
		page := read[rowsDoc](p, path)
		list = append(list, page.Rows...)
		if page.NextCursor == nil {
			return list
		}
		path = "/api/v1/rows?pipeline=github&limit=500&cursor=" + *page.NextCursor
	}
}

// instances lists what each process that is known does and how it is, sorted.
func (p *testProgram) instances() string {
	p.t.Helper()
	var list []string
	leaders := 0
	for _, i := range read[overviewDoc](p, "/api/v1/overview").Instances {
		list = append(list, i.Runs+" "+i.State)
		if i.Leads {
			leaders++
		}
	}
	if leaders > 1 {
		p.t.Errorf("%d processes lead", leaders)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
