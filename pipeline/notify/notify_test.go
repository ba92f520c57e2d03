package notify

import (
	"context"
	"encoding/json"
	"io"
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
	var m map[string]string
	if err := json.Unmarshal([]byte(got), &m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 alarms changed, 2 are on", "<https://redrive.example.com/alarms/dead-letters|dead-letters>", "&lt;!channel&gt; &amp; more"} {
		if !strings.Contains(m["text"], want) {
			t.Errorf("message lacks %q:\n%s", want, m["text"])
		}
	}
	if strings.Contains(m["text"], "<!channel>") || strings.Contains(m["text"], "\u202e") {
		t.Errorf("hostile text came through: %q", m["text"])
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

func TestFailuresNameNoAddress(t *testing.T) {
	var got string
	for name, address := range map[string]string{"refused": "http://127.0.0.1:1/secret-path", "redirect": receiver(t, http.StatusFound, &got), "500": receiver(t, 500, &got)} {
		t.Run(name, func(t *testing.T) {
			w, err := NewWebhook(address, "")
			if err != nil {
				t.Fatal(err)
			}
			err = w.Notify(t.Context(), notice("a"))
			if err == nil || strings.Contains(err.Error(), "secret-path") {
				t.Fatalf("error = %v", err)
			}
		})
	}
	if _, err := NewSlack("file:///etc/passwd", ""); err == nil {
		t.Error("a file URL was taken")
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
