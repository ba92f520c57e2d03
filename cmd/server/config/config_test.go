package config

import (
	"crypto/sha256"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, mistakes := Parse(filepath.Join(dir, "f.yaml"), []byte(smallest), Overrides{}, environ())
	if len(mistakes) > 0 {
		t.Fatal(lines(mistakes))
	}
	want := &Config{
		Listen:      "127.0.0.1:8080",
		BasePath:    "/",
		Environment: Environment{"production", "red"},
		Backend:     "embedded",
		Embedded:    Embedded{filepath.Join(dir, "data"), "full"},
		AWS:         AWS{Prefix: "redrive-", Provision: true},
		LogFormat:   "text",
		Sweep:       Sweep{"0 */3 * * *", 15 * time.Minute},
		Alarms:      DefaultAlarms(),
		Auth:        Auth{Sessions: Sessions{30 * time.Minute, 12 * time.Hour}, Bulk: 1000},
		Limits:      Limits{2000, 100},
		Pipelines: []Pipeline{{
			Name:      "p",
			Intake:    Intake{IdempotencyKey: IdempotencyKey{Source: "none"}, Signature: Signature{Scheme: "none"}, MaxBytes: 262144},
			Retention: 720 * time.Hour,
			Steps: []Step{{
				Name: "a", HTTP: HTTP{URL: "http://127.0.0.1:9001/a"}, Timeout: 5 * time.Second, Concurrency: 8,
				Retry: Retry{5, time.Second, time.Minute, "full"}, Permanent: []int{400, 410, 413, 415, 422},
			}},
		}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

// sample has every key of the format that is supported without AWS.
const sample = `listen: 127.0.0.1:8080
base_path: /redrive/
public_url: "https://redrive.example.com/"
allowed_hosts: [Redrive.Internal, "10.0.0.7:8443"]
trusted_proxies: [10.0.0.7, 192.168.1.9/16, "::1"]
environment: {name: production, colour: red}
backend: embedded
embedded: {path: ./data, durability: full}
queues: []
limits: {ingest: 50, api: 0}
pipelines:
  github:
    intake:
      idempotency_key: header:X-GitHub-Delivery
      signature: {scheme: github, secret: "${GITHUB_WEBHOOK_SECRET}", previous_secret: old}
      schema: schemas/event.json
      max_bytes: 262144
    retention: 720h
    steps:
      - name: validate
        http: {url: "http://127.0.0.1:9001/validate", headers: {Authorization: "Bearer ${TOKEN}"}}
        timeout: 5s
        concurrency: 8
        rate: 50
        retry: {attempts: 5, base: 1s, cap: 60s, jitter: full}
        permanent: [400, 410, 413, 415, 422]
        breaker: downstream
        exclusive: false
        keep_result: true
      - {name: index,  needs: [validate], http: {url: "http://127.0.0.1:9001/index"},  breaker: downstream}
      - {name: notify, needs: [validate], http: {url: "http://127.0.0.1:9001/notify"}}
      - {name: archive, needs: [index, notify], http: {url: "http://127.0.0.1:9001/archive"}}
breakers:
  downstream: {failure_rate: 0.5, minimum_calls: 20, window: 30s, open_for: 30s, probes: 3}
sweep: {schedule: "0 */3 * * *", stuck_after: 15m}
alarms:
  - {name: dead-letters, metric: dead_letters, pipeline: github, statistic: max, comparison: ">=", threshold: 5, period: 60s, periods: 1, datapoints: 1, missing: not_breaching, severity: notice}
  - {name: high-error-rate, metric: error_rate, statistic: average, threshold: 0.03, period: 60s, periods: 3, severity: page, missing: breaching}
notify:
  - {kind: slack, url: "${SLACK_WEBHOOK_URL}", severities: [notice, page]}
  - {kind: webhook, url: "https://example.com/hook", severities: [page]}
auth:
  local: true
  oidc: {issuer: "https://id.example.com/", client_id: console, client_secret: "${OIDC_SECRET}", roles_claim: roles, roles: {operator: [ops, on call], admin: [root]}}
  sessions: {idle: 15m, absolute: 8h}
  bulk: 50
  ingest_keys:
  - {name: shop, pipeline: github, key_sha256: "` + keySHA + `"}
  - {name: shop-2027, pipeline: github, key_sha256: "2C70E12B7A0646F92279F427C7B38E7334D8E5389CFF167A1DC30E73F826B683"}
`

// keySHA is the hash of the key "sesame".
const keySHA = "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272"

func TestSample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "schemas", "event.json"), `{"type":"object"}`)
	write(t, filepath.Join(dir, "redrive.yaml"), sample)
	env := environ("GITHUB_WEBHOOK_SECRET", "s: [e, cret", "TOKEN", "t#1", "SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T/B/x", "OIDC_SECRET", "o")
	c, mistakes := Load(filepath.Join(dir, "redrive.yaml"), Overrides{}, env)
	if len(mistakes) > 0 {
		t.Fatal(lines(mistakes))
	}
	p := c.Pipelines[0]
	for _, check := range []struct {
		what      string
		got, want any
	}{
		{"base path", c.BasePath, "/redrive"},
		{"public url", c.PublicURL, "https://redrive.example.com"},
		{"hosts", c.AllowedHosts, []string{"redrive.internal", "10.0.0.7:8443"}},
		{"proxies", c.TrustedProxies, []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("::1/128")}},
		{"key", p.Intake.IdempotencyKey, IdempotencyKey{Source: "header", Header: "X-Github-Delivery", Attribute: "X-GitHub-Delivery"}},
		{"secret", p.Intake.Signature, Signature{"github", NewSecret("s: [e, cret"), NewSecret("old")}},
		{"schema", p.Intake.SchemaFile, filepath.Join(dir, "schemas", "event.json")},
		{"headers", p.Steps[0].HTTP.Headers, []Header{{"Authorization", NewSecret("Bearer t#1")}}},
		{"rate", p.Steps[0].Rate, 50.0},
		{"needs", p.Steps[3].Needs, []string{"index", "notify"}},
		{"breakers", c.Breakers, []Breaker{{"downstream", 0.5, 20, 30 * time.Second, 30 * time.Second, 3}}},
		{"datapoints", c.Alarms[1].Datapoints, 3},
		{"comparison", c.Alarms[1].Comparison, ">="},
		{"routes", len(c.Notify), 2},
		{"auth", c.Auth, Auth{
			Local:    true,
			OIDC:     &OIDC{"https://id.example.com/", "console", NewSecret("o"), "roles", OIDCRoles{Operator: []string{"ops", "on call"}, Admin: []string{"root"}}},
			Sessions: Sessions{15 * time.Minute, 8 * time.Hour}, Bulk: 50,
			IngestKeys: []IngestKey{{"shop", "github", sha256.Sum256([]byte("sesame"))}, {"shop-2027", "github", sha256.Sum256([]byte("key"))}},
		}},
		{"limits", c.Limits, Limits{50, 0}},
		{"warnings", c.Warnings, []Warning(nil)},
	} {
		if !reflect.DeepEqual(check.got, check.want) {
			t.Errorf("%s: got %v, want %v", check.what, check.got, check.want)
		}
	}
	if p.Intake.Schema == nil || p.Intake.Schema.Validate([]any{}) == nil {
		t.Error("the schema does not refuse a list")
	}
}

