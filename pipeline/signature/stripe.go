package signature

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// StripeHeader carries Stripe's time and signatures.
const StripeHeader = "Stripe-Signature"

type stripe struct{ keys [][]byte }

func (s stripe) Verify(header http.Header, body []byte, now time.Time) error {
	value, err := single(header, StripeHeader)
	if err != nil {
		return err
	}
	seconds, signatures, err := parseStripe(value)
	if err != nil {
		return err
	}
	if err := fresh(seconds, StripeHeader, now); err != nil {
		return err
	}
	if anySigned(signatures, s.keys, body, seconds, ".") {
		return nil
	}
	return errors.New("no v1 signature in " + StripeHeader + " matches the time and the body; check that both sides use the same secret")
}

// parseStripe reads "t=1700000000,v1=hex,v1=hex,v0=hex". While a secret is rolled there is
// a v1 for each; other versions are passed over, and so is a v1 that is no signature.
func parseStripe(value string) (seconds string, signatures [][]byte, err error) {
	for part := range strings.SplitSeq(value, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			if seconds != "" {
				return "", nil, errors.New("the " + StripeHeader + " header has two times")
			}
			seconds = text
		case "v1":
			if sum, err := hex.DecodeString(text); err == nil && len(sum) == 32 {
				signatures = append(signatures, sum)
			}
		}
	}
	switch {
	case seconds == "":
		return "", nil, errors.New("the " + StripeHeader + " header has no time t=")
	case len(signatures) == 0:
		return "", nil, errors.New("the " + StripeHeader + " header has no signature v1= of 64 hexadecimal digits")
	}
	return seconds, signatures, nil
}

// SignStripe returns the value of StripeHeader for a body signed at the given time.
func SignStripe(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac([]byte(secret), body, seconds, "."))
}
