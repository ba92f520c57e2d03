package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/signature"
)

const intakes = `  events:
    intake: {idempotency_key: json:event.id, schema: schemas/event.json, max_bytes: 400}
    steps:
      - {name: keep, http: {url: "${DOWNSTREAM}/keep"}}
  plain:
    steps:
      - {name: keep, http: {url: "${DOWNSTREAM}/plain"}}
  stripe:
    intake: {signature: {scheme: stripe, secret: "${GITHUB_SECRET}"}}
    steps:
      - {name: keep, http: {url: "${DOWNSTREAM}/keep"}}
`

const eventSchema = `{"type":"object","required":["event"],"properties":{"event":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"amount":{"type":"number","minimum":0}}}}}`

var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func TestIntake(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.write("schemas/event.json", eventSchema)
	p.start(configuration([]string{step("validate")}, intakes))
	for name, test := range map[string]func(*testing.T, *testProgram){
		"a delivery is answered with its id":            intakeAnswers,
		"a known key is a duplicate":                    intakeDuplicates,
		"a batch answers each line":                     intakeBatch,
		"a wrong signature is refused":                  intakeSignatures,
		"too large is refused":                          intakeSizes,
		"a broken schema is kept as rejected":           intakeSchema,
		"what nests too deep is not parsed":             intakeDepth,
		"a missing key is refused":                      intakeKeys,
		"what does not fit at all is refused":           intakeRefusals,
		"what is no JSON is kept byte for byte":         intakeBytes,
		"the console sends test messages without a key": intakeTestMessages,
	} {
		t.Run(name, func(t *testing.T) {
			own := *p
			own.t = t
			test(t, &own)
		})
	}
}

func intakeAnswers(t *testing.T, p *testProgram) {
	payload := []byte(deliveries(t)[3].Payload)
	a := p.deliver(newKey(), payload).want(http.StatusAccepted)
	equal(t, "content type", a.header.Get("Content-Type"), "application/json")
	taken := decode[takenDoc](a)
	equal(t, "answer", strings.TrimSpace(string(a.body)), fmt.Sprintf(`{"id":%q,"duplicate":false}`, taken.ID))
	if !idForm.MatchString(taken.ID) {
		t.Errorf("id %q is not URL-safe", taken.ID)
	}
	row := p.row(taken.ID)
	equal(t, "pipeline", row.Pipeline, "github")
	equal(t, "content_type", row.ContentType, "application/json")
	equal(t, "payload_encoding", row.PayloadEncoding, "")
	if !sameJSON(t, row.Payload, payload) {
		t.Errorf("the payload is %.200s", row.Payload)
	}
	if age := time.Since(row.CreatedAt); age < 0 || age > time.Minute {
		t.Errorf("created_at is %s ago", age)
	}
	p.becomes(taken.ID, "done")
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		t.Fatalf("not JSON: %.100s or %.100s", a, b)
	}
	one, _ := json.Marshal(x)
	two, _ := json.Marshal(y)
	return string(one) == string(two)
}

func intakeDuplicates(t *testing.T, p *testProgram) {
	key := newKey()
	first := decode[takenDoc](p.deliver(key, []byte(`{"n":1}`)).want(http.StatusAccepted))
	again := decode[takenDoc](p.deliver(key, []byte(`{"n":2}`)).want(http.StatusAccepted))
	equal(t, "second answer", again, takenDoc{ID: first.ID, Duplicate: true})
	equal(t, "payload", string(p.row(first.ID).Payload), `{"n":1}`)
	p.becomes(first.ID, "done")
	again = decode[takenDoc](p.deliver(key, []byte(`{"n":3}`)).want(http.StatusAccepted))
	equal(t, "answer after it is done", again, takenDoc{ID: first.ID, Duplicate: true})
	equal(t, "calls", len(p.down.seen("validate", first.ID)), 1)
}

