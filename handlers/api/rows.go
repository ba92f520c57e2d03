package api

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type rowReader interface {
	List(ctx context.Context, f pipeline.RowFilter) (pipeline.Page[pipeline.Row], error)
	Get(ctx context.Context, id string) (pipeline.RowDetail, error)
	Reveal(ctx context.Context, id, way string) (pipeline.RowDetail, error)
}

type rowActor interface {
	Replay(ctx context.Context, id string, req pipeline.ReplayRequest) (pipeline.RowDetail, error)
	Discard(ctx context.Context, id, reason string) (pipeline.RowDetail, error)
	Restore(ctx context.Context, id, reason string) (pipeline.RowDetail, error)
	Test(ctx context.Context, m pipeline.TestMessage) (string, error)
}

type rowList struct {
	Rows       []rowItem `json:"rows"`
	NextCursor optional  `json:"next_cursor"`
	Scanned    int       `json:"scanned"`
}

type replayBody struct {
	Step       string `json:"step"`
	Downstream bool   `json:"downstream"`
	Force      bool   `json:"force"`
	Reason     string `json:"reason"`
}

type reasonBody struct {
	Reason string `json:"reason"`
}

type testBody struct {
	Pipeline    string          `json:"pipeline" required:"true"`
	Payload     json.RawMessage `json:"payload" required:"true"`
	Encoding    string          `json:"payload_encoding" enum:"base64"`
	ContentType string          `json:"content_type"`
	Reason      string          `json:"reason"`
}

type idAnswer struct {
	ID string `json:"id"`
}

// ListRows lists rows newest first.
func (a *API) ListRows() Operation {
	query := append([]Param{
		text("pipeline", "rows of this pipeline"),
		oneOf("status", "rows in this status", statuses()...),
		text("step", "with state: rows whose step is in it"),
		oneOf("state", "rows with a step in this state", states()...),
		text("q", "in the id, label, last error or payload; case does not matter"),
		timeParam("since", "accepted at or after"),
		timeParam("until", "accepted before"),
	}, paging()...)
	return Operation{Summary: "Rows, newest first", Query: query, Answer: rowList{}, Do: a.listRows}
}

func (a *API) listRows(c *Call) (any, error) {
	since, until, err := c.window()
	if err != nil {
		return nil, err
	}
	page, err := a.s.Rows.List(c.ctx(), pipeline.RowFilter{
		Pipeline: c.text("pipeline"), Status: pipeline.Status(c.text("status")), Step: c.text("step"), State: pipeline.State(c.text("state")),
		Query: c.text("q"), Since: since, Until: until, Limit: c.limit(), Cursor: c.text("cursor"),
	})
	if err != nil {
		return nil, err
	}
	return rowList{Rows: list(page.Items, toRow), NextCursor: optional(page.Next), Scanned: page.Scanned}, nil
}

// GetRow is one row with everything kept of it.
func (a *API) GetRow() Operation {
	return Operation{Summary: "One row with its payload, steps and attempts. With auth, secrets in the payload and in results are masked (payload_masked) unless reveal=true asks for them, which the audit notes; viewers see neither (payload_withheld)",
		Query: []Param{reveal()}, Answer: rowAnswer{}, Do: func(c *Call) (any, error) {
			id, err := c.id()
			if err != nil {
				return nil, err
			}
			if c.reveals() {
				d, err := a.s.Rows.Reveal(c.ctx(), id, "api")
				return toRowAnswer(d, pipeline.Stored), err
			}
			d, err := a.s.Rows.Get(c.ctx(), id)
			return rowDone(c, d, err)
		}}
}

// ReplayRow runs a step of a row again.
func (a *API) ReplayRow() Operation {
	return Operation{
		Summary: "Run a step of a row again; a processed one only with force and a reason",
		Body:    replayBody{}, Answer: rowAnswer{}, Status: http.StatusAccepted,
		Do: func(c *Call) (any, error) {
			var in replayBody
			id, err := c.idAndBody(&in)
			if err != nil {
				return nil, err
			}
			d, err := a.s.Rows.Replay(c.ctx(), id, pipeline.ReplayRequest(in))
			return rowDone(c, d, err)
		},
	}
}

// DiscardRow sets a row aside.
func (a *API) DiscardRow() Operation {
	return a.reasoned("Set a row aside; restore takes it back", rowActor.Discard)
}

// RestoreRow takes a discarded row back.
func (a *API) RestoreRow() Operation {
	return a.reasoned("Take a discarded row back", rowActor.Restore)
}

func (a *API) reasoned(summary string, act func(actor rowActor, ctx context.Context, id, reason string) (pipeline.RowDetail, error)) Operation {
	return Operation{Summary: summary, Body: reasonBody{}, Answer: rowAnswer{}, Do: func(c *Call) (any, error) {
		var in reasonBody
		id, err := c.idAndBody(&in)
		if err != nil {
			return nil, err
		}
		d, err := act(a.s.Rows, c.ctx(), id, in.Reason)
		return rowDone(c, d, err)
	}}
}

// CreateRow sends a test message into a pipeline.
func (a *API) CreateRow() Operation {
	return Operation{
		Summary: "Send a test message into a pipeline, signed or not",
		Body:    testBody{}, Answer: idAnswer{}, Status: http.StatusAccepted,
		Do: func(c *Call) (any, error) {
			var in testBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			m, err := in.message()
			if err != nil {
				return nil, err
			}
			id, err := a.s.Rows.Test(c.ctx(), m)
			if err != nil {
				return nil, err
			}
			return idAnswer{ID: id}, nil
		},
	}
}

// message makes the payload of what was sent: a JSON value is the payload as it
// stands; with another content type it is a string that holds it.
func (in testBody) message() (pipeline.TestMessage, error) {
	m := pipeline.TestMessage{Pipeline: in.Pipeline, ContentType: in.ContentType, Reason: in.Reason}
	if err := required("pipeline", in.Pipeline); err != nil {
		return m, err
	}
	if len(in.Payload) == 0 || string(in.Payload) == "null" {
		return m, problem.Invalid("payload", "payload is required.")
	}
	if m.ContentType == "" {
		m.ContentType = "application/json"
	}
	kind, _, err := mime.ParseMediaType(m.ContentType)
	if err != nil || len(m.ContentType) > 255 {
		return m, problem.Invalid("content_type", "content_type must be a media type such as application/json.")
	}
	if in.Encoding != "" && in.Encoding != "base64" {
		return m, problem.Invalid("payload_encoding", "payload_encoding must be base64 or left out.")
	}
	if in.Encoding == "" && (kind == "application/json" || strings.HasSuffix(kind, "+json")) {
		m.Payload = slices.Clone(in.Payload)
		return m, nil
	}
	return m, in.fromString(&m)
}

func (in testBody) fromString(m *pipeline.TestMessage) error {
	if in.Encoding == "base64" {
		if json.Unmarshal(in.Payload, &m.Payload) != nil { // a []byte is base64 in JSON
			return problem.Invalid("payload", "payload must be a string in base64.")
		}
		return nil
	}
	var text string
	if json.Unmarshal(in.Payload, &text) != nil {
		return problem.Invalid("payload", "payload must be a string when content_type is not JSON.")
	}
	m.Payload = []byte(text)
	return nil
}

func (c *Call) idAndBody(into any) (string, error) {
	id, err := c.id()
	if err != nil {
		return "", err
	}
	return id, c.body(into)
}

func rowDone(c *Call, d pipeline.RowDetail, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return toRowAnswer(d, c.sight()), nil
}
