package handlers

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/semaphore"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type submitter interface {
	Submit(ctx context.Context, pipeline string, m pipeline.Message) (pipeline.Submitted, error)
	SubmitBatch(ctx context.Context, pipeline string, ms []pipeline.Message) ([]pipeline.SubmitResult, error)
}

// signatureVerifier checks a signature over a raw body.
type signatureVerifier interface {
	Verify(header http.Header, body []byte, now time.Time) error
}

// Door is what one pipeline asks of those who send to it.
type Door struct {
	MaxBytes int64                 // of one payload
	Opens    func(key string) bool // whether a text is one of its ingest keys; nil: none is asked for
	Verifier signatureVerifier     // nil: nothing has to be signed
	Key      KeySource
}

// KeySource says where a message's idempotency key stands: in a header, or in
// the payload at a path of object keys. Neither: messages have no key.
type KeySource struct {
	Header string
	Path   []string
}

// Ingest takes rows in. It answers 202 only once they are durable.
type Ingest struct {
	doors  map[string]Door
	submit submitter
	room   *semaphore.Weighted // for bodies, of all requests under way
	log    *slog.Logger
}

// NewIngest returns the intake of the pipelines named by doors.
func NewIngest(doors map[string]Door, submit submitter, log *slog.Logger) *Ingest {
	return &Ingest{doors: doors, submit: submit, room: semaphore.NewWeighted(maxRoom), log: log}
}

// Row takes the body as one payload.
func (h *Ingest) Row(w http.ResponseWriter, r *http.Request) {
	name, door, err := h.door(w, r)
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	held := &share{room: h.room}
	defer held.release()
	body, err := h.receive(w, r, door, door.MaxBytes, held)
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	m, err := door.message(r, body)
	if err != nil {
		problem.Answer(w, r, h.log, err)
		return
	}
	done, err := h.submit.Submit(r.Context(), name, m)
	if err != nil {
		h.refuse(w, r, done.ID, err)
		return
	}
	answer, _ := json.Marshal(struct {
		ID        string `json:"id"`
		Duplicate bool   `json:"duplicate"`
	}{done.ID, done.Duplicate})
	acceptIngest(w, answer)
}

// refuse answers what was not accepted. A payload that broke its schema is kept
// all the same, so its id is told.
func (h *Ingest) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	p := problem.Of(err)
	if p.Status == http.StatusUnprocessableEntity {
		p.Extra = map[string]any{"id": nil, "error": p.Detail}
		if id != "" {
			p.Extra["id"] = id
		}
	}
	problem.Log(r, h.log, p)
	problem.Write(w, r, p)
}

// door finds the pipeline and refuses what no body can mend.
func (h *Ingest) door(w http.ResponseWriter, r *http.Request) (string, Door, error) {
	name, err := url.PathUnescape(chi.URLParam(r, "pipeline"))
	door, known := h.doors[name]
	if err != nil || !known {
		return "", Door{}, problem.New(http.StatusNotFound, "There is no pipeline of this name to send to.")
	}
	if r.URL.RawQuery != "" {
		return "", Door{}, problem.New(http.StatusBadRequest, "There is no query parameter "+firstParam(r.URL.RawQuery)+" here; send the payload in the body.")
	}
	for _, coding := range r.Header.Values("Content-Encoding") {
		if !strings.EqualFold(strings.TrimSpace(coding), "identity") && coding != "" {
			return "", Door{}, problem.New(http.StatusUnsupportedMediaType, "The body must be sent without a Content-Encoding.")
		}
	}
	return name, door, door.unlock(w, r)
}

func firstParam(raw string) string {
	name, _, _ := strings.Cut(raw, "&")
	name, _, _ = strings.Cut(name, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	return problem.Quote(name)
}

// message makes a row's message of one payload.
func (d Door) message(r *http.Request, payload []byte) (pipeline.Message, error) {
	m := pipeline.Message{Payload: payload, Trace: traceparent(r.Header), Label: eventLabel(r.Header, payload)}
	var err error
	if m.ContentType, err = payloadType(r.Header); err != nil {
		return m, err
	}
	m.Key, err = d.Key.of(r.Header, payload)
	return m, err
}

// maxContentType bounds what is kept of a Content-Type.
const maxContentType = 255

func payloadType(h http.Header) (string, error) {
	given := h.Get("Content-Type")
	if len(given) > maxContentType {
		return "", problem.Invalid("Content-Type", "Content-Type is longer than 255 characters.")
	}
	if !utf8.ValidString(given) || strings.ContainsRune(given, 0) {
		return "", problem.Invalid("Content-Type", "Content-Type is not text in UTF-8.")
	}
	return cmp.Or(given, "application/octet-stream"), nil
}

func acceptIngest(w http.ResponseWriter, answer []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(answer)+1))
	w.WriteHeader(http.StatusAccepted)
	w.Write(append(answer, '\n')) //nolint:errcheck // the row is durable; a gone caller sends it again and finds it
}
