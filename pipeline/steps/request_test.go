package steps_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"redrive/pipeline/steps"
)

// wire answers one request on a bare connection and returns its head as it was sent.
func wire(t *testing.T) (url string, head <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	heads := make(chan string, 1)
	go func() {
		defer close(heads)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		var text strings.Builder
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
			text.WriteString(strings.TrimSuffix(line, "\r\n") + "\n")
		}
		_, _ = io.CopyN(io.Discard, reader, int64(len(row().Payload)))
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		heads <- text.String()
	}()
	return "http://" + listener.Addr().String(), heads
}

func TestPreviewIsWhatIsSent(t *testing.T) {
	t.Parallel()
	url, head := wire(t)
	step := newStep(t, steps.HTTPConfig{
		URL:     url + "/index?shard=1",
		Headers: map[string]string{"Authorization": "Bearer x", "x-team": "search", "Host": "search.internal"},
	})
	request := row()
	request.Headers = map[string]string{"X-GitHub-Event": "push"}
	preview, err := step.Preview(request)
	if err != nil {
		t.Fatal(err)
	}
	if v := step.Call(t.Context(), request); v.Kind != steps.Processed {
		t.Fatalf("%+v", v)
	}
	sent := <-head
	if preview.String() != sent {
		t.Errorf("preview:\n%s\nsent:\n%s", preview, sent)
	}
	for _, want := range []string{
		"POST /index?shard=1 HTTP/1.1\n", "\nHost: search.internal\n", "\nContent-Length: 8\n", "\nContent-Type: application/json\n",
		"\nIdempotency-Key: row-1/index\n", "\nRedrive-Row: row-1\n", "\nRedrive-Pipeline: github\n", "\nRedrive-Step: index\n",
		"\nRedrive-Attempt: 3\n", "\ntraceparent: 00-", "\nAuthorization: Bearer x\n", "\nX-Team: search\n", "\nX-Github-Event: push\n",
	} {
		if !strings.Contains(sent, want) {
			t.Errorf("%q is missing in\n%s", want, sent)
		}
	}
	for _, header := range preview.Headers {
		switch header.Name {
		case "Authorization", "X-Team", "Host", "User-Agent":
			if !header.Configured {
				t.Errorf("%s is not shown as configured", header.Name)
			}
		default:
			if header.Configured {
				t.Errorf("%s is shown as configured", header.Name)
			}
		}
	}
	if preview.URL != url+"/index?shard=1" {
		t.Errorf("URL %s", preview.URL)
	}
}

