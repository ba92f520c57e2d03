package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// downstream is what steps call: it does what a test says and remembers who
// called. Without a script a step is answered 200.
type downstream struct {
	*httptest.Server

	mu      sync.Mutex
	calls   []seenCall
	scripts map[string]script
	most    map[string]int // calls at once, by step
	now     map[string]int
	gates   []func()
}

type seenCall struct {
	step, row string
	attempt   int
	header    http.Header
	body      []byte
	length    int64
	at        time.Time
}

type script func(c seenCall) reply

type reply struct {
	status int
	header map[string]string
	body   string
	hold   <-chan struct{} // answer only once it is closed
	cut    bool            // break the connection instead
}

func newDownstream(t *testing.T) *downstream {
	d := &downstream{scripts: map[string]script{}, most: map[string]int{}, now: map[string]int{}}
	d.Server = httptest.NewServer(d)
	t.Cleanup(func() {
		d.open()
		d.Server.Close()
	})
	return d
}

func (d *downstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	attempt, _ := strconv.Atoi(r.Header.Get("Redrive-Attempt"))
	c := seenCall{step: strings.TrimPrefix(r.URL.Path, "/"), row: r.Header.Get("Redrive-Row"), attempt: attempt,
		header: r.Header.Clone(), body: body, length: r.ContentLength, at: time.Now()}
	answer := d.enter(c)
	defer d.leave(c.step)
	if answer.hold != nil {
		select {
		case <-answer.hold:
		case <-r.Context().Done():
		}
	}
	if answer.cut {
		panic(http.ErrAbortHandler)
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.status)
	io.WriteString(w, answer.body) //nolint:errcheck // the caller may be gone
}

func (d *downstream) enter(c seenCall) reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, c)
	d.now[c.step]++
	d.most[c.step] = max(d.most[c.step], d.now[c.step])
	if s := d.scripts[c.step]; s != nil {
		return s(c)
	}
	return reply{status: http.StatusOK, body: `{"did":"` + c.step + `"}`}
}

func (d *downstream) leave(step string) {
	d.mu.Lock()
	d.now[step]--
	d.mu.Unlock()
}

// on changes what a step is answered from now on; nil: 200.
func (d *downstream) on(step string, s script) {
	d.mu.Lock()
	d.scripts[step] = s
	d.mu.Unlock()
}

// seen are the calls of a step, of one row or of all.
func (d *downstream) seen(step, row string) []seenCall {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []seenCall
	for _, c := range d.calls {
		if c.step == step && (row == "" || c.row == row) {
			list = append(list, c)
		}
	}
	return list
}

func (d *downstream) count(step string) int { return len(d.seen(step, "")) }

func (d *downstream) inFlight(step string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now[step]
}

func (d *downstream) atOnce(step string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.most[step]
}

// gate holds calls back until the returned func is called, at the latest when
// the program stops.
func (d *downstream) gate() (hold <-chan struct{}, open func()) {
	ch := make(chan struct{})
	open = sync.OnceFunc(func() { close(ch) })
	d.mu.Lock()
	d.gates = append(d.gates, open)
	d.mu.Unlock()
	return ch, open
}

func (d *downstream) open() {
	d.mu.Lock()
	gates := slices.Clone(d.gates)
	d.mu.Unlock()
	for _, open := range gates {
		open()
	}
}

// always answers each call with a status.
func always(status int) script {
	return func(c seenCall) reply { return reply{status: status, body: `{"said":"` + c.step + `"}`} }
}

// byAttempt answers the attempts of a row with these statuses in turn, later ones
// with 200.
func byAttempt(statuses ...int) script {
	return func(c seenCall) reply {
		if c.attempt >= 1 && c.attempt <= len(statuses) {
			return reply{status: statuses[c.attempt-1], body: "no"}
		}
		return reply{status: http.StatusOK, body: "{}"}
	}
}
