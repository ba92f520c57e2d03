package steps

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"redrive/pipeline/backoff"
	"redrive/pipeline/egress"
	"redrive/pipeline/redact"
)

const (
	maxQuoted = 200     // bytes of an answer that go into an error
	maxLooked = 4 << 10 // bytes of it that are looked at for secrets, so that none is cut in two
)

// Judge turns an answer into a verdict: 2xx is processed, a configured status permanent,
// 429 and 503 with a Retry-After throttled, everything else transient. Result is the
// answer's own Body.
func (d Downstream) Judge(resp Response, now time.Time) Verdict {
	if success(resp.StatusCode) {
		return Verdict{Kind: Processed, StatusCode: resp.StatusCode, Result: resp.Body}
	}
	v := Verdict{Kind: Transient, StatusCode: resp.StatusCode, ErrorKind: KindStatus, Error: d.status(resp)}
	if d.permanent[resp.StatusCode] {
		v.Kind = Permanent
		return v
	}
	wait, asked := backoff.RetryAfter(resp.Header.Get("Retry-After"), now)
	v.RetryAfter = wait
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable && asked {
		v.Kind = Throttled
	}
	return v
}

func (d Downstream) status(resp Response) string {
	text := strconv.Itoa(resp.StatusCode) + " from " + d.name
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		location, _, _ = strings.Cut(location, "?") // a query may carry a token
		return text + ": redirect to " + Quote(d.hide.text([]byte(location))) + " not followed"
	}
	if words := Quote(d.hide.text(said(resp.Body))); words != "" {
		return text + ": " + words
	}
	return text
}

// said is the sentence of an answer: of a JSON object the field that carries it, else
// the whole body.
func said(body []byte) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	for _, name := range []string{"error", "message", "detail", "title"} {
		var text string
		if json.Unmarshal(fields[name], &text) == nil && text != "" {
			return []byte(text)
		}
		var inner struct{ Message string }
		if json.Unmarshal(fields[name], &inner) == nil && inner.Message != "" {
			return []byte(inner.Message)
		}
	}
	return body
}

// Broken is the verdict of a call without a whole answer. The caller's own context comes
// first: when it ended, the error says nothing of the downstream.
func (d Downstream) Broken(ctx, timed context.Context, err error, missing string) Verdict {
	v := Verdict{Kind: Transient}
	switch timeout, ok := errors.AsType[net.Error](err); {
	case ctx.Err() != nil:
		v.ErrorKind, v.Error = KindCancelled, "call to "+d.name+" cancelled: "+missing+" yet"
	case timed.Err() != nil:
		v.ErrorKind, v.Error = KindTimeout, "timeout calling "+d.name+": "+missing+" in "+spell(d.timeout)
	case ok && timeout.Timeout():
		v.ErrorKind, v.Error = KindTimeout, "timeout calling "+d.name+": the network gave up"
	case errors.Is(err, egress.ErrRefused):
		// The configuration or a DNS server is at fault, not the row: it waits for
		// them, and the breaker for all rows.
		v.ErrorKind, v.Error = KindAddress, "no call made: "+Quote([]byte(inner(err).Error()))
	default:
		v.ErrorKind, v.Error = KindConnection, d.connection(err, missing)
	}
	return v
}

// connection names the usual failures in the words an operator looks for, and leaves out
// local ports, which would make a different error of each.
func (d Downstream) connection(err error, missing string) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused by " + d.name
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to " + d.name
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection broken by " + d.name + ": " + missing
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "no address found for host " + dns.Name
		}
		return "lookup of host " + dns.Name + ": " + Quote([]byte(dns.Err))
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "certificate of " + d.name + " not accepted: " + Quote([]byte(cert.Err.Error()))
	}
	return "connection to " + d.name + ": " + Quote(d.hide.text([]byte(inner(err).Error())))
}

func inner(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// Quote makes one printable line of the first bytes of a text from outside: no secrets, no
// control characters, no text direction marks, no halves of a character.
func Quote(text []byte) string {
	if len(text) > maxLooked {
		text, _ = redact.Beginning("", text[:maxLooked])
	} else {
		text, _ = redact.Document("", text)
	}
	text = text[:min(len(text), maxQuoted)]
	var line strings.Builder
	blank := false
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if r == utf8.RuneError && size == 1 {
			continue
		}
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			blank = true
			continue
		}
		if blank && line.Len() > 0 {
			line.WriteByte(' ')
		}
		blank = false
		line.WriteRune(r)
	}
	return line.String()
}

// spell writes a timeout as people say it.
func spell(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}
