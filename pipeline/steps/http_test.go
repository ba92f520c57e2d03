package steps_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"redrive/pipeline/steps"
)

func row() steps.Request {
	return steps.Request{
		Row: "row-1", Pipeline: "github", Step: "index", Attempt: 3,
		ContentType: "application/json", Payload: []byte(`{"a": 1}`),
	}
}

func newStep(t *testing.T, cfg steps.HTTPConfig) *steps.HTTP {
	t.Helper()
	step, err := steps.NewHTTP(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(step.Close)
	return step
}

// serve starts a downstream and returns a step that calls it, and the host it names.
func serve(t *testing.T, handler http.HandlerFunc) (*steps.HTTP, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	step := newStep(t, steps.HTTPConfig{URL: server.URL + "/index", Permanent: []int{400, 422}, Timeout: 10 * time.Second})
	return step, strings.TrimPrefix(server.URL, "http://")
}

func TestCallSendsThePayloadByteForByte(t *testing.T) {
	t.Parallel()
	random := make([]byte, 300<<10)
	_, _ = rand.Read(random)
	for name, payload := range map[string][]byte{
		"json": []byte("{\"a\":\r\n 1}\n"), "binary": random, "nothing": {}, "nil": nil, "zeros": make([]byte, 9),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got, err := io.ReadAll(r.Body)
				if err != nil || !bytes.Equal(got, payload) {
					t.Errorf("read %d bytes, %v, want %d", len(got), err, len(payload))
				}
				if want := strconv.Itoa(len(payload)); r.Header.Get("Content-Length") != want || r.TransferEncoding != nil {
					t.Errorf("Content-Length %q, transfer %q, want %s", r.Header.Get("Content-Length"), r.TransferEncoding, want)
				}
			})
			request := row()
			request.Payload = payload
			if v := step.Call(t.Context(), request); v.Kind != steps.Processed {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		status     int
		retryAfter string
		kind       steps.Kind
		wait       time.Duration
	}{
		{"ok", 200, "", steps.Processed, 0},
		{"accepted", 202, "60", steps.Processed, 0},
		{"no content", 204, "", steps.Processed, 0},
		{"a permanent one", 422, "", steps.Permanent, 0},
		{"a permanent one that asks to wait", 400, "60", steps.Permanent, 0},
		{"another 4xx", 404, "", steps.Transient, 0},
		{"another 4xx that asks to wait", 409, "7", steps.Transient, 7 * time.Second},
		{"server error", 500, "", steps.Transient, 0},
		{"server error that asks to wait", 500, "60", steps.Transient, time.Minute},
		{"too many requests", 429, "", steps.Throttled, 0},
		{"too many requests, asks to wait", 429, "30", steps.Throttled, 30 * time.Second},
		{"too many requests, asks for a day", 429, "86400", steps.Throttled, time.Hour},
		{"unavailable", 503, "", steps.Transient, 0},
		{"unavailable, asks to wait", 503, "30", steps.Throttled, 30 * time.Second},
		{"unavailable, asks not to wait", 503, "0", steps.Throttled, 0},
		{"unavailable, asks for nonsense", 503, "soon", steps.Transient, 0},
		{"not modified", 304, "", steps.Transient, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			step, host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
			})
			v := step.Call(t.Context(), row())
			if v.Kind != tt.kind || v.RetryAfter != tt.wait || v.StatusCode != tt.status {
				t.Errorf("%+v, want %s with %s", v, tt.kind, tt.wait)
			}
			if tt.kind == steps.Processed {
				if v.Error != "" || v.ErrorKind != "" {
					t.Errorf("processed with an error: %+v", v)
				}
				return
			}
			if want := strconv.Itoa(tt.status) + " from " + host; v.Error != want || v.ErrorKind != steps.KindStatus {
				t.Errorf("error %q of kind %s, want %q", v.Error, v.ErrorKind, want)
			}
		})
	}
}

func TestErrorsQuoteTheAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"json":               {`{"error":"no shard"}`, ": no shard"},
		"json without words": {`{"code":7}`, `: {"code":7}`},
		"several lines":      {"  first\r\n\tsecond\x00third \n", ": first second third"},
		"terminal codes":     {"\x1b[31mred", ": [31mred"},
		"direction marks":    {"a\u202eb", ": a b"},
		"invalid UTF-8":      {"a\xff\xfeb", ": ab"},
		"nothing to read":    {"\x00\x01\n", ""},
		"long":               {strings.Repeat("x", 999), ": " + strings.Repeat("x", 200)},
		"cut in a character": {strings.Repeat("é", 150) + "x", ": " + strings.Repeat("é", 100)},
		"half a character":   {"x" + strings.Repeat("é", 150), ": x" + strings.Repeat("é", 99)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step, host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, tt.body)
			})
			v := step.Call(t.Context(), row())
			if want := "500 from " + host + tt.want; v.Error != want {
				t.Errorf("error %q, want %q", v.Error, want)
			}
			if v.Result != nil {
				t.Errorf("a failed call has a result: %q", v.Result)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			var followed atomic.Int32
			target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
			t.Cleanup(target.Close)
			step, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, target.URL+"/meta?token=secret", status)
			})
			v := step.Call(t.Context(), row())
			want := strconv.Itoa(status) + " from " + host + ": redirect to " + target.URL + "/meta not followed"
			if v.Kind != steps.Transient || v.Error != want {
				t.Errorf("%s: %q, want %q", v.Kind, v.Error, want)
			}
			if followed.Load() != 0 {
				t.Error("followed it")
			}
		})
	}
}