// awsSample has every key that is about AWS.
const awsSample = `backend: aws
aws:
  region: eu-west-1
  prefix: shop_
  endpoint: http://127.0.0.1:4566/
  provision: false
  table: shop.rows
  tags: {team: shop, cost centre: "${TEAM}-7"}
  kms_key: alias/shop
pipelines:
  github:
    intake: {idempotency_key: header:Delivery-ID, source_queue: github-intake}
    steps:
      - {name: resize, lambda: {function: "resize:live"}, timeout: 15m, permanent: [500], exclusive: true, keep_result: true}
      - {name: forward, needs: [resize], sqs: {queue: orders}}
      - {name: tell, needs: [resize], http: {url: "http://127.0.0.1:9001/tell"}}
notify:
  - {kind: sms, phone: "${ONCALL_PHONE}", severities: [page]}
  - {kind: sms, topic: "arn:aws:sns:eu-west-1:123456789012:oncall"}
queues: [{name: orders-dlq}, {name: bills.fifo}, {prefix: legacy-}]
`

func TestSampleOfAWS(t *testing.T) {
	t.Parallel()
	c := valid(t, awsSample, Overrides{Only: "console"}, environ("TEAM", "shop", "ONCALL_PHONE", "+14155550100"))
	p := c.Pipelines[0]
	for _, check := range []struct {
		what      string
		got, want any
	}{
		{"backend", c.Backend, "aws"},
		{"only", c.Only, "console"},
		{"aws", c.AWS, AWS{Region: "eu-west-1", Prefix: "shop_", Endpoint: "http://127.0.0.1:4566", Table: "shop.rows",
			Tags: map[string]string{"team": "shop", "cost centre": "shop-7"}, KMSKey: "alias/shop"}},
		{"key", p.Intake.IdempotencyKey, IdempotencyKey{Source: "header", Header: "Delivery-Id", Attribute: "Delivery-ID"}},
		{"source queue", p.Intake.SourceQueue, "github-intake"},
		{"kinds", []string{p.Steps[0].Kind(), p.Steps[1].Kind(), p.Steps[2].Kind()}, []string{"lambda", "sqs", "http"}},
		{"function", p.Steps[0].Lambda, Lambda{"resize:live"}},
		{"queue", p.Steps[1].SQS, SQS{"orders"}},
		{"time-out", p.Steps[0].Timeout, 15 * time.Minute},
		{"permanent", p.Steps[0].Permanent, []int{500}},
		{"exclusive", []bool{p.Steps[0].Exclusive, p.Steps[1].Exclusive}, []bool{true, false}},
		{"keep result", []bool{p.Steps[0].KeepResult, p.Steps[1].KeepResult}, []bool{true, false}},
		{"phone", c.Notify[0], Route{Kind: "sms", Phone: NewSecret("+14155550100"), Severities: []string{"page"}}},
		{"topic", c.Notify[1], Route{Kind: "sms", Topic: "arn:aws:sns:eu-west-1:123456789012:oncall", Severities: []string{"notice", "page"}}},
		{"queues", c.Queues, []ForeignQueue{{Name: "orders-dlq"}, {Name: "bills.fifo"}, {Prefix: "legacy-"}}},
		{"warnings", c.Warnings, []Warning(nil)},
	} {
		if !reflect.DeepEqual(check.got, check.want) {
			t.Errorf("%s: got %+v, want %+v", check.what, check.got, check.want)
		}
	}
}

