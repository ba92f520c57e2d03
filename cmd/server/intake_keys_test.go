package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"

	"redrive/pipeline/signature"
)

// TestIngestKeys runs the program with keys for a signed pipeline and for one
// without a signature.
func TestIngestKeys(t *testing.T) {
	t.Parallel()
	key := func(name, pipeline, key string) string {
		return fmt.Sprintf("  - {name: %s, pipeline: %s, key_sha256: %x}\n", name, pipeline, sha256.Sum256([]byte(key)))
	}
	keys := "auth:\n  ingest_keys:\n" + key("shop", "github", "key-of-shop") + key("shop-next", "github", "next-of-shop") + key("plain", "plain", "key-of-plain")
	p := newProgram(t)
	p.start(configuration([]string{step("validate")}, "  plain:\n    steps:\n"+step("keep"), "  open:\n    steps:\n"+step("keep"), keys))
	body := []byte(`{"n":1}`)
	signed := []string{"X-GitHub-Delivery", newKey(), signature.GitHubHeader, signature.SignGitHub(secret, body)}
	send := func(path, bearer string, headers ...string) answer {
		if bearer != "" {
			headers = append(headers, "Authorization", "Bearer "+bearer)
		}
		return p.send(http.MethodPost, path, string(body), headers...)
	}
	send("/ingest/github", "key-of-shop", signed...).want(http.StatusAccepted)
	if again := decode[takenDoc](send("/ingest/github", "next-of-shop", signed...).want(http.StatusAccepted)); !again.Duplicate {
		t.Error("the same delivery with the next key is not the same row")
	}
	send("/ingest/plain", "key-of-plain").want(http.StatusAccepted)
	send("/ingest/plain/batch", "key-of-plain").want(http.StatusAccepted)
	send("/ingest/open", "").want(http.StatusAccepted)
	before := p.total("github") + p.total("plain")
	send("/ingest/github", "", signed...).refused(http.StatusUnauthorized, "ingest key")
	send("/ingest/github", "key-of-plain", signed...).refused(http.StatusUnauthorized, "ingest keys")
	send("/ingest/github", "key-of-shop").refused(http.StatusUnauthorized, signature.GitHubHeader)
	send("/ingest/plain", "key-of-shop").refused(http.StatusUnauthorized, "ingest keys")
	send("/ingest/plain", "", signed...).refused(http.StatusUnauthorized, "ingest key")
	send("/ingest/plain?key=key-of-plain", "").refused(http.StatusBadRequest, "key")
	if after := p.total("github") + p.total("plain"); after != before {
		t.Errorf("%d rows were stored all the same", after-before)
	}
	row := p.row(decode[takenDoc](send("/ingest/plain", "key-of-plain").want(http.StatusAccepted)).ID)
	if bytes.Contains(p.get("/api/v1/rows/"+row.ID).body, []byte("key-of-plain")) {
		t.Error("the key is kept with the row")
	}
}

// total is how many rows a pipeline has been given.
func (p *testProgram) total(pipeline string) int {
	p.t.Helper()
	type list struct{ Rows []struct{ ID string } }
	return len(read[list](p, "/api/v1/rows?limit=500&pipeline="+pipeline).Rows)
}
