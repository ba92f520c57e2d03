package signature

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
)

// GitHubHeader carries GitHub's signature.
const GitHubHeader = "X-Hub-Signature-256"

type github struct{ keys [][]byte }

func (g github) Verify(header http.Header, body []byte, _ time.Time) error {
	value, err := single(header, GitHubHeader)
	if err != nil {
		return err
	}
	got, err := parseGitHub(value)
	if err != nil {
		return err
	}
	if !anySigned([][]byte{got}, g.keys, body) {
		return errors.New("the signature in " + GitHubHeader + " does not match the body; check that both sides use the same secret")
	}
	return nil
}

func parseGitHub(value string) ([]byte, error) {
	digits, ok := strings.CutPrefix(value, "sha256=")
	if sum, err := hex.DecodeString(digits); ok && err == nil && len(sum) == 32 {
		return sum, nil
	}
	return nil, errors.New("the " + GitHubHeader + " header is not sha256= and 64 hexadecimal digits")
}

// SignGitHub returns the value of GitHubHeader for a body.
func SignGitHub(secret string, body []byte) string {
	return "sha256=" + hex.EncodeToString(mac([]byte(secret), body))
}
