package main

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/signature"
)

const signedIntakes = `  github:
    intake: {idempotency_key: header:X-GitHub-Delivery, signature: {scheme: github, secret: "${GITHUB_SECRET}", previous_secret: before}}
    steps: [{name: keep, http: {url: "${DOWNSTREAM}/keep"}}]
  stripe:
    intake: {idempotency_key: json:id, signature: {scheme: stripe, secret: "${GITHUB_SECRET}"}}
    steps: [{name: keep, http: {url: "${DOWNSTREAM}/keep"}}]
  standard:
    intake: {idempotency_key: header:webhook-id, signature: {scheme: standard-webhooks, secret: "whsec_c2VjcmV0LW9mLXN0YW5kYXJk"}}
    steps: [{name: keep, http: {url: "${DOWNSTREAM}/keep"}}]
`

// TestForgedDeliveries sends what nobody who knows the secret has signed, or not
// now: every one is a 401 and none is stored. What was signed is one row however
// often it comes.
func TestForgedDeliveries(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start("listen: 127.0.0.1:0\n" + embedded + "\npipelines:\n" + signedIntakes)
	body := []byte(`{"id":"evt_1"}`)
	const key = "whsec_c2VjcmV0LW9mLXN0YW5kYXJk"
	standard := func(key, id string, at time.Time) []string {
		signed, err := signature.SignStandard(key, id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"webhook-id", id, "webhook-timestamp", strconv.FormatInt(at.Unix(), 10), "webhook-signature", signed}
	}
	github := func(secret string) []string {
		return []string{"X-GitHub-Delivery", "d1", signature.GitHubHeader, signature.SignGitHub(secret, body)}
	}
	stripe := func(secret string, at time.Time) []string {
		return []string{signature.StripeHeader, signature.SignStripe(secret, at, body)}
	}
	twice := func(headers []string) []string { return append(headers, headers[len(headers)-2:]...) }
	now, old, future := time.Now(), time.Now().Add(-6*time.Minute), time.Now().Add(6*time.Minute)
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("other"))
	forged := []struct {
		name, pipeline, body string
		headers              []string
	}{
		{"nothing signed", "github", string(body), []string{"X-GitHub-Delivery", "d1"}},
		{"an altered byte", "github", strings.Replace(string(body), "1", "2", 1), github(secret)},
		{"a byte more", "github", string(body) + "\n", github(secret)},
		{"another secret", "github", string(body), github("another secret")},
		{"the header twice", "github", string(body), twice(github(secret))},
		{"signed for another scheme", "github", string(body), append(stripe(secret, now), "X-GitHub-Delivery", "d1")},
		{"an altered byte", "stripe", strings.Replace(string(body), "1", "2", 1), stripe(secret, now)},
		{"another secret", "stripe", string(body), stripe("another secret", now)},
		{"too old", "stripe", string(body), stripe(secret, old)},
		{"from the future", "stripe", string(body), stripe(secret, future)},
		{"the header twice", "stripe", string(body), twice(stripe(secret, now))},
		{"a new time on an old signature", "stripe", string(body), []string{signature.StripeHeader, "t=" + strconv.FormatInt(now.Unix(), 10) + strings.TrimLeft(stripe(secret, old)[1], "t=0123456789")}},
		{"an altered byte", "standard", strings.Replace(string(body), "1", "2", 1), standard(key, "m1", now)},
		{"another secret", "standard", string(body), standard(other, "m1", now)},
		{"too old", "standard", string(body), standard(key, "m1", old)},
		{"from the future", "standard", string(body), standard(key, "m1", future)},
		{"the header twice", "standard", string(body), twice(standard(key, "m1", now))},
		{"another id on the signature", "standard", string(body), append([]string{"webhook-id", "m2"}, standard(key, "m1", now)[2:]...)},
	}
	for _, path := range []string{"", "/batch"} {
		for _, f := range forged {
			a := p.send(http.MethodPost, "/ingest/"+f.pipeline+path, f.body, f.headers...)
			if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s, %s%s: %d %s", f.name, f.pipeline, path, a.status, a.body)
			}
		}
	}
	for _, pipeline := range []string{"github", "stripe", "standard"} {
		equal(t, "rows of "+pipeline, p.total(pipeline), 0)
	}
	for _, signed := range []struct {
		pipeline string
		headers  []string
	}{
		{"github", github(secret)}, {"github", github("before")}, {"github", github(secret)}, // the third is a replay
		{"stripe", stripe(secret, now)}, {"stripe", stripe(secret, now)}, {"stripe", stripe(secret, now.Add(-4*time.Minute))},
		{"standard", standard(key, "m1", now)}, {"standard", standard(key, "m1", now)},
	} {
		p.send(http.MethodPost, "/ingest/"+signed.pipeline, string(body), signed.headers...).want(http.StatusAccepted)
	}
	for _, pipeline := range []string{"github", "stripe", "standard"} {
		equal(t, "rows of "+pipeline, p.total(pipeline), 1)
	}
}
