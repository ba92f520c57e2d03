package steps_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"redrive/pipeline/steps"
)

// A downstream that repeats its request in its answer gives no secret away, wherever the
// text is cut.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const canary, password = "c4n4ry-0f-the-header", "hunter2"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+password))
	headers := map[string]string{"Authorization": "Bearer " + canary, "Proxy-Authorization": basic, "X-Api-Key": "k3y9", "X-Route": "a-long-value-of-a-header", "X-Team": "search"}
	for pad := range 220 {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text := strings.Repeat("x", pad) + fmt.Sprint(r.URL.RawQuery, " ", r.Header, " bad password ", password, " in search")
			w.WriteHeader(500)
			_, _ = io.WriteString(w, text)
		}))
		step := newStep(t, steps.HTTPConfig{URL: server.URL + "/index?sig=q-c4n4ry%2B1&shard=1", Headers: headers})
		v := step.Call(t.Context(), row())
		server.Close()
		for _, secret := range []string{"c4n4", "hunt", "k3y9", "a-long-value", "YWRh", basic} {
			if strings.Contains(v.Error, secret) {
				t.Fatalf("%q with %d before: %s", secret, pad, v.Error)
			}
		}
		if pad == 0 && (!strings.Contains(v.Error, "shard=1") || !strings.Contains(v.Error, "••••••")) {
			t.Errorf("hides too much: %s", v.Error)
		}
	}
}

// Nor does one that answers with no HTTP, or redirects to where it was called.
func TestConnectionErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no HTTP":    "Bearer c4n4ry-token\r\n\r\n",
		"a redirect": "HTTP/1.1 302 Found\r\nLocation: /c4n4ry-token/next?token=c4n4ry-token\r\nContent-Length: 0\r\n\r\n",
		"a header":   "HTTP/1.1 200 OK\r\nBearer c4n4ry-token\r\n\r\n",
		"a status":   "HTTP/1.1 c4n4ry-token\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, answer)
			}()
			step := newStep(t, steps.HTTPConfig{URL: "http://" + listener.Addr().String() + "/?token=c4n4ry-token", Headers: map[string]string{"Authorization": "Bearer c4n4ry-token"}})
			if v := step.Call(t.Context(), row()); v.Kind != steps.Transient || strings.Contains(v.Error, "c4n4ry") {
				t.Errorf("%+v", v)
			}
		})
	}
}
