package signature

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	StandardIDHeader        = "webhook-id"
	StandardTimeHeader      = "webhook-timestamp"
	StandardSignatureHeader = "webhook-signature"
)

const standardPrefix = "whsec_"

type standard struct{ keys [][]byte }

func newStandard(secrets []string) (Verifier, error) {
	var s standard
	for _, secret := range secrets {
		keys, err := standardKeys(secret)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, keys...)
	}
	return s, nil
}

// standardKeys reads the secret. With the prefix it is base64 and nothing else. Without
// it, senders differ on whether the text or what it decodes to is the key, so both count.
func standardKeys(secret string) ([][]byte, error) {
	text, prefixed := strings.CutPrefix(secret, standardPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	usable := err == nil && len(key) > 0
	switch {
	case prefixed && !usable:
		return nil, errors.New("the secret after " + standardPrefix + " is not base64")
	case prefixed:
		return [][]byte{key}, nil
	case usable:
		return [][]byte{key, []byte(secret)}, nil
	default:
		return [][]byte{[]byte(secret)}, nil
	}
}

func (s standard) Verify(header http.Header, body []byte, now time.Time) error {
	id, err := single(header, StandardIDHeader)
	if err != nil {
		return err
	}
	seconds, err := single(header, StandardTimeHeader)
	if err != nil {
		return err
	}
	value, err := single(header, StandardSignatureHeader)
	if err != nil {
		return err
	}
	// The id, the time and the body are signed joined by full stops: with one inside the
	// id, the same signature would fit another id and another body.
	if strings.Contains(id, ".") {
		return errors.New("the " + StandardIDHeader + " header must not contain a full stop")
	}
	if err := fresh(seconds, StandardTimeHeader, now); err != nil {
		return err
	}
	signatures, err := parseStandard(value)
	if err != nil {
		return err
	}
	if anySigned(signatures, s.keys, body, id, ".", seconds, ".") {
		return nil
	}
	return errors.New("no v1 signature in " + StandardSignatureHeader + " matches the id, the time and the body; check that both sides use the same secret")
}

// parseStandard reads "v1,base64 v1,base64 v1a,base64"; other versions are passed over,
// and so is a v1 that is no signature.
func parseStandard(value string) ([][]byte, error) {
	var signatures [][]byte
	for part := range strings.FieldsSeq(value) {
		text, ok := strings.CutPrefix(part, "v1,")
		if sum, err := base64.StdEncoding.DecodeString(text); ok && err == nil && len(sum) == 32 {
			signatures = append(signatures, sum)
		}
	}
	if len(signatures) == 0 {
		return nil, errors.New("the " + StandardSignatureHeader + " header has no signature of the form v1,base64")
	}
	return signatures, nil
}

// SignStandard returns the value of StandardSignatureHeader for a message signed at the
// given time. It reads the secret as New does, and fails on one New refuses.
func SignStandard(secret, id string, at time.Time, body []byte) (string, error) {
	keys, err := standardKeys(secret)
	if err != nil {
		return "", err
	}
	seconds := strconv.FormatInt(at.Unix(), 10)
	return "v1," + base64.StdEncoding.EncodeToString(mac(keys[0], body, id, ".", seconds, ".")), nil
}
