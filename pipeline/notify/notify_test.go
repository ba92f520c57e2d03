package notify

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline"
)

func notice(names ...string) pipeline.Notice {
	n := pipeline.Notice{At: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)}
	for _, name := range names {
		n.Alarms = append(n.Alarms, pipeline.NoticeAlarm{Name: name, Severity: "page", From: "ok", To: "alarm", Reason: "5 >= 5 <!channel> & more", Path: "alarms/" + name})
	}
	return n
}

// receiver answers with status and keeps what it was sent.
func receiver(t *testing.T, status int, got *string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*got = string(body)
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/secret-path"
}

func TestSlack(t *testing.T) {
	var got string
	s, err := NewSlack(receiver(t, http.StatusOK, &got), "https://redrive.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Notify(t.Context(), notice("dead-letters", "x|y\u202e")); err != nil {
		t.Fatal(err)
	}
	var m struct{ Text string }
	if err := json.Unmarshal([]byte(got), &m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 alarms changed, 2 are on", "<https://redrive.example.com/alarms/dead-letters|dead-letters>", "&lt;!channel&gt; &amp; more"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("message lacks %q:\n%s", want, m.Text)
		}
	}
	if strings.Contains(m.Text, "<!channel>") || strings.Contains(m.Text, "\u202e") {
		t.Errorf("hostile text came through: %q", m.Text)
	}
}

func TestHeadline(t *testing.T) {
	on, over := notice("a", "b"), notice("a")
	over.Alarms[0].From, over.Alarms[0].To = "alarm", "ok"
	for want, alarms := range map[string][]pipeline.NoticeAlarm{
		"Redrive: alarm a":                    on.Alarms[:1],
		"Redrive: alarm a is over":            over.Alarms,
		"Redrive: 2 alarms changed, 2 are on": on.Alarms,
		"Redrive: 2 alarms changed, 1 are on": {on.Alarms[0], on.Alarms[1], over.Alarms[0]},
		"Redrive: alarm b is over":            {{Name: "b", To: "alarm"}, {Name: "b", To: "ok"}},
		"Redrive: 2 alarms are over":          {{Name: "b", To: "alarm"}, {Name: "b", To: "ok"}, over.Alarms[0]},
	} {
		if got := Headline(pipeline.Notice{Alarms: alarms}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWebhook(t *testing.T) {
	var got string
	w, err := NewWebhook(receiver(t, http.StatusNoContent, &got), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Notify(t.Context(), notice("a")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, `"name":"a"`) || !strings.Contains(got, `"state":"alarm"`) || strings.Contains(got, `"link"`) {
		t.Errorf("body = %s", got)
	}
}

// What went wrong is said in words of our own: the address is a secret, and a
// receiver may repeat it.
func TestFailuresNameNoAddress(t *testing.T) {
	var got string
	echo := func(text string) string { return bare(t, text) }
	for name, tt := range map[string]struct{ address, want string }{
		"refused":          {"http://127.0.0.1:1/secret-path?k=secret-path", "could not connect: connection refused"},
		"redirect":         {receiver(t, http.StatusFound, &got), "answered 302 Found"},
		"500":              {receiver(t, 500, &got), "answered 500 Internal Server Error"},
		"no name":          {"http://secret-path.invalid/secret-path", "could not connect: "},
		"a status of ours": {echo("HTTP/1.1 404 secret-path\r\nContent-Length: 0\r\n\r\n"), "answered 404 Not Found"},
		"an odd status":    {echo("HTTP/1.1 499 secret-path\r\nContent-Length: 0\r\n\r\n"), "answered 499"},
		"no HTTP":          {echo("secret-path\r\n\r\n"), "no whole answer; it may have arrived, so it is not sent again"},
		"no TLS":           {"https" + strings.TrimPrefix(echo("secret-path\r\n\r\n"), "http"), "no whole answer; it may have arrived, so it is not sent again"},
		"too long":         {echo("HTTP/1.1 500 x\r\nContent-Length: 9000000\r\n\r\n" + strings.Repeat("secret-path", 9000)), "answered 500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := NewWebhook(tt.address, "")
			if err != nil {
				t.Fatal(err)
			}
			err = w.Notify(t.Context(), notice("a"))
			if err == nil || strings.Contains(err.Error(), "secret-path") || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("error = %v, want %s", err, tt.want)
			}
		})
	}
}

// bare answers one call with a text.
func bare(t *testing.T, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, text)
	}()
	return "http://" + listener.Addr().String() + "/secret-path"
}

