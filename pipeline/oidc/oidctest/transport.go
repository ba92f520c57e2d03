package oidctest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
)

// Transport reaches the provider without a network, whatever its issuer, so that a test
// can stand in a bubble of its own time.
func (p *Provider) Transport() http.RoundTripper { return inside{p} }

type inside struct{ provider *Provider }

func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	i.provider.mu.Lock()
	down := i.provider.down
	i.provider.mu.Unlock()
	if down {
		return nil, fmt.Errorf("dial %s: %w", r.URL.Host, syscall.ECONNREFUSED)
	}
	answered := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		i.provider.ServeHTTP(w, r)
		answered <- w.Result()
	}()
	select {
	case resp := <-answered:
		return resp, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// Visit is the browser: it goes to an address of the provider and answers the query it
// is sent back with. Its error tells a provider that does not send it back.
func (p *Provider) Visit(address string) (url.Values, error) {
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != http.StatusFound {
		return nil, fmt.Errorf("the provider answers %d: %s", w.Code, w.Body)
	}
	back, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		return nil, err
	}
	return back.Query(), nil
}
