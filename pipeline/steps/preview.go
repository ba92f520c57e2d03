package steps

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// Preview is the request a call would send, as the downstream would read it.
type Preview struct {
	URL     string
	Line    string // "POST /validate HTTP/1.1"
	Headers []PreviewHeader
	Body    []byte // what is sent in the payload's place; nil: the payload itself
}

// PreviewHeader is one header. Configured ones may be secrets.
type PreviewHeader struct {
	Name, Value string
	Configured  bool
}

// String is the request line and then a header a line.
func (p Preview) String() string {
	var text strings.Builder
	text.WriteString(p.Line + "\n")
	for _, header := range p.Headers {
		text.WriteString(header.Name + ": " + header.Value + "\n")
	}
	return text.String()
}

// Preview shows the request of an attempt without sending it. It fails when the row makes
// no valid request, in which case Call would not call either.
func (h *HTTP) Preview(r Request) (Preview, error) {
	req, err := h.build(context.Background(), r)
	if err != nil {
		return Preview{}, err
	}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil { // what the transport writes, but into memory
		return Preview{}, fmt.Errorf("write the request: %w", err)
	}
	head, _, _ := strings.Cut(wire.String(), "\r\n\r\n")
	line, rest, _ := strings.Cut(head, "\r\n")
	preview := Preview{URL: h.base.URL.String(), Line: line}
	for field := range strings.SplitSeq(rest, "\r\n") {
		name, value, _ := strings.Cut(field, ": ")
		configured := h.headers[name] != nil || name == "Host" && h.base.Host != ""
		preview.Headers = append(preview.Headers, PreviewHeader{Name: name, Value: value, Configured: configured})
	}
	return preview, nil
}