func intakeSignatures(t *testing.T, p *testProgram) {
	body := `{"n":1}`
	key := func() string { return newKey() }
	p.send(http.MethodPost, "/ingest/github", body, "X-GitHub-Delivery", key()).refused(http.StatusUnauthorized, "X-Hub-Signature-256")
	p.send(http.MethodPost, "/ingest/github", body+" ", "X-GitHub-Delivery", key(),
		signature.GitHubHeader, signature.SignGitHub(secret, []byte(body))).refused(http.StatusUnauthorized, "X-Hub-Signature-256")
	p.send(http.MethodPost, "/ingest/github", body, "X-GitHub-Delivery", key(),
		signature.GitHubHeader, signature.SignGitHub("another secret", []byte(body))).refused(http.StatusUnauthorized, "X-Hub-Signature-256")

	p.send(http.MethodPost, "/ingest/stripe", body, "Stripe-Signature", signature.SignStripe(secret, time.Now(), []byte(body))).want(http.StatusAccepted)
	p.send(http.MethodPost, "/ingest/stripe", body, "Stripe-Signature", signature.SignStripe(secret, time.Now().Add(-time.Hour), []byte(body))).
		refused(http.StatusUnauthorized, "Stripe-Signature")
}

func intakeSizes(t *testing.T, p *testProgram) {
	event := func(size int) string {
		head := fmt.Sprintf(`{"event":{"id":"s%d"},"text":"`, size)
		return head + strings.Repeat("x", size-len(head)-2) + `"}`
	}
	p.send(http.MethodPost, "/ingest/events", event(400), "Content-Type", "application/json").want(http.StatusAccepted)
	p.send(http.MethodPost, "/ingest/events", event(401), "Content-Type", "application/json").refused(http.StatusRequestEntityTooLarge, "400")
	p.deliver(newKey(), []byte(`"`+strings.Repeat("x", 262144-2)+`"`)).want(http.StatusAccepted)
	p.deliver(newKey(), []byte(`"`+strings.Repeat("x", 262144-1)+`"`)).refused(http.StatusRequestEntityTooLarge, "262144")
}

func intakeSchema(t *testing.T, p *testProgram) {
	broken := `{"event":{"id":"broken","amount":-5}}`
	a := p.send(http.MethodPost, "/ingest/events", broken, "Content-Type", "application/json").want(http.StatusUnprocessableEntity)
	taken := decode[takenDoc](a)
	if !idForm.MatchString(taken.ID) || !strings.Contains(taken.Error, "amount") {
		t.Fatalf("answer %s", a.body)
	}
	row := p.row(taken.ID)
	equal(t, "status", row.Status, "rejected")
	equal(t, "payload", string(row.Payload), broken)
	equal(t, "attempts", len(row.Attempts), 0)
	listed := read[rowsDoc](p, "/api/v1/rows?pipeline=events&status=rejected&q=broken").Rows
	if len(listed) != 1 || listed[0].ID != taken.ID {
		t.Errorf("listed %+v", listed)
	}
	p.post("/api/v1/rows/"+taken.ID+"/replay", map[string]any{"step": "keep"}).refused(http.StatusConflict, "")
	p.send(http.MethodPost, "/ingest/events", `{"event":{"id":`, "Content-Type", "application/json").refused(http.StatusBadRequest, "event.id")
	equal(t, "calls", len(p.down.seen("keep", taken.ID)), 0)
}

