package aws

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"redrive/pipeline"
)

// cell is one step of one row as it is kept: one string attribute of the flags
// item, compared as a whole by every write. Keys are short because each write is
// charged by the item's size. A step without a cell is queued once the steps it
// needs are processed, and waits before.
type cell struct {
	State    string `json:"s"`           // one of the letters below
	Gen      int64  `json:"g,omitempty"` // of the message that may run it: older ones are stale
	Attempts int    `json:"n,omitempty"`
	Spent    int    `json:"b,omitempty"`
	Due      int64  `json:"du,omitempty"` // queued and retrying: milliseconds
	Touched  int64  `json:"t,omitempty"`
	Failed   int64  `json:"f,omitempty"`  // when the present budget failed first
	Seen     int    `json:"rc,omitempty"` // receives of its message that are accounted for
	Alone    bool   `json:"a,omitempty"`
	Quiet    bool   `json:"q,omitempty"` // processed, and what follows was not triggered
	Moved    bool   `json:"m,omitempty"` // queued again by hand
	Op       string `json:"op,omitempty"`
	Token    string `json:"k,omitempty"` // of the delivery, or the call, that wrote it

	Last *last  `json:"l,omitempty"`
	Dead *grave `json:"d,omitempty"`
}

// The states of a cell. Running is only written for exclusive steps.
const (
	cellWaiting   = "w"
	cellQueued    = "q"
	cellRunning   = "x"
	cellRetrying  = "r"
	cellProcessed = "p"
	cellDead      = "d"
)

// last is the newest attempt; earlier ones are items of the row's history. One
// that went well stays here for good.
type last struct {
	Outcome string `json:"o,omitempty"` // empty: under way
	Started int64  `json:"s,omitempty"`
	Micros  int64  `json:"d,omitempty"`
	Code    int    `json:"c,omitempty"`
	Worker  string `json:"w,omitempty"`
	Error   string `json:"e,omitempty"`
	Long    bool   `json:"x,omitempty"` // the whole error is in the history
	Result  []byte `json:"r,omitempty"`
	Text    string `json:"rt,omitempty"` // instead: a result that is text, which takes less
	Kept    bool   `json:"h,omitempty"`  // the result is in the history, under the cell's token
}

// grave is the dead letter of a cell: its item in the list of letters is made of
// it, and can be made again.
type grave struct {
	ID     string `json:"i"`
	Kind   string `json:"k"`
	Group  string `json:"g"`
	Cause  string `json:"c"`
	Error  string `json:"e"`
	Code   int    `json:"n,omitempty"`
	Failed int64  `json:"f"`
	At     int64  `json:"at"`
}

// cellError bounds the error in a cell, in bytes: flags stay small. The whole
// text of a longer one is in the history.
const cellError = 200

func (c *cell) encode() string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)              // which takes six bytes for one
	if err := e.Encode(c); err != nil { // plain values: it never fails
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func parseCell(raw string) (cell, bool) {
	var c cell
	err := json.Unmarshal([]byte(raw), &c)
	return c, err == nil
}

var cellStates = map[string]pipeline.State{cellWaiting: pipeline.StateWaiting, cellQueued: pipeline.StateQueued,
	cellRunning: pipeline.StateRunning, cellRetrying: pipeline.StateRetrying, cellProcessed: pipeline.StateProcessed, cellDead: pipeline.StateDead}

func (c *cell) state() pipeline.State { return cellStates[c.State] }

// open tells whether a message may run the cell.
func (c *cell) open() bool {
	return c.State == cellQueued || c.State == cellRetrying || c.State == cellRunning
}

func (c *cell) flag(step string) pipeline.Flag {
	f := pipeline.Flag{Name: step, State: c.state(), Attempts: c.Attempts, TouchedAt: fromMillis(c.Touched), Alone: c.Alone}
	switch c.State {
	case cellProcessed:
		f.ProcessedAt = f.TouchedAt
	case cellRetrying:
		f.NextAttemptAt = fromMillis(c.Due)
	}
	if l := c.Last; l != nil {
		f.Worker = l.Worker
		if c.State != cellProcessed {
			f.LastError = l.Error
		}
	}
	if c.State == cellDead && c.Dead != nil {
		f.LastError = c.Dead.Error
	}
	return f
}

// attempt is the newest attempt of a cell, false if there is none or it is
// under way.
func (c *cell) attempt(step string) (pipeline.Attempt, bool) {
	l := c.Last
	if l == nil || l.Outcome == "" || c.Attempts == 0 {
		return pipeline.Attempt{}, false
	}
	return pipeline.Attempt{Step: step, Number: c.Attempts, StartedAt: fromMillis(l.Started), Duration: time.Duration(l.Micros) * time.Microsecond,
		Outcome: pipeline.AttemptOutcome(l.Outcome), StatusCode: l.Code, Error: l.Error, Worker: l.Worker}, true
}

func lastOf(a *pipeline.Attempt, now time.Time) *last {
	l := &last{Outcome: string(a.Outcome), Started: millis(a.StartedAt), Micros: a.Duration.Microseconds(), Code: a.StatusCode, Worker: a.Worker}
	if l.Started == 0 {
		l.Started = now.UnixMilli()
	}
	l.Error, l.Long = bounded(a.Error, cellError)
	return l
}

// with is the attempt with its result.
func (l *last) with(result []byte) *last {
	kept := *l
	if kept.Text = string(result); !utf8.Valid(result) {
		kept.Text, kept.Result = "", result
	}
	return &kept
}

// result is nil if there is none here.
func (l *last) result() []byte {
	if l.Text != "" {
		return []byte(l.Text)
	}
	return l.Result
}

// bounded cuts a text at a whole character.
func bounded(text string, most int) (string, bool) {
	if len(text) <= most {
		return text, false
	}
	cut := most
	for cut > 0 && text[cut]&0xc0 == 0x80 {
		cut--
	}
	return text[:cut], true
}
