package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

const (
	// maxBatch bounds the body of a batch, maxLines what it may hold.
	maxBatch = 16 << 20
	maxLines = 100_000
)

type batchAnswer struct {
	Accepted int   `json:"accepted"`
	Results  []any `json:"results"`
}

type lineTaken struct {
	ID        string `json:"id"`
	Duplicate bool   `json:"duplicate"`
}

type lineRefused struct {
	ID    string `json:"id,omitempty"` // of the row that is kept as rejected
	Error string `json:"error"`
}

// Batch takes NDJSON, a payload a line, and stores all lines that will do in one
// write. There is one result a line, in order. Lines are counted from 1; blank
// ones are counted too, but have no result.
func (h *Ingest) Batch(w http.ResponseWriter, r *http.Request) {
	name, door, err := h.door(w, r)
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	held := &share{room: h.room}
	defer held.release()
	body, err := h.receive(w, r, door, maxBatch, held)
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	b, err := door.split(r, body)
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	if len(b.messages) > 0 {
		done, err := h.submit.SubmitBatch(r.Context(), name, b.messages)
		if err == nil {
			err = b.settle(done)
		}
		if err != nil {
			problem.Answer(w, r, h.log, err)
			return
		}
	}
	answer, err := json.Marshal(batchAnswer{Accepted: b.accepted, Results: b.results})
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	acceptIngest(w, answer)
}

// ingestBatch is the lines of one request: what is to be stored, and a result a line.
type ingestBatch struct {
	messages []pipeline.Message
	places   []int // of each message among the results
	results  []any
	accepted int
}

// split makes a message of every line. Messages share the body's memory.
func (d Door) split(r *http.Request, body []byte) (*ingestBatch, error) {
	like, err := d.like(r)
	if err != nil {
		return nil, err
	}
	lines := bytes.Count(body, []byte{'\n'}) + 1
	if lines > maxLines+1 {
		return nil, &pipeline.Error{Code: pipeline.CodeTooLarge, Text: fmt.Sprintf("A batch may have %d lines; send several.", maxLines)}
	}
	b := &ingestBatch{messages: make([]pipeline.Message, 0, lines), places: make([]int, 0, lines), results: make([]any, 0, lines)}
	for number := 1; len(body) > 0; number++ {
		var line []byte
		line, body, _ = bytes.Cut(body, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		m, err := d.line(r, like, line, number)
		if err != nil {
			b.results = append(b.results, lineRefused{Error: problem.Of(err).Detail})
			continue
		}
		b.messages, b.places = append(b.messages, m), append(b.places, len(b.results))
		b.results = append(b.results, nil)
	}
	if len(b.results) == 0 {
		return nil, problem.New(http.StatusBadRequest, "The body has no payload; send one a line.")
	}
	return b, nil
}

// like is what all messages of a batch have in common.
func (d Door) like(r *http.Request) (pipeline.Message, error) {
	m := pipeline.Message{Trace: traceparent(r.Header)}
	var err error
	if m.ContentType, err = payloadType(r.Header); err != nil {
		return m, err
	}
	kind, _, _ := mime.ParseMediaType(m.ContentType)
	switch kind {
	case "application/json", "application/octet-stream", "application/x-www-form-urlencoded", "application/x-ndjson",
		"application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines":
		m.ContentType = "application/json" // of a line, which is what is kept
	}
	if d.Key.Header != "" {
		m.Key, err = d.Key.of(r.Header, nil)
	}
	return m, err
}

func (d Door) line(r *http.Request, m pipeline.Message, line []byte, number int) (pipeline.Message, error) {
	switch {
	case int64(len(line)) > d.MaxBytes:
		return m, &pipeline.Error{Code: pipeline.CodeTooLarge, Text: fmt.Sprintf("line %d is over the limit of %d bytes", number, d.MaxBytes)}
	case !json.Valid(line):
		return m, problem.New(http.StatusBadRequest, fmt.Sprintf("line %d is not JSON", number))
	}
	m.Payload, m.Label = line, eventLabel(r.Header, line)
	if d.Key.Header != "" {
		m.Key += "/" + strconv.Itoa(number)
		return m, nil
	}
	key, err := d.Key.of(nil, line)
	if err != nil {
		return m, fmt.Errorf("line %d: %w", number, err)
	}
	m.Key = key
	return m, nil
}

// settle puts the store's answers in their places. A store that took no line at
// all is away, and the whole batch should come again.
func (b *ingestBatch) settle(done []pipeline.SubmitResult) error {
	var away error
	for i, d := range done {
		if d.Err == nil {
			b.accepted++
			b.results[b.places[i]] = lineTaken{ID: d.ID, Duplicate: d.Duplicate}
			continue
		}
		if errors.Is(d.Err, pipeline.ErrUnavailable) {
			away = d.Err
		}
		b.results[b.places[i]] = lineRefused{ID: d.ID, Error: problem.Of(d.Err).Detail}
	}
	if b.accepted == 0 {
		return away
	}
	return nil
}