// What the step sets and what the operator configured cannot be replaced by a row.
func TestARowReplacesNoHeader(t *testing.T) {
	t.Parallel()
	step := newStep(t, steps.HTTPConfig{URL: "http://127.0.0.1:1", Headers: map[string]string{"X-Team": "search"}})
	request := row()
	request.Headers = map[string]string{
		"idempotency-key": "evil", "Redrive-Row": "evil", "redrive-anything": "evil", "TraceParent": "evil", "x-team": "evil",
		"authorization": "evil", "Cookie": "evil", "host": "evil", "content-type": "evil", "content-length": "evil",
		"Transfer-Encoding": "evil", "user-agent": "evil", "X-Good": "good",
	}
	preview, err := step.Preview(request)
	if err != nil {
		t.Fatal(err)
	}
	if text := preview.String(); strings.Contains(text, "evil") || !strings.Contains(text, "X-Good: good") {
		t.Errorf("sent:\n%s", text)
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	request := row()
	request.ContentType = ""
	for want, headers := range map[string]map[string]string{
		"": nil, "Content-Type: text/csv\n": {"content-type": "text/csv"},
	} {
		step := newStep(t, steps.HTTPConfig{URL: "http://127.0.0.1:1", Headers: headers})
		preview, err := step.Preview(request)
		if err != nil {
			t.Fatal(err)
		}
		if text := preview.String(); !strings.Contains(text, want) || want == "" && strings.Contains(text, "Content-Type") {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
}

func TestARowThatMakesNoValidRequest(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*steps.Request){
		"content type":    func(r *steps.Request) { r.ContentType = "text/plain\r\nX-Admin: yes" },
		"row":             func(r *steps.Request) { r.Row = "a\nb" },
		"step":            func(r *steps.Request) { r.Step = "a\x00b" },
		"header value":    func(r *steps.Request) { r.Headers = map[string]string{"X-A": "a\r\nX-Admin: yes"} },
		"header name":     func(r *steps.Request) { r.Headers = map[string]string{"X-A: a\r\nX-Admin": "yes"} },
		"no header name":  func(r *steps.Request) { r.Headers = map[string]string{"": "yes"} },
		"a delete":        func(r *steps.Request) { r.Pipeline = "a\x7fb" },
		"reserved, wrong": func(r *steps.Request) { r.Headers = map[string]string{"Redrive-Row": "a\nb"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
			request := row()
			change(&request)
			v := step.Call(t.Context(), request)
			if v.Kind != steps.Permanent || v.ErrorKind != steps.KindRequest || !strings.HasPrefix(v.Error, "no call made: ") {
				t.Errorf("%+v", v)
			}
			if _, err := step.Preview(request); err == nil {
				t.Error("there is a preview")
			}
		})
	}
}

func traced(t *testing.T, request steps.Request) string {
	t.Helper()
	preview, err := newStep(t, steps.HTTPConfig{URL: "http://127.0.0.1:1"}).Preview(request)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range preview.Headers {
		if header.Name == "traceparent" {
			return header.Value
		}
	}
	t.Fatal("no traceparent")
	return ""
}

func TestTraceparent(t *testing.T) {
	t.Parallel()
	const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, tt := range map[string]struct {
		trace string
		kept  bool
	}{
		"the row's own":            {given, true},
		"a later version":          {"01" + given[2:] + "-what-ever", true},
		"none":                     {"", false},
		"more after version 00":    {given + "-01", false},
		"a later version, no dash": {"01" + given[2:] + "x", false},
		"version ff":               {"ff" + given[2:], false},
		"capitals":                 {strings.ToUpper(given), false},
		"a trace of zeros":         {"00-" + strings.Repeat("0", 32) + given[35:], false},
		"a parent of zeros":        {given[:36] + strings.Repeat("0", 16) + "-01", false},
		"too short":                {given[:54], false},
		"a line break":             {"01" + given[2:] + "-\r\nX-Admin: yes", false},
		"too long":                 {"01" + given[2:] + "-" + strings.Repeat("a", 300), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := row()
			request.Trace = tt.trace
			got := traced(t, request)
			if (got == tt.trace) != tt.kept {
				t.Errorf("%q became %q", tt.trace, got)
			}
			if tt.kept {
				return
			}
			request.Trace = got // what was made is valid itself
			if again := traced(t, request); again != got {
				t.Errorf("%q is not valid", got)
			}
		})
	}
}

// All calls of a row share a trace, each has a parent of its own, other rows have others.
func TestTraceOfARow(t *testing.T) {
	t.Parallel()
	first, next, other := row(), row(), row()
	next.Attempt++
	other.Row = "row-2"
	a, b, c := traced(t, first), traced(t, next), traced(t, other)
	if a[:35] != b[:35] || a == b || a[:35] == c[:35] {
		t.Errorf("first %s\nnext  %s\nother %s", a, b, c)
	}
}

// Whatever a row holds, it adds no header of a name the operator has not seen.
func FuzzPreview(f *testing.F) {
	f.Add("row-1", "text/plain", "", "X-A", "a")
	f.Add("r\r\n", "a\r\nX-Admin: yes", "00-x", "Redrive-Row", "a\nb")
	f.Add("", "", "", "", "")
	step, err := steps.NewHTTP(steps.HTTPConfig{URL: "http://127.0.0.1:1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, row, contentType, trace, name, value string) {
		preview, err := step.Preview(steps.Request{
			Row: row, Step: "s", Pipeline: "p", Attempt: 1, ContentType: contentType, Trace: trace, Headers: map[string]string{name: value},
		})
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, header := range preview.Headers {
			switch header.Name {
			case "Host", "User-Agent", "Content-Length", "Content-Type", "idempotency-key", "Redrive-Row",
				"Redrive-Pipeline", "Redrive-Step", "Redrive-Attempt", "traceparent", http.CanonicalHeaderKey(name):
			default:
				t.Errorf("header %q", header.Name)
			}
			if seen[header.Name] || strings.ContainsAny(header.Value, "\r\n") {
				t.Errorf("header %q twice or broken: %q", header.Name, header.Value)
			}
			seen[header.Name] = true
		}
	})
}