func TestRoutesThatAreNotTaken(t *testing.T) {
	for _, address := range []string{
		"file:///etc/secret-path", "gopher://127.0.0.1:6379/secret-path", "http://ada:secret-path@example.com/", "secret-path", "http:///secret-path", "http://secret path/",
		"http://169.254.169.254/secret-path", "http://[::ffff:169.254.169.254]/secret-path", "http://[fd00:ec2::254]/secret-path", "http://0x7f000001/secret-path",
	} {
		if _, err := NewSlack(address, ""); err == nil || strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%s: %v", address, err)
		}
		if _, err := NewWebhook(address, ""); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}

// A name that came to stand for something that is not called is said without the
// name.
func TestARouteIsGuarded(t *testing.T) {
	w, err := NewWebhook("https://hooks.example/secret-path", "")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://169.254.169.254/secret-path"
	if err := w.Notify(t.Context(), notice("a")); err == nil || err.Error() != "not sent: the address of this route stands for 169.254.169.254, a link-local address, where clouds hand out credentials" {
		t.Error(err)
	}
}

// hostile is what a name, a reason or an error may hold.
var hostile = []string{
	"<!channel>", "<!here|here>", "<@U123456>", "<#C123>", "<http://evil.example|ok>", "http://evil.example/x", "evil.example", "www.evil.example", "HTTPS://EVIL.EXAMPLE",
	"a&lt;!channel&gt;", "\u202ehctac", "two\nlines\r\n• fake is ok", "\x1b[2J", "\x00", "\"}],\"x\":[{\"", "\u2028\u2029", "\xff\xfe", "ev\u200bil", strings.Repeat("x", 100_000),
}

func TestHostileTextIsInertInSlack(t *testing.T) {
	for _, text := range hostile {
		var got string
		s, err := NewSlack(receiver(t, http.StatusOK, &got), "")
		if err != nil {
			t.Fatal(err)
		}
		n := pipeline.Notice{Alarms: []pipeline.NoticeAlarm{{Name: text, Severity: text, From: text, To: text, Reason: text, Path: "alarms/x"}}}
		if err := s.Notify(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		var m struct {
			Text   string
			Unfurl *bool `json:"unfurl_links"`
		}
		if err := json.Unmarshal([]byte(got), &m); err != nil {
			t.Fatalf("%.40q: %v", text, err)
		}
		if strings.ContainsAny(m.Text, "<>\u202e\u200b\u2028\u2029\x1b\x00\r") || strings.Count(m.Text, "\n") != 1 || len(m.Text) > 4000 || m.Unfurl == nil || *m.Unfurl {
			t.Errorf("%.40q became %.200q", text, m.Text)
		}
		if text := strings.ToLower(m.Text); strings.Contains(text, "://evil") || strings.Contains(text, ".evil") || strings.Contains(text, "evil.example") {
			t.Errorf("a link is left: %.200q", m.Text)
		}
		if strings.Contains(text, "&lt;") && !strings.Contains(m.Text, "&amp;lt;") {
			t.Errorf("%q is shown as something else: %q", text, m.Text)
		}
	}
}

func TestHostileTextIsJSONInAWebhook(t *testing.T) {
	for _, text := range hostile {
		var got string
		w, err := NewWebhook(receiver(t, http.StatusOK, &got), "")
		if err != nil {
			t.Fatal(err)
		}
		n := pipeline.Notice{HeldBack: 7, Alarms: []pipeline.NoticeAlarm{{Name: text, Severity: text, From: text, To: text, Reason: text}}}
		if err := w.Notify(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		var m struct {
			Alarms   []webhookAlarm
			HeldBack int `json:"held_back"`
		}
		if err := json.Unmarshal([]byte(got), &m); err != nil || len(m.Alarms) != 1 || m.HeldBack != 7 {
			t.Fatalf("%.40q: %v, %+v", text, err, m)
		}
		if reason := strings.ReplaceAll(m.Alarms[0].Reason, "\ufffd", ""); reason != strings.ToValidUTF8(text, "") {
			t.Errorf("%.40q became %.40q", text, reason)
		}
	}
}

func TestNoAnswerIsNotRepeated(t *testing.T) {
	var calls atomic.Int32
	hold := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1); <-hold }))
	defer srv.Close()
	defer close(hold)
	w, err := NewWebhook(srv.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Notify(ctx, notice("a")); err == nil || !strings.Contains(err.Error(), "may have arrived") {
		t.Fatalf("error = %v", err)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("sent %d times", n)
	}
}
