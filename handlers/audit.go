package handlers

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

const (
	auditPage   = 100 // entries on a page
	auditExport = 500 // entries read at once for a file
)

// exportNoter notes an export before its first byte, or refuses it.
type exportNoter interface {
	Export(ctx context.Context, action, object string, filter map[string]string) error
}

type auditService interface {
	List(ctx context.Context, f pipeline.AuditFilter) (pipeline.Page[pipeline.Entry], error)
}

// verifiedAudit is the audit with its chain.
type verifiedAudit interface {
	auditService
	Verify(ctx context.Context) (pipeline.AuditCheck, error)
}

// Audit is the page of who did what, and why.
type Audit struct {
	audit verifiedAudit
	frame Framer
}

// NewAudit returns the page of the audit.
func NewAudit(audit verifiedAudit, frame Framer) *Audit { return &Audit{audit: audit, frame: frame} }

// List shows the entries a filter selects, newest first, and with verify in the
// query whether all entries are as they were written.
func (h *Audit) List(w http.ResponseWriter, r *http.Request) error {
	typed, filter, err := auditFilter(r)
	props := views.AuditProps{Filter: typed}
	status := http.StatusOK
	if no, ok := refused(err); ok {
		status = no.Status
		props.Filter.Field, props.Filter.Error = no.Field, no.Text
	} else {
		filter.Limit = auditPage
		page, err := h.audit.List(r.Context(), filter)
		if err != nil {
			return err
		}
		props.Entries = page.Items
		props.List = auditListing(r, typed, filter.Cursor, page)
	}
	if readQuery(r).text("verify") != "" && status == http.StatusOK {
		check, err := h.audit.Verify(r.Context())
		if err != nil {
			return err
		}
		props.Check = &check
	}
	props.Page = h.frame(r, views.SectionAudit, "Audit")
	return render(w, r, status, views.AuditPage(props))
}

func auditFilter(r *http.Request) (views.AuditForm, pipeline.AuditFilter, error) {
	q := readQuery(r)
	typed := views.AuditForm{Actor: q.text("actor"), Action: q.text("action"), Object: q.text("object"), Since: q.text("since"), Until: q.text("until")}
	typed.Set = typed != views.AuditForm{}
	filter := pipeline.AuditFilter{Actor: typed.Actor, Action: typed.Action, Object: typed.Object,
		Since: q.moment("since"), Until: q.moment("until"), Cursor: q.text("cursor")}
	return typed, filter, q.err()
}

func auditListing(r *http.Request, typed views.AuditForm, cursor string, page pipeline.Page[pipeline.Entry]) views.Listing {
	own := views.Href(baseOf(r), "audit")
	query := []string{"actor", typed.Actor, "action", typed.Action, "object", typed.Object, "since", typed.Since, "until", typed.Until}
	file := views.Href(baseOf(r), "audit", "export")
	l := views.Listing{Shown: views.Plural(len(page.Items), "entry", "entries") + " shown, newest first",
		CSV:    views.WithQuery(file, append(query, "format", "csv")...),
		JSON:   views.WithQuery(file, append(query, "format", "json")...),
		Export: "Export all as CSV"}
	if typed.Set {
		l.Export = "Export all matching as CSV"
	}
	if page.Next != "" {
		l.Older = views.WithQuery(own, append(query, "cursor", page.Next)...)
	}
	if cursor != "" {
		l.Newer = views.WithQuery(own, query...)
	}
	return l
}

// Export answers with everything the filter selects as CSV or JSON.
func (h *Audit) Export(w http.ResponseWriter, r *http.Request) error {
	_, filter, err := auditFilter(r)
	if err != nil {
		return err
	}
	filter.Limit = auditExport
	first, err := h.audit.List(r.Context(), filter)
	if err != nil {
		return err
	}
	switch readQuery(r).text("format") {
	case "", "csv":
		return h.csv(w, r, filter, first)
	case "json":
		return h.json(w, r, filter, first)
	default:
		return badField("format", "The format is csv or json.")
	}
}

func (h *Audit) csv(w http.ResponseWriter, r *http.Request, filter pipeline.AuditFilter, first pipeline.Page[pipeline.Entry]) error {
	attach(w, "audit", "csv", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	if err := cells(out, "at", "actor", "from", "action", "object", "reason", "result", "detail",
		"role", "id", "chain", "number", "hash"); err != nil {
		return err
	}
	err := h.each(r.Context(), filter, first, func(e pipeline.Entry) error {
		return cells(out, e.At.UTC().Format(time.RFC3339Nano), e.Actor, e.From, e.Action, e.Object, e.Reason, e.Result, string(e.Detail),
			e.Role, e.ID, e.Link.Chain, strconv.FormatInt(e.Link.Number, 10), e.Link.Tail())
	})
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

// exportedEntry has the names of the API.
type exportedEntry struct {
	At     time.Time       `json:"at"`
	Actor  string          `json:"actor"`
	From   string          `json:"from"`
	Action string          `json:"action"`
	Object string          `json:"object"`
	Reason string          `json:"reason"`
	Result string          `json:"result"`
	Detail json.RawMessage `json:"detail"`
	Role   string          `json:"role"`
	ID     string          `json:"id"`
	Chain  string          `json:"chain"`
	Number int64           `json:"number"`
	Hash   string          `json:"hash"`
}

func (h *Audit) json(w http.ResponseWriter, r *http.Request, filter pipeline.AuditFilter, first pipeline.Page[pipeline.Entry]) error {
	attach(w, "audit", "json", "application/json")
	if _, err := w.Write([]byte(`{"entries":[`)); err != nil {
		return err
	}
	separator := "\n"
	err := h.each(r.Context(), filter, first, func(e pipeline.Entry) error {
		line, err := json.Marshal(exportedEntry{e.At.UTC(), e.Actor, e.From, e.Action, e.Object, e.Reason, e.Result, e.Detail,
			e.Role, e.ID, e.Link.Chain, e.Link.Number, e.Link.Tail()})
		if err != nil {
			return err
		}
		_, err = w.Write(append([]byte(separator), line...))
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	_, err = w.Write([]byte("\n]}\n"))
	return err
}

// each walks the pages that follow first.
func (h *Audit) each(ctx context.Context, filter pipeline.AuditFilter, page pipeline.Page[pipeline.Entry], do func(pipeline.Entry) error) error {
	for {
		for _, e := range page.Items {
			if err := do(e); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		filter.Cursor = page.Next
		var err error
		if page, err = h.audit.List(ctx, filter); err != nil {
			return err
		}
	}
}
