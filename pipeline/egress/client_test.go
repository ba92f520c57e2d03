package egress

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]error{0: nil, 99: nil, 100: nil, 101: ErrTooLong, 1 << 20: ErrTooLong} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", size))
		}))
		t.Cleanup(server.Close)
		resp, err := New("127.0.0.1").Client(5*time.Second, 100).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !errors.Is(err, want) || len(got) != min(size, 100) {
			t.Errorf("of %d bytes %d were read: %v", size, len(got), err)
		}
	}
}

// The environment of tests names no proxy; that the transport does not look is all
// there is to see.
func TestNoProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	if New().Transport(1).Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	resp, err := New("127.0.0.1").Client(5*time.Second, 100).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

func TestAClientTakesNoLongerThanItsTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	_, err := New("127.0.0.1").Client(30*time.Millisecond, 100).Get(server.URL)
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); !ok || !timeout.Timeout() {
		t.Errorf("%v", err)
	}
}
