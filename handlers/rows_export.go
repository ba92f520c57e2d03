package handlers

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/redact"
)

const (
	exportMost    = 10_000  // rows or letters in a file
	exportScanned = 200_000 // rows a search looks at for a file
	exportPage    = 500     // read at once
)

// Export answers with what the filter selects as CSV or JSON, newest first, at
// most exportMost rows. It is a GET, so that a link does it; all it changes is
// the audit, which says that it was asked for.
func (h *Rows) Export(w http.ResponseWriter, r *http.Request) error {
	f := readQuery(r)
	filter, err := readRowsFilter(f).filter(f)
	if err != nil {
		return err
	}
	format := f.text("format")
	if format != "" && format != "csv" && format != "json" {
		return badField("format", "The format is csv or json.")
	}
	filter.Limit, filter.Cursor = exportPage, ""
	first, err := h.rows.List(r.Context(), filter)
	if err != nil {
		return err
	}
	if err := h.audit.Export(r.Context(), "rows.export", "rows", asked(r)); err != nil {
		return err
	}
	each := func(do func(pipeline.Row) error) (whole bool, err error) {
		return h.eachRow(r.Context(), filter, first, do)
	}
	if format == "json" {
		return rowsJSON(w, each)
	}
	return rowsCSV(w, each)
}

// eachRow walks the pages from first on; whole is false when it stopped at a bound.
func (h *Rows) eachRow(ctx context.Context, filter pipeline.RowFilter, page pipeline.Page[pipeline.Row], do func(pipeline.Row) error) (whole bool, err error) {
	written, scanned := 0, 0
	for {
		for _, row := range page.Items {
			if written == exportMost {
				return false, nil
			}
			written++
			if err := do(row); err != nil {
				return false, err
			}
		}
		scanned += page.Scanned
		if page.Next == "" {
			return true, nil
		}
		if written == exportMost || scanned >= exportScanned {
			return false, nil
		}
		filter.Cursor = page.Next
		if page, err = h.rows.List(ctx, filter); err != nil {
			return false, err
		}
	}
}

func rowsCSV(w http.ResponseWriter, each func(func(pipeline.Row) error) (bool, error)) error {
	attach(w, "rows", "csv", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	if err := cells(out, "id", "pipeline", "status", "label", "created_at", "updated_at", "content_type", "bytes", "error", "steps", "last_error"); err != nil {
		return err
	}
	_, err := each(func(row pipeline.Row) error {
		flags, last := make([]string, len(row.Steps)), ""
		for i, f := range row.Steps {
			flags[i] = f.Name + "=" + string(f.State)
			if f.LastError != "" && f.State != pipeline.StateProcessed {
				last = f.LastError
			}
		}
		return cells(out, row.ID, row.Pipeline, string(row.Status), redact.Text(row.Label), row.CreatedAt.UTC().Format(time.RFC3339Nano), row.UpdatedAt.UTC().Format(time.RFC3339Nano),
			row.ContentType, strconv.Itoa(row.Size), redact.Text(row.Error), strings.Join(flags, " "), redact.Text(last))
	})
	out.Flush()
	if err != nil {
		return err
	}
	return out.Error()
}

// exportedRow has the names of the API.
type exportedRow struct {
	ID          string          `json:"id"`
	Pipeline    string          `json:"pipeline"`
	Status      pipeline.Status `json:"status"`
	Label       string          `json:"label"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	ContentType string          `json:"content_type"`
	Steps       []exportedFlag  `json:"steps"`
}

type exportedFlag struct {
	Name          string         `json:"name"`
	State         pipeline.State `json:"state"`
	Attempts      int            `json:"attempts"`
	ProcessedAt   *time.Time     `json:"processed_at"`
	NextAttemptAt *time.Time     `json:"next_attempt_at"`
	LastError     *string        `json:"last_error"`
}

func rowsJSON(w http.ResponseWriter, each func(func(pipeline.Row) error) (bool, error)) error {
	attach(w, "rows", "json", "application/json")
	list := newJSONList(w, "rows")
	whole, err := each(func(row pipeline.Row) error {
		out := exportedRow{row.ID, row.Pipeline, row.Status, redact.Text(row.Label), row.CreatedAt.UTC(), row.UpdatedAt.UTC(), row.ContentType, []exportedFlag{}}
		for _, f := range row.Steps {
			out.Steps = append(out.Steps, exportedFlag{f.Name, f.State, f.Attempts, given(f.ProcessedAt), given(f.NextAttemptAt), given(redact.Text(f.LastError))})
		}
		return list.add(out)
	})
	if err != nil {
		return err
	}
	return list.end(whole)
}

// given is nil for the zero value, which the API writes as null.
func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// jsonList writes {"name":[...],"complete":bool} one item at a time.
type jsonList struct {
	w         http.ResponseWriter
	separator string
}

func newJSONList(w http.ResponseWriter, name string) *jsonList {
	return &jsonList{w: w, separator: `{"` + name + `":[` + "\n"}
}

func (l *jsonList) add(item any) error {
	line, err := json.Marshal(item)
	if err != nil {
		return err
	}
	_, err = l.w.Write(append([]byte(l.separator), line...))
	l.separator = ",\n"
	return err
}

// end closes the list and says whether it is all there is.
func (l *jsonList) end(whole bool) error {
	start := "\n"
	if l.separator != ",\n" {
		start = l.separator
	}
	_, err := l.w.Write([]byte(start + `],"complete":` + strconv.FormatBool(whole) + "}\n"))
	return err
}
