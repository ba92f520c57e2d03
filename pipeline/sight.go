package pipeline

import (
	"context"
	"strings"

	"redrive/pipeline/redact"
)

// queryMost bounds what is searched for, in bytes.
const queryMost = 256

// searchable refuses a query that is longer than anybody types.
func searchable(query string) error {
	if len(query) > queryMost {
		return invalid("q", "q is longer than 256 bytes: search for less")
	}
	return nil
}

// blind tells whether payloads are withheld from the actor: from everybody
// with a role that is not known to see them.
func (a Actor) blind() bool {
	switch a.Role {
	case "", "operator", "admin": // "" is everybody without access control, and the program itself
		return false
	default:
		return true
	}
}

// Sight is how much of payloads somebody sees.
type Sight int

// The ways of seeing.
const (
	Withheld Sight = iota // nothing
	Masked                // with secrets masked
	Stored                // as they are stored
)

// SightOf is how much the actor of a context sees, unasked, of a payload.
func SightOf(ctx context.Context) Sight {
	if ActorFrom(ctx).blind() {
		return Withheld
	}
	return Masked
}

// Seen is the row as one sees it; masked tells whether there was something to
// mask. The row itself is not changed.
func (d RowDetail) Seen(s Sight) (seen RowDetail, masked bool) {
	if s == Stored {
		return d, false
	}
	d.Key = redact.Text(d.Key)
	results := make(map[string][]byte, len(d.Results))
	if s == Withheld {
		d.Payload, d.Results = nil, results
		return d, false
	}
	d.Payload, masked = redact.Document(d.ContentType, d.Payload)
	for step, body := range d.Results {
		hide := redact.Document
		if len(body) == resultMost || len(body) == resultShort {
			hide = redact.Beginning
		}
		var hit bool
		results[step], hit = hide("", body)
		masked = masked || hit
	}
	d.Results = results
	return d, masked
}

// A result of exactly one of these lengths may be only the beginning of what
// the downstream answered.
const (
	resultMost  = 32 << 10
	resultShort = 256
)

// Seen is the message as one sees it; masked tells whether there was something
// to mask.
func (m QueueMessage) Seen(s Sight, cut bool) (seen QueueMessage, masked bool) {
	if s == Stored {
		return m, false
	}
	attributes := make([]QueueAttribute, len(m.Attributes))
	hide := redact.Document
	if cut {
		hide = redact.Beginning
	}
	if s == Masked {
		var body []byte
		body, masked = hide("", []byte(m.Body))
		m.Body = string(body)
	} else {
		m.Body = ""
	}
	for i, a := range m.Attributes {
		var hit bool
		switch {
		case s == Withheld:
			a.Value = nil
		case len(a.Value) > 0 && redact.Name(a.Name):
			a.Value, hit = []byte(redact.Mask), true
		default:
			a.Value, hit = hide("", a.Value)
		}
		masked = masked || hit
		attributes[i] = a
	}
	m.Attributes = attributes
	return m, masked
}

// Seen is the copy as one sees it.
func (c QueueCopy) Seen(s Sight) (seen QueueCopy, masked bool) {
	c.QueueMessage, masked = c.QueueMessage.Seen(s, c.Cut)
	return c, masked
}

// Reveal returns a row for somebody who is to see its payload as it is stored.
// The entry is written first, so that nothing is seen that nobody would know of.
// The way says how: on a page, as a file, through the API.
func (r *Rows) Reveal(ctx context.Context, id, way string) (RowDetail, error) {
	if err := mayReveal(ctx); err != nil {
		return RowDetail{}, err
	}
	d, err := r.Get(ctx, id)
	if err != nil {
		return d, err
	}
	return d, r.e.Audit.note(ctx, "payload.reveal", "rows/"+id, map[string]any{"as": way})
}

// Reveal returns a copy of a message as it is kept; see Rows.Reveal.
func (q *Queues) Reveal(ctx context.Context, name, key, way string) (QueueCopy, error) {
	if err := mayReveal(ctx); err != nil {
		return QueueCopy{}, err
	}
	c, err := q.Copy(ctx, name, key)
	if err != nil {
		return c, err
	}
	return c, q.e.Audit.note(ctx, "payload.reveal", queuePath(name), map[string]any{"as": way, "message": c.ID})
}

// RevealAll notes that somebody is to see the copies of a queue as they are
// kept.
func (q *Queues) RevealAll(ctx context.Context, name, way string) error {
	if err := mayReveal(ctx); err != nil {
		return err
	}
	return q.e.Audit.note(ctx, "payload.reveal", queuePath(name), map[string]any{"as": way})
}

func mayReveal(ctx context.Context) error {
	if ActorFrom(ctx).blind() {
		return forbidden("seeing a payload needs the role operator")
	}
	return nil
}

// Export notes that somebody takes a list out as a file: "rows.export", and what
// the filter was. It comes before the first byte of the file.
func (a *Audit) Export(ctx context.Context, action, object string, filter map[string]string) error {
	if ActorFrom(ctx).blind() {
		return forbidden("an export needs the role operator")
	}
	detail := make(map[string]string, len(filter))
	for name, value := range filter {
		if value != "" {
			detail[name] = redact.Text(strings.ToValidUTF8(value, ""))
		}
	}
	return a.note(ctx, action, object, detail)
}

// note writes an entry of something that changes nothing.
func (a *Audit) note(ctx context.Context, action, object string, detail any) error {
	if err := a.e.backend.Audit.Append(ctx, *NewEntry(ctx, action, object, "", detail)); err != nil {
		return err
	}
	a.e.Events.Touch(TopicAudit)
	return nil
}
