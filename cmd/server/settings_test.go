package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The page tells what the server runs with, and nothing that lets anybody in
// anywhere: no secret, no header, no path or query of an address.
func TestSettingsTellNoSecret(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	key := sha256.Sum256([]byte("the key of a sender"))
	p.start(configuration([]string{`      - {name: call, http: {url: "http://127.0.0.1:9/canary-path?token=canary-query", headers: {X-Canary-Header: canary-value}}, timeout: 3s, rate: 7, concurrency: 5, breaker: shop}`},
		"breakers: {shop: {open_for: 45s}}",
		"notify:\n  - {kind: slack, url: \"http://127.0.0.1:9/canary-slack\", severities: [page]}\n  - {kind: webhook, url: \"http://127.0.0.1:9/canary-hook?k=canary\", severities: [notice]}",
		fmt.Sprintf("auth:\n  ingest_keys: [{name: shop, pipeline: github, key_sha256: %x}]", key)))
	page := string(p.get("/settings").want(http.StatusOK).body)
	for _, says := range []string{"127.0.0.1:0", "embedded", "http 127.0.0.1:9", "3s", "7/s", "signature github", "45s", "slack", "webhook", "whoever reaches the address", fmt.Sprintf("%x", key[:4])} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	for _, secret := range []string{"canary", "Canary", secret, bearer, fmt.Sprintf("%x", key[:5])} {
		if i := strings.Index(page, secret); i >= 0 {
			t.Errorf("the page has %q: %s", secret, page[max(0, i-100):min(len(page), i+100)])
		}
	}
}
