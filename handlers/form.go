package handlers

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

// formBytes bounds a form, payload and all.
const formBytes = 4 << 20

// form reads typed values one by one and keeps the first that is wrong, so that a
// handler asks once, at the end, with err.
type form struct {
	values url.Values
	wrong  error
}

// readForm reads the body of a POST.
func readForm(w http.ResponseWriter, r *http.Request) (*form, error) {
	r.Body = http.MaxBytesReader(w, r.Body, formBytes)
	err := r.ParseForm()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &pipeline.Error{Code: pipeline.CodeTooLarge, Text: "The form is larger than 4 MB.", Err: err}
	}
	if err != nil {
		return nil, &pipeline.Error{Code: pipeline.CodeInvalid, Text: "The form cannot be read. Load the page again and repeat.", Err: err}
	}
	return &form{values: r.PostForm}, nil
}

// readQuery reads the query of a GET. What a page does not know is ignored.
func readQuery(r *http.Request) *form { return &form{values: r.URL.Query()} }

// err is the first value that was wrong, a *pipeline.Error naming its field.
func (f *form) err() error { return f.wrong }

func (f *form) refuse(field, text string) {
	if f.wrong == nil {
		f.wrong = badField(field, text)
	}
}

func badField(field, text string) error { return problem.Invalid(field, text) }

// text is a value without the blanks around it, empty if it was not sent.
func (f *form) text(field string) string { return strings.TrimSpace(f.values.Get(field)) }

// all are the values of boxes that share a name.
func (f *form) all(field string) []string { return f.values[field] }

// is tells whether a box was ticked.
func (f *form) is(field string) bool {
	switch f.values.Get(field) {
	case "", "false", "off", "0", "no":
		return false
	default:
		return true
	}
}

// reason is the required reason, word for word.
func (f *form) reason() string {
	v := f.values.Get("reason")
	if strings.TrimSpace(v) == "" {
		f.refuse("reason", "Say why; the reason is kept in the audit.")
	}
	if len(v) > 4000 {
		f.refuse("reason", "The reason is longer than 4,000 characters.")
	}
	return v
}

// whole is a whole number between low and high, or, when nothing was typed, other.
func (f *form) whole(field string, other, low, high int) int {
	v := f.text(field)
	if v == "" {
		return other
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		f.refuse(field, "A whole number from "+strconv.Itoa(low)+" to "+strconv.Itoa(high)+".")
	}
	return n
}

// decimal is a number that is at least low, or, when nothing was typed, other.
func (f *form) decimal(field string, other, low, high float64) float64 {
	v := strings.TrimSuffix(f.text(field), "/s")
	if v == "" {
		return other
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || math.IsNaN(n) || n < low || n > high {
		f.refuse(field, "A number from "+short(low)+" to "+short(high)+".")
	}
	return n
}

// percent is a share typed in percent, 0 when nothing was typed.
func (f *form) percent(field string) float64 {
	v := strings.TrimSpace(strings.TrimSuffix(f.text(field), "%"))
	if v == "" {
		return 0
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > 100 {
		f.refuse(field, "A share from 0 to 100 percent.")
	}
	return n / 100
}

// duration is a time like 90s, 15m, 2h or 3d, or, when nothing was typed, other.
func (f *form) duration(field string, other time.Duration) time.Duration {
	v := strings.ReplaceAll(f.text(field), " ", "")
	if v == "" {
		return other
	}
	d, err := parseDuration(v)
	if err != nil || d < 0 {
		f.refuse(field, "A time like 90s, 15m, 2h or 3d.")
	}
	return d
}

func parseDuration(v string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(v, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || math.IsNaN(n) || math.Abs(n) > 36500 {
			return 0, errors.New("not a number of days")
		}
		return time.Duration(n * 24 * float64(time.Hour)), nil
	}
	return time.ParseDuration(v)
}

// moment is a time as browsers and people write it, in UTC unless it says
// otherwise; zero when nothing was typed.
func (f *form) moment(field string) time.Time {
	v := f.text(field)
	if v == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC()
		}
	}
	f.refuse(field, "A time like 2026-05-14 03:20 (UTC) or 2026-05-14T03:20:00Z.")
	return time.Time{}
}

// refusal is why a form was not accepted, for the page that shows it again.
type refusal struct {
	Status      int
	Field, Text string
}

// refused tells whether an error is the form's own: then the page is shown again
// with the sentence beside the field. Any other error has its own page.
func refused(err error) (refusal, bool) {
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		return refusal{}, false
	}
	text := sentence(e.Text)
	switch e.Code {
	case pipeline.CodeInvalid:
		return refusal{http.StatusBadRequest, e.Field, text}, true
	case pipeline.CodeConflict:
		return refusal{http.StatusConflict, e.Field, text}, true
	case pipeline.CodeRejected:
		return refusal{http.StatusUnprocessableEntity, e.Field, text}, true
	case pipeline.CodeTooLarge:
		return refusal{http.StatusRequestEntityTooLarge, e.Field, text}, true
	default:
		return refusal{}, false
	}
}

func short(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