// intakeDepth sends what takes far longer to parse than to send.
func intakeDepth(t *testing.T, p *testProgram) {
	deep := `{"event":{"id":"deep"},"x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}"
	a := p.send(http.MethodPost, "/ingest/events", deep, "Content-Type", "application/json").want(http.StatusUnprocessableEntity)
	taken := decode[takenDoc](a)
	if !strings.Contains(taken.Error, "nests deeper than 64 levels") || p.row(taken.ID).Status != "rejected" {
		t.Errorf("answer %s", a.body)
	}
	abyss := strings.Repeat(`{"a":`, 40_000) + "1" + strings.Repeat("}", 40_000)
	row := p.row(decode[takenDoc](p.send(http.MethodPost, "/ingest/plain", abyss, "Content-Type", "application/json").want(http.StatusAccepted)).ID)
	equal(t, "payload_encoding", row.PayloadEncoding, "base64")
	p.get("/rows/" + row.ID).want(http.StatusOK)
	batch := p.send(http.MethodPost, "/ingest/plain/batch", abyss+"\n{\"n\":1}\n", "Content-Type", "application/x-ndjson").want(http.StatusAccepted)
	if lines := decode[batchDoc](batch).Results; len(lines) != 2 || lines[0].Error == "" || lines[1].ID == "" {
		t.Errorf("a batch with it: %s", batch.body)
	}
	p.post("/api/v1/rows", `{"pipeline":"plain","reason":"deep","payload":`+abyss+`}`).refused(http.StatusBadRequest, "64 levels")
}

func intakeKeys(t *testing.T, p *testProgram) {
	body := []byte(`{"n":1}`)
	p.send(http.MethodPost, "/ingest/github", string(body), signature.GitHubHeader, signature.SignGitHub(secret, body)).
		refused(http.StatusBadRequest, "X-GitHub-Delivery")
	p.send(http.MethodPost, "/ingest/events", `{"event":{}}`).refused(http.StatusBadRequest, "event.id")
	p.send(http.MethodPost, "/ingest/events", `[]`).refused(http.StatusBadRequest, "event.id")
	first := decode[takenDoc](p.send(http.MethodPost, "/ingest/plain", "x").want(http.StatusAccepted))
	again := decode[takenDoc](p.send(http.MethodPost, "/ingest/plain", "x").want(http.StatusAccepted))
	if again.Duplicate || again.ID == first.ID {
		t.Errorf("without a key, the same payload twice is %+v", again)
	}
}

func intakeRefusals(t *testing.T, p *testProgram) {
	p.send(http.MethodPost, "/ingest/nowhere", "{}").refused(http.StatusNotFound, "pipeline")
	p.send(http.MethodPost, "/ingest/nowhere/batch", "{}").refused(http.StatusNotFound, "pipeline")
	p.send(http.MethodPost, "/ingest/plain?colour=blue", "{}").refused(http.StatusBadRequest, "colour")
	p.send(http.MethodPost, "/ingest/plain", "").refused(http.StatusBadRequest, "empty")
	p.send(http.MethodPost, "/ingest/plain", "{}", "Content-Encoding", "gzip").refused(http.StatusUnsupportedMediaType, "Content-Encoding")
	a := p.get("/ingest/plain")
	a.refused(http.StatusMethodNotAllowed, "")
	equal(t, "Allow", a.header.Get("Allow"), "POST")
}

func intakeBytes(t *testing.T, p *testProgram) {
	payload := "\x00\xff not JSON \r\n" + strings.Repeat("é", 100)
	taken := decode[takenDoc](p.send(http.MethodPost, "/ingest/plain", payload, "Content-Type", "application/x-thing; v=1").want(http.StatusAccepted))
	row := p.becomes(taken.ID, "done")
	equal(t, "payload_encoding", row.PayloadEncoding, "base64")
	equal(t, "payload", string(row.Payload), `"`+base64.StdEncoding.EncodeToString([]byte(payload))+`"`)
	calls := p.down.seen("plain", taken.ID)
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	equal(t, "payload sent on", string(calls[0].body), payload)
	equal(t, "content type sent on", calls[0].header.Get("Content-Type"), "application/x-thing; v=1")
}

func intakeTestMessages(t *testing.T, p *testProgram) {
	a := p.post("/api/v1/rows", `{"pipeline":"github","payload":{"a":[1,2.50,"<é>"]},"content_type":"application/json","reason":"does it work?"}`)
	id := decode[takenDoc](a.want(http.StatusAccepted)).ID
	p.becomes(id, "done")
	equal(t, "payload sent on", string(p.down.seen("validate", id)[0].body), `{"a":[1,2.50,"<é>"]}`)
	equal(t, "reason", *p.audited("row.test").Reason, "does it work?")
	p.post("/api/v1/rows", `{"pipeline":"nowhere","payload":{},"reason":"r"}`).refused(http.StatusNotFound, "nowhere")
	p.post("/api/v1/rows", `{"payload":{}}`).refused(http.StatusBadRequest, "pipeline")
}
