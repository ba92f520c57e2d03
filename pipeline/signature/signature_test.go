package signature_test

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/signature"
)

const secret = "It's a Secret to Everybody"

var (
	body = []byte("Hello, World!")
	now  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func verifier(t *testing.T, scheme, secret string) signature.Verifier {
	t.Helper()
	v, err := signature.New(scheme, secret)
	if err != nil {
		t.Fatalf("New(%q): %v", scheme, err)
	}
	return v
}

// check expects acceptance when the wanted part of the sentence is empty, and never sees
// the right signature in a sentence.
func check(t *testing.T, err error, want, right string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && err == nil:
		t.Errorf("accepted, want %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("refused with %q, want %q", err, want)
	case err != nil && (strings.Contains(err.Error(), right) || strings.Contains(err.Error(), secret)):
		t.Errorf("the sentence gives the signature or the secret away: %q", err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, scheme, secret, want string }{
		{"github", "github", "s", ""},
		{"stripe", "stripe", "s", ""},
		{"standard with base64", "standard-webhooks", "whsec_c2VjcmV0", ""},
		{"standard with plain text", "standard-webhooks", "not base64!", ""},
		{"none", "none", "", ""},
		{"left out", "", "", ""},
		{"a scheme without a secret", "github", "", "needs a secret"},
		{"a secret without a scheme", "", "s", "needs a scheme"},
		{"unknown", "gitlab", "s", `"gitlab" is not known`},
		{"standard with a broken secret", "standard-webhooks", "whsec_%%%", "not base64"},
		{"standard with the prefix alone", "standard-webhooks", "whsec_", "not base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := signature.New(tt.scheme, tt.secret)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNoneAcceptsEverything(t *testing.T) {
	t.Parallel()
	if err := verifier(t, "none", "").Verify(nil, nil, now); err != nil {
		t.Error(err)
	}
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	// The pair GitHub's documentation gives to test an implementation with.
	const right = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	if got := signature.SignGitHub(secret, body); got != "sha256="+right {
		t.Fatalf("SignGitHub = %s", got)
	}
	name := signature.GitHubHeader
	tests := []struct {
		name, want string
		header     http.Header
		body       string
	}{
		{"right", "", header(name, "sha256="+right), string(body)},
		{"right in capitals", "", header(name, "sha256="+strings.ToUpper(right)), string(body)},
		{"altered body", "does not match", header(name, "sha256="+right), "Hello, World?"},
		{"empty body", "does not match", header(name, "sha256="+right), ""},
		{"altered signature", "does not match", header(name, "sha256="+right[:63]+"6"), string(body)},
		{"missing", "is missing", header(), string(body)},
		{"empty", "is missing", header(name, ""), string(body)},
		{"twice", "there 2 times", header(name, "sha256="+right, name, "sha256="+right), string(body)},
		{"joined by a comma", "64 hexadecimal", header(name, "sha256="+right+",sha256="+right), string(body)},
		{"no prefix", "64 hexadecimal", header(name, right), string(body)},
		{"sha1", "64 hexadecimal", header(name, "sha1="+right[:40]), string(body)},
		{"cut", "64 hexadecimal", header(name, "sha256="+right[:62]), string(body)},
		{"no digits", "64 hexadecimal", header(name, "sha256="), string(body)},
		{"the old header alone", "is missing", header("X-Hub-Signature", "sha1="+right[:40]), string(body)},
	}
	v := verifier(t, signature.GitHub, secret)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, v.Verify(tt.header, []byte(tt.body), now), tt.want, right)
		})
	}
}

