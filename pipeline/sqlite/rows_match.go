package sqlite

import (
	"bytes"
	"slices"
	"strings"

	"redrive/pipeline"
)

// rowMatch looks into a row.
type rowMatch struct {
	db    *DB
	f     pipeline.RowFilter
	query []byte // lower case
	body  []byte // kept from row to row
}

func newRowMatch(db *DB, f pipeline.RowFilter) *rowMatch {
	return &rowMatch{db: db, f: f, query: bytes.ToLower([]byte(f.Query))}
}

// statuses answers which can match the state asked for, nil if all.
func (m *rowMatch) statuses() []int64 {
	switch m.f.State {
	case pipeline.StateQueued, pipeline.StateRunning, pipeline.StateRetrying, pipeline.StateWaiting:
		return []int64{rowAccepted, rowInProgress, rowDead, rowDiscarded}
	case pipeline.StateDead:
		return []int64{rowDead, rowDiscarded}
	}
	return nil
}

// cells tells whether the row's steps are as the filter says.
func (m *rowMatch) cells(r *pipeline.Row) bool {
	if m.f.State == "" && m.f.Step == "" {
		return true
	}
	if r.Status == pipeline.StatusRejected {
		return false
	}
	for _, f := range r.Steps {
		if (m.f.Step == "" || f.Name == m.f.Step) && (m.f.State == "" || f.State == m.f.State) {
			return true
		}
	}
	return (m.f.State == pipeline.StateWaiting || m.f.State == "") && m.waits(r)
}

// waits tells whether a step of the row's graph has no cell.
func (m *rowMatch) waits(r *pipeline.Row) bool {
	n := m.db.names.Load()
	pipe, _ := n.id(namePipeline, 0, r.Pipeline)
	graph, _ := n.id(nameGraph, pipe, r.Graph)
	for _, id := range n.graphs[graph] {
		name := n.text(id)
		if m.f.Step != "" && name != m.f.Step {
			continue
		}
		if !slices.ContainsFunc(r.Steps, func(f pipeline.Flag) bool { return f.Name == name }) {
			return true
		}
	}
	return false
}

// text tells whether the query is in the id, the label, an error or the
// payload, and how many bytes it read to know.
func (m *rowMatch) text(c *conn, seq int64, r *pipeline.Row) (bool, int, error) {
	q := string(m.query)
	if strings.Contains(r.ID, q) || m.in(r.Label) || m.in(r.Error) {
		return true, 0, nil
	}
	for _, f := range r.Steps {
		if m.in(f.LastError) {
			return true, 0, nil
		}
	}
	if m.f.Blind {
		return false, 0, nil
	}
	s := c.prep("SELECT body FROM rows WHERE seq = ?").int(1, seq)
	m.body = m.body[:0]
	_, err := s.one(func() { m.body = s.bytes(0, m.body) })
	return foldContains(m.body, m.query), len(m.body), err
}

func (m *rowMatch) in(s string) bool { return foldContains([]byte(s), m.query) }

// foldContains tells whether lower is in text, whatever the case of text. Texts
// are long and queries mostly ASCII, for which nothing is copied.
func foldContains(text, lower []byte) bool {
	for _, b := range lower {
		if b >= 0x80 {
			return bytes.Contains(bytes.ToLower(text), lower)
		}
	}
	if len(lower) == 0 {
		return true
	}
	small, large := lower[0], bytes.ToUpper(lower[:1])[0]
	nextSmall, nextLarge := indexFrom(text, small, 0), indexFrom(text, large, 0)
	for {
		i := min(nextSmall, nextLarge)
		if len(text)-i < len(lower) {
			return false
		}
		if foldPrefix(text[i:], lower) {
			return true
		}
		if i == nextSmall {
			nextSmall = indexFrom(text, small, i+1)
		}
		if i == nextLarge {
			nextLarge = indexFrom(text, large, i+1)
		}
	}
}

// indexFrom answers the length of text where there is no b from i on.
func indexFrom(text []byte, b byte, i int) int {
	if n := bytes.IndexByte(text[i:], b); n >= 0 {
		return i + n
	}
	return len(text)
}

func foldPrefix(text, lower []byte) bool {
	for i, b := range lower {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != b {
			return false
		}
	}
	return true
}
