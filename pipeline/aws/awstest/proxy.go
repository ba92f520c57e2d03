package awstest

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Proxy stands in front of an emulator and passes on what it is asked.
type Proxy struct{ *Server }

// NewProxy starts a proxy in front of SQS or DynamoDB at target. It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	return &Proxy{serve(t, nameJSON, func(c *Call) *Answer { return forward(c, client, target) })}
}

// forward has the service do it. No answer of the service is no answer to the caller.
func forward(c *Call, client *http.Client, target string) *Answer {
	out, err := http.NewRequestWithContext(c.ctx, http.MethodPost, target, bytes.NewReader(c.Body))
	if err != nil {
		return nil
	}
	out.Header, out.Host = c.Header.Clone(), c.host
	out.Header.Del("Content-Length")
	answer, err := client.Do(out)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil
	}
	return &Answer{Status: answer.StatusCode, Header: answer.Header, Body: body}
}
