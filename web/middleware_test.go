package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestReadersDoNotWaitForever(t *testing.T) {
	t.Parallel()
	for request, bounded := range map[[2]string]bool{{"GET", "/rows"}: true, {"HEAD", "/"}: true, {"GET", "/api/v1/rows"}: true,
		{"GET", "/events"}: false, {"GET", "/rows/export"}: false, {"GET", "/audit/export"}: false, {"POST", "/api/v1/redrives"}: false} {
		next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, is := r.Context().Deadline(); is != bounded {
				t.Errorf("%v is bounded: %v, want %v", request, is, bounded)
			}
		})
		inTime(next).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), request[0], request[1], nil))
	}
}