func TestResultIsKeptUpToItsLimit(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, steps.MaxBody - 1, steps.MaxBody, steps.MaxBody + 1, 5 << 20} {
		for _, chunked := range []bool{false, true} {
			t.Run(strconv.Itoa(size)+" chunked "+strconv.FormatBool(chunked), func(t *testing.T) {
				t.Parallel()
				answer := bytes.Repeat([]byte("a"), size)
				step, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if !chunked {
						w.Header().Set("Content-Length", strconv.Itoa(size))
					}
					_, _ = w.Write(answer)
				})
				v := step.Call(t.Context(), row())
				if v.Kind != steps.Processed || !bytes.Equal(v.Result, answer[:min(size, steps.MaxBody)]) {
					t.Errorf("%s with %d bytes: %s", v.Kind, len(v.Result), v.Error)
				}
			})
		}
	}
}

// A result outlives the call: the next answer must not show up in it.
func TestResultsAreNotShared(t *testing.T) {
	t.Parallel()
	step, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "answer to "+r.Header.Get("Redrive-Row"))
	})
	verdicts := make([]steps.Verdict, 20)
	for i := range verdicts {
		request := row()
		request.Row = "row-" + strconv.Itoa(i)
		verdicts[i] = step.Call(t.Context(), request)
	}
	for i, v := range verdicts {
		if want := "answer to row-" + strconv.Itoa(i); string(v.Result) != want {
			t.Errorf("result %q, want %q", v.Result, want)
		}
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.Header.Get("Redrive-Attempt"))
		w.WriteHeader([]int{200, 500, 302, 422}[n%4])
		_, _ = w.Write(make([]byte, n*1000)) // some below MaxBody, some above
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	step := newStep(t, steps.HTTPConfig{URL: server.URL, Concurrency: 1})
	for n := range 60 {
		request := row()
		request.Attempt = n
		if v := step.Call(t.Context(), request); v.StatusCode == 0 {
			t.Fatalf("call %d: %+v", n, v)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("60 calls opened %d connections, want 1", opened.Load())
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"no answer": {func(_ http.ResponseWriter, r *http.Request) { wait(r) }, "no answer in 50 ms"},
		"half an answer": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			wait(r)
		}, "no complete answer in 50 ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			t.Cleanup(server.Close)
			step := newStep(t, steps.HTTPConfig{URL: server.URL, Timeout: 50 * time.Millisecond})
			v := step.Call(t.Context(), row())
			want := "timeout calling " + strings.TrimPrefix(server.URL, "http://") + ": " + tt.want
			if v.Kind != steps.Transient || v.ErrorKind != steps.KindTimeout || v.Error != want {
				t.Errorf("%+v, want %q", v, want)
			}
		})
	}
}

// wait reads the request, so that the server sees the client go, and waits for that.
func wait(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestCancelledIsNotATimeout(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	step, host := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		wait(r)
	})
	for _, when := range []string{"during the call", "before the call"} {
		v := step.Call(ctx, row())
		want := "call to " + host + " cancelled: no answer yet"
		if v.Kind != steps.Transient || v.ErrorKind != steps.KindCancelled || v.Error != want {
			t.Errorf("%s: %+v, want %q", when, v, want)
		}
	}
	t.Run("by the caller's own deadline", func(t *testing.T) {
		t.Parallel()
		step, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { wait(r) })
		short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		if v := step.Call(short, row()); v.ErrorKind != steps.KindCancelled {
			t.Errorf("%+v, want cancelled", v)
		}
	})
}

func TestConnectionRefused(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	_ = listener.Close()
	v := newStep(t, steps.HTTPConfig{URL: "http://" + host}).Call(t.Context(), row())
	if v.Kind != steps.Transient || v.ErrorKind != steps.KindConnection || v.Error != "connection refused by "+host {
		t.Errorf("%+v", v)
	}
}

// A kept connection that breaks is one failed call, not two calls in one attempt: the
// transport would repeat a request with an Idempotency-Key if it could.
func TestABrokenConnectionIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string][]byte{"payload": []byte("x"), "no payload": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			step, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if calls.Add(1) == 1 {
					return // the first call leaves a connection to be kept
				}
				panic(http.ErrAbortHandler)
			})
			request := row()
			request.Payload = payload
			if v := step.Call(t.Context(), request); v.Kind != steps.Processed {
				t.Fatalf("%+v", v)
			}
			v := step.Call(t.Context(), request)
			want := "connection broken by " + host + ": no answer"
			if v.Kind != steps.Transient || v.ErrorKind != steps.KindConnection || v.Error != want {
				t.Errorf("%+v, want %q", v, want)
			}
			if calls.Load() != 2 {
				t.Errorf("two attempts made %d calls", calls.Load())
			}
		})
	}
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 500} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			step, host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
			v := step.Call(t.Context(), row())
			want := map[int]string{200: "connection broken by " + host + ": no complete answer", 500: "500 from " + host + ": half"}[status]
			if v.Kind != steps.Transient || v.Error != want {
				t.Errorf("%+v, want %q", v, want)
			}
		})
	}
}

func BenchmarkCall(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	step, err := steps.NewHTTP(steps.HTTPConfig{URL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	defer step.Close()
	b.ReportAllocs()
	for b.Loop() {
		if v := step.Call(b.Context(), row()); v.Kind != steps.Processed {
			b.Fatal(v.Error)
		}
	}
}
