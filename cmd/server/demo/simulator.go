package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"time"

	"redrive/pipeline/signature"
)

//go:embed deliveries.ndjson
var deliveries []byte

//go:embed redrive.yaml
var configuration []byte

// Configuration of the demonstration; it asks for DEMO_SECRET and
// DEMO_DOWNSTREAM.
func Configuration() []byte { return bytes.Clone(configuration) }

// NewSecret for this run's signatures.
func NewSecret() string { return rand.Text() }

// Delivery is one recorded webhook.
type Delivery struct {
	ID      string          `json:"delivery"`
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload"`
}

// Deliveries are the recorded webhooks.
func Deliveries() ([]Delivery, error) {
	var list []Delivery
	lines := bufio.NewScanner(bytes.NewReader(deliveries))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var d Delivery
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return nil, fmt.Errorf("reading the recorded deliveries: %w", err)
		}
		list = append(list, d)
	}
	return list, lines.Err()
}

const (
	paceFrom = 200 * time.Millisecond // between two deliveries: about three a second
	paceTo   = 460 * time.Millisecond
	twice    = 30 // one in so many is sent twice, as GitHub does
)

// Simulator sends recorded deliveries to an intake, signed as GitHub signs them.
type Simulator struct {
	URL    string // of the intake
	Secret string
	Client *http.Client
	Logger *slog.Logger
}

// Run sends until ctx ends, again and again in a new order, each time with new
// delivery ids.
func (s *Simulator) Run(ctx context.Context) error {
	list, err := Deliveries()
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		for _, i := range mathrand.Perm(len(list)) {
			wait(ctx, paceFrom+mathrand.N(paceTo-paceFrom))
			if ctx.Err() != nil {
				return nil
			}
			s.deliver(ctx, list[i])
		}
	}
	return nil
}

func (s *Simulator) deliver(ctx context.Context, d Delivery) {
	d.ID = newDeliveryID()
	times := 1
	if mathrand.IntN(twice) == 0 {
		times = 2
	}
	for range times {
		if err := s.post(ctx, d); err != nil && ctx.Err() == nil {
			s.Logger.DebugContext(ctx, "a simulated delivery was not taken", "event", d.Event, "error", err)
		}
	}
}

func (s *Simulator) post(ctx context.Context, d Delivery) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(d.Payload))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", d.Event)
	req.Header.Set("X-GitHub-Delivery", d.ID)
	req.Header.Set(signature.GitHubHeader, signature.SignGitHub(s.Secret, d.Payload))
	res, err := s.Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 4<<10)); err != nil {
		return err
	}
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("answered %s", res.Status)
	}
	return nil
}

func newDeliveryID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
