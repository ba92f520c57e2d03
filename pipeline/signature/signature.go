package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The schemes New knows, as the configuration spells them.
const (
	GitHub           = "github"
	Stripe           = "stripe"
	StandardWebhooks = "standard-webhooks"
	None             = "none"
)

// Tolerance is how far the time of a signature may lie from now, either way.
const Tolerance = 5 * time.Minute

// Verifier accepts or refuses one request. It is safe for concurrent use.
type Verifier interface {
	// Verify returns nil when the headers carry a valid signature of the body, and
	// otherwise a sentence that says what is wrong. It changes neither of them.
	Verify(header http.Header, body []byte, now time.Time) error
}

// New returns the verifier of a scheme. Of several secrets each is good: while one is
// being changed, the old and the new. The scheme "none", or none at all, accepts every
// request; the others refuse to start without a secret.
func New(scheme string, secrets ...string) (Verifier, error) {
	switch scheme {
	case None:
		return anything{}, nil
	case "":
		if strings.Join(secrets, "") != "" {
			return nil, errors.New("a signature secret needs a scheme: github, stripe or standard-webhooks")
		}
		return anything{}, nil
	case GitHub, Stripe, StandardWebhooks:
		if len(secrets) == 0 || slices.Contains(secrets, "") {
			return nil, fmt.Errorf("signature scheme %s needs a secret", scheme)
		}
	default:
		return nil, fmt.Errorf("signature scheme %q is not known; use github, stripe, standard-webhooks or none", scheme)
	}
	if scheme == StandardWebhooks {
		return newStandard(secrets)
	}
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		keys[i] = []byte(secret)
	}
	if scheme == GitHub {
		return github{keys: keys}, nil
	}
	return stripe{keys: keys}, nil
}

type anything struct{}

func (anything) Verify(http.Header, []byte, time.Time) error { return nil }

// single returns the value of a header that must be there exactly once: of two, a proxy
// and this program might look at different ones.
func single(header http.Header, name string) (string, error) {
	switch values := header.Values(name); {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", fmt.Errorf("the %s header is missing", name)
	case len(values) > 1:
		return "", fmt.Errorf("the %s header is there %d times; send it once", name, len(values))
	default:
		return values[0], nil
	}
}

// fresh checks a time in Unix seconds as the sender wrote it.
func fresh(seconds, name string, now time.Time) error {
	if seconds == "" || seconds[0] < '0' || seconds[0] > '9' { // ParseInt would take a sign
		return fmt.Errorf("the time in %s is not a number of seconds", name)
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("the time in %s is not a number of seconds", name)
	}
	limit := int64(Tolerance / time.Second)
	switch age := now.Unix() - at; {
	case age > limit:
		return fmt.Errorf("the time in %s is more than %d minutes old; check the sender's clock", name, limit/60)
	case age < -limit:
		return fmt.Errorf("the time in %s is more than %d minutes ahead; check the sender's clock", name, limit/60)
	}
	return nil
}

// anySigned tells whether one of the signatures is what one of the keys makes of the
// parts and the body.
func anySigned(signatures, keys [][]byte, body []byte, before ...string) bool {
	for _, key := range keys {
		want := mac(key, body, before...)
		for _, got := range signatures {
			if hmac.Equal(got, want) {
				return true
			}
		}
	}
	return false
}

// mac signs the parts one after the other, without joining them in memory.
func mac(key, body []byte, before ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range before {
		h.Write([]byte(part))
	}
	h.Write(body)
	return h.Sum(nil)
}