func TestStripe(t *testing.T) {
	t.Parallel()
	name := signature.StripeHeader
	signed := signature.SignStripe(secret, now, body)
	_, right, _ := strings.Cut(signed, "v1=")
	seconds := strconv.FormatInt(now.Unix(), 10)
	wrong := strings.Repeat("ab", 32)
	tests := []struct {
		name, want string
		header     http.Header
		at         time.Time
	}{
		{"right", "", header(name, signed), now},
		{"the second of two secrets", "", header(name, "t="+seconds+",v1="+wrong+",v1="+right+",v0="+wrong), now},
		{"blanks after commas", "", header(name, "t="+seconds+", v1="+right), now},
		{"five minutes old", "", header(name, signed), now.Add(signature.Tolerance)},
		{"five minutes ahead", "", header(name, signed), now.Add(-signature.Tolerance)},
		{"older", "minutes old", header(name, signed), now.Add(signature.Tolerance + time.Second)},
		{"further ahead", "minutes ahead", header(name, signed), now.Add(-signature.Tolerance - time.Second)},
		{"another time", "no v1 signature", header(name, "t="+strconv.FormatInt(now.Unix()+1, 10)+",v1="+right), now},
		{"wrong signature", "no v1 signature", header(name, "t="+seconds+",v1="+wrong), now},
		{"right under v0 only", "no signature v1=", header(name, "t="+seconds+",v0="+right), now},
		{"no time", "no time", header(name, "v1="+right), now},
		{"two times", "two times", header(name, "t="+seconds+",t="+seconds+",v1="+right), now},
		{"a time that is no number", "not a number", header(name, "t=soon,v1="+right), now},
		{"a time with a sign", "not a number", header(name, "t=+"+seconds+",v1="+right), now},
		{"a negative time", "not a number", header(name, "t=-1,v1="+right), now},
		{"a time too large for a number", "not a number", header(name, "t=99999999999999999999,v1="+right), now},
		{"the largest time", "minutes ahead", header(name, "t=9223372036854775807,v1="+right), now},
		{"missing", "is missing", header(), now},
		{"twice", "there 2 times", header(name, signed, name, signed), now},
		{"nonsense", "no time", header(name, ",,==,"), now},
	}
	v := verifier(t, signature.Stripe, secret)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, v.Verify(tt.header, body, tt.at), tt.want, right)
		})
	}
	t.Run("altered body", func(t *testing.T) {
		t.Parallel()
		check(t, v.Verify(header(name, signed), []byte("Hello"), now), "no v1 signature", right)
	})
}

func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	const id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
	key := "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret))
	signed, err := signature.SignStandard(key, id, now, body)
	if err != nil {
		t.Fatal(err)
	}
	seconds := strconv.FormatInt(now.Unix(), 10)
	wrong := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	message := func(id, seconds, value string) http.Header {
		return header("Webhook-Id", id, "Webhook-Timestamp", seconds, "Webhook-Signature", value)
	}
	twice := func(name string) http.Header {
		h := message(id, seconds, signed)
		h.Add(name, h.Get(name))
		return h
	}
	without := func(name string) http.Header {
		h := message(id, seconds, signed)
		h.Del(name)
		return h
	}
	shifted, _ := signature.SignStandard(key, id+".1", now, body)
	tests := []struct {
		name, want string
		header     http.Header
		at         time.Time
	}{
		{"right", "", message(id, seconds, signed), now},
		{"the second of several", "", message(id, seconds, "v1a,"+signed[3:]+" "+wrong+" "+signed), now},
		{"five minutes old", "", message(id, seconds, signed), now.Add(signature.Tolerance)},
		{"older", "minutes old", message(id, seconds, signed), now.Add(signature.Tolerance + time.Second)},
		{"further ahead", "minutes ahead", message(id, seconds, signed), now.Add(-signature.Tolerance - time.Second)},
		{"another id", "no v1 signature", message("msg_other", seconds, signed), now},
		{"another time", "no v1 signature", message(id, strconv.FormatInt(now.Unix()+1, 10), signed), now},
		{"a full stop in the id", "full stop", message(id+".1", seconds, shifted), now},
		{"right under v1a only", "no signature of the form", message(id, seconds, "v1a,"+signed[3:]), now},
		{"no version", "no signature of the form", message(id, seconds, signed[3:]), now},
		{"not base64", "no signature of the form", message(id, seconds, "v1,%%%"), now},
		{"a time that is no number", "not a number", message(id, "soon", signed), now},
		{"no id", "webhook-id header is missing", without("Webhook-Id"), now},
		{"no time", "webhook-timestamp header is missing", without("Webhook-Timestamp"), now},
		{"no signature", "webhook-signature header is missing", without("Webhook-Signature"), now},
		{"two ids", "there 2 times", twice("Webhook-Id"), now},
		{"two times", "there 2 times", twice("Webhook-Timestamp"), now},
		{"two signature headers", "there 2 times", twice("Webhook-Signature"), now},
	}
	v := verifier(t, signature.StandardWebhooks, key)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, v.Verify(tt.header, body, tt.at), tt.want, signed[3:])
		})
	}
}

