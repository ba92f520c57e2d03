package views

// startYAML is a whole configuration, short enough to be read at once.
const startYAML = `pipelines:
  github:
    intake:
      idempotency_key: header:X-GitHub-Delivery
      # signature: {scheme: github, secret: "${GITHUB_WEBHOOK_SECRET}"}
    steps:
      - name: validate
        http: {url: "http://127.0.0.1:9001/validate"}
        breaker: downstream
      - name: notify
        needs: [validate]
        http: {url: "http://127.0.0.1:9001/notify"}
        rate: 50
breakers:
  downstream: {failure_rate: 0.5, minimum_calls: 20}`

func (p StartProps) curl() string {
	return `curl -i -H 'Content-Type: application/json' \
     -H 'X-GitHub-Delivery: first-one' \
     -d '{"action": "opened"}' \
     ` + p.URL + `/ingest/github`
}

func (p StartProps) signedCurl() string {
	return `body='{"action": "opened"}'
sum=$(printf %s "$body" | openssl dgst -sha256 -hmac "$GITHUB_WEBHOOK_SECRET" | sed 's/.* //')
curl -i -H 'Content-Type: application/json' \
     -H 'X-GitHub-Delivery: second-one' \
     -H "X-Hub-Signature-256: sha256=$sum" \
     -d "$body" ` + p.URL + `/ingest/github`
}