func TestAConsoleOverForeignQueuesNeedsNoPipeline(t *testing.T) {
	t.Parallel()
	c := valid(t, "backend: aws\nqueues: [{prefix: legacy-}]\n", Overrides{}, environ())
	if len(c.Pipelines) != 0 || len(c.Queues) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestExample(t *testing.T) {
	t.Parallel()
	root, err := os.ReadFile(filepath.Join("..", "..", "..", "redrive.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if string(root) != Example() {
		t.Error("redrive.example.yaml at the root differs from the one the server prints")
	}
	if c := valid(t, Example(), Overrides{}, environ()); len(c.Warnings) > 0 {
		t.Errorf("the example has warnings: %v", c.Warnings)
	}
}

func TestAlarmsLeftOut(t *testing.T) {
	t.Parallel()
	if as := valid(t, smallest+"alarms: []\n", Overrides{}, environ()).Alarms; len(as) != 0 {
		t.Errorf("an empty list gives %v", as)
	}
	c := valid(t, smallest+"alarms: [{name: x, metric: error_rate, periods: 2}]\n", Overrides{}, environ())
	want := Alarm{Name: "x", Metric: "error_rate", Statistic: "average", Comparison: ">=", Threshold: 0.03, Period: time.Minute, Periods: 2, Datapoints: 2, Missing: "not_breaching", Severity: "notice"}
	if c.Alarms[0] != want {
		t.Errorf("got %+v, want %+v", c.Alarms[0], want)
	}
	metrics := map[string]bool{}
	for _, a := range DefaultAlarms() {
		metrics[a.Metric] = true
	}
	if len(metrics) != 5 || metrics["queue_depth"] {
		t.Errorf("default alarms watch %v", metrics)
	}
}

// TestExampleOfAWS takes the comment signs off what the example says about AWS.
func TestExampleOfAWS(t *testing.T) {
	t.Parallel()
	commented := regexp.MustCompile(`(?m)^( *)# (aws:$|(notify|queues|source_queue):|  (region|prefix|endpoint|provision|table|tags|kms_key): |- \{name: (resize|forward)|  - \{kind)`)
	text := commented.ReplaceAllString(Example(), "$1$2")
	c := valid(t, strings.Replace(text, "backend: embedded", "backend: aws", 1), Overrides{}, environ("SLACK_WEBHOOK_URL", "https://example.com/slack", "ONCALL_PHONE", "+14155550100"))
	if got := len(c.Pipelines[0].Steps); got != 6 || c.Pipelines[0].Intake.SourceQueue == "" || len(c.Queues) != 2 || len(c.Notify) != 4 || len(c.Warnings) != 0 {
		t.Errorf("%+v", c)
	}
	want := AWS{Region: "eu-west-1", Prefix: "redrive-", Provision: true, Table: "redrive-rows"}
	if !reflect.DeepEqual(c.AWS, want) {
		t.Errorf("got %+v, want %+v", c.AWS, want)
	}
}

// TestExampleOfAuth takes the comment signs off what the example says about access.
func TestExampleOfAuth(t *testing.T) {
	t.Parallel()
	before, section, found := strings.Cut(Example(), "# auth:\n")
	text := before + "auth:\n" + strings.ReplaceAll("\n"+section, "\n# ", "\n")[1:]
	text = strings.NewReplacer("listen: 127.0.0.1", "listen: 0.0.0.0", `public_url: ""`, "public_url: https://redrive.example.com").Replace(text)
	c := valid(t, text, Overrides{}, environ("OIDC_SECRET", "x"))
	if a := c.Auth; !found || !a.Local || a.OIDC == nil || len(a.OIDC.Roles.Operator) != 1 || a.Sessions.Idle == 0 || a.Bulk != 1000 || len(a.IngestKeys) != 1 {
		t.Errorf("%+v", c.Auth)
	}
}