// These were not made by this program: the first is that of the Standard Webhooks
// specification, the second openssl's.
func TestSignaturesOfOthers(t *testing.T) {
	t.Parallel()
	standard := header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
		"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	v := verifier(t, signature.StandardWebhooks, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	check(t, v.Verify(standard, []byte(`{"test": 2432232314}`), time.Unix(1614265330, 0)), "", "")
	check(t, v.Verify(standard, []byte(`{"test":2432232314}`), time.Unix(1614265330, 0)), "no v1 signature", "g0hM9SsE")

	stripe := header(signature.StripeHeader, "t=1492774577,v1=952cd89626c79cd65f12880afd38333422a10b88ff71136627ceb92ccdb0132c")
	v = verifier(t, signature.Stripe, "whsec_test")
	check(t, v.Verify(stripe, []byte(`{"id": "evt_1"}`), time.Unix(1492774577, 0)), "", "")
	check(t, v.Verify(stripe, []byte(`{"id":"evt_1"}`), time.Unix(1492774577, 0)), "no v1 signature", "952cd896")
}

// While a secret is being changed, the old and the new are both good.
func TestSecretsInTurn(t *testing.T) {
	t.Parallel()
	const old, next, other = "whsec_b2xkLXNlY3JldA==", "whsec_bmV4dC1zZWNyZXQ=", "whsec_b3RoZXItc2VjcmV0"
	seconds := strconv.FormatInt(now.Unix(), 10)
	sign := map[string]func(string) http.Header{
		signature.GitHub: func(secret string) http.Header {
			return header(signature.GitHubHeader, signature.SignGitHub(secret, body))
		},
		signature.Stripe: func(secret string) http.Header {
			return header(signature.StripeHeader, signature.SignStripe(secret, now, body))
		},
		signature.StandardWebhooks: func(secret string) http.Header {
			signed, err := signature.SignStandard(secret, "msg_1", now, body)
			if err != nil {
				t.Error(err)
			}
			return header("webhook-id", "msg_1", "webhook-timestamp", seconds, "webhook-signature", signed)
		},
	}
	for scheme, sign := range sign {
		v, err := signature.New(scheme, next, old)
		if err != nil {
			t.Fatal(err)
		}
		for secret, good := range map[string]bool{old: true, next: true, other: false} {
			if err := v.Verify(sign(secret), body, now); (err == nil) != good {
				t.Errorf("%s signed with %s: %v", scheme, secret, err)
			}
		}
		if _, err := signature.New(scheme, next, ""); err == nil {
			t.Errorf("%s takes an empty secret besides", scheme)
		}
	}
}

// What senders make of a secret without the prefix differs: both readings count.
func TestStandardSecretWithoutPrefix(t *testing.T) {
	t.Parallel()
	const plain = "c2VjcmV0c2VjcmV0" // base64 of secretsecret
	v := verifier(t, signature.StandardWebhooks, plain)
	for name, key := range map[string]string{"decoded": "secretsecret", "as it is": plain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed, err := signature.SignStandard("whsec_"+base64.StdEncoding.EncodeToString([]byte(key)), "msg_1", now, body)
			if err != nil {
				t.Fatal(err)
			}
			h := header("webhook-id", "msg_1", "webhook-timestamp", strconv.FormatInt(now.Unix(), 10), "webhook-signature", signed)
			if err := v.Verify(h, body, now); err != nil {
				t.Error(err)
			}
		})
	}
}
