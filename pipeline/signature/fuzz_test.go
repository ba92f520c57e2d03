package signature_test

import (
	"net/http"
	"strings"
	"testing"

	"redrive/pipeline/signature"
)

// refuses checks that no header a stranger can think of is taken for a signature, and
// that parsing it ends in a sentence. The body is random, so nothing signs it by chance.
func refuses(t *testing.T, scheme string, h http.Header, body []byte) {
	t.Helper()
	err := verifier(t, scheme, "a secret no input knows").Verify(h, body, now)
	if err == nil {
		t.Fatalf("%s accepted %v", scheme, h)
	}
	if strings.TrimSpace(err.Error()) == "" || strings.ContainsAny(err.Error(), "\r\n") {
		t.Errorf("not one sentence: %q", err)
	}
}

func FuzzGitHub(f *testing.F) {
	f.Add("sha256="+strings.Repeat("0", 64), []byte("x"))
	f.Add("sha256=", []byte(nil))
	f.Add("sha1=00", []byte("x"))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		refuses(t, signature.GitHub, header(signature.GitHubHeader, value), body)
	})
}

func FuzzStripe(f *testing.F) {
	f.Add(signature.SignStripe("another secret", now, body), body)
	f.Add("t=1,t=2,v1=", []byte("x"))
	f.Add(",=,t,v1", []byte(nil))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		refuses(t, signature.Stripe, header(signature.StripeHeader, value), body)
	})
}

func FuzzStandardWebhooks(f *testing.F) {
	f.Add("msg_1", "1772366400", "v1,AAAA v1,", []byte("x"))
	f.Add("a.b", "-1", "v1a,", []byte(nil))
	f.Add("", "", "", []byte("x"))
	f.Fuzz(func(t *testing.T, id, seconds, value string, body []byte) {
		h := header(signature.StandardIDHeader, id, signature.StandardTimeHeader, seconds, signature.StandardSignatureHeader, value)
		refuses(t, signature.StandardWebhooks, h, body)
	})
}
