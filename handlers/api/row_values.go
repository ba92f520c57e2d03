package api

import (
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"

	"redrive/handlers/peek"
	"redrive/pipeline"
)

// showable is how deep a payload may nest to be shown as JSON inside an answer;
// parsers, ours too, give up at some depth.
const showable = 1000

type rowItem struct {
	ID          string     `json:"id"`
	Pipeline    string     `json:"pipeline"`
	Status      string     `json:"status" enum:"accepted,in_progress,done,dead,rejected,discarded"`
	CreatedAt   stamp      `json:"created_at"`
	UpdatedAt   stamp      `json:"updated_at"`
	ContentType string     `json:"content_type"`
	Label       optional   `json:"label"`
	Size        int        `json:"size"`
	Error       optional   `json:"error"`
	Steps       []flagItem `json:"steps"`
}

type flagItem struct {
	Name          string   `json:"name"`
	State         string   `json:"state" enum:"waiting,queued,running,retrying,processed,dead"`
	Attempts      int      `json:"attempts"`
	ProcessedAt   stamp    `json:"processed_at"`
	NextAttemptAt stamp    `json:"next_attempt_at"`
	LastError     optional `json:"last_error"`
}

type flagAnswer struct {
	flagItem
	Result         any      `json:"result"`
	ResultEncoding optional `json:"result_encoding" enum:"base64"`
}

type rowAnswer struct {
	ID              string        `json:"id"`
	Pipeline        string        `json:"pipeline"`
	Status          string        `json:"status" enum:"accepted,in_progress,done,dead,rejected,discarded"`
	CreatedAt       stamp         `json:"created_at"`
	UpdatedAt       stamp         `json:"updated_at"`
	ContentType     string        `json:"content_type"`
	Label           optional      `json:"label"`
	Size            int           `json:"size"`
	Error           optional      `json:"error"`
	Key             optional      `json:"idempotency_key"`
	Payload         any           `json:"payload"`
	PayloadEncoding optional      `json:"payload_encoding" enum:"base64"`
	PayloadMasked   bool          `json:"payload_masked"`
	PayloadWithheld bool          `json:"payload_withheld"`
	Steps           []flagAnswer  `json:"steps"`
	Attempts        []attemptItem `json:"attempts"`
}

type attemptItem struct {
	Step       string   `json:"step"`
	Number     int      `json:"number"`
	StartedAt  stamp    `json:"started_at"`
	DurationMS int64    `json:"duration_ms"`
	Outcome    string   `json:"outcome" enum:"processed,failed,throttled,dead,lost"`
	Error      optional `json:"error"`
	StatusCode count    `json:"status_code"`
	Worker     optional `json:"worker"`
}

func toRow(r pipeline.Row) rowItem {
	return rowItem{ID: r.ID, Pipeline: r.Pipeline, Status: string(r.Status), CreatedAt: stamp(r.CreatedAt), UpdatedAt: stamp(r.UpdatedAt),
		ContentType: r.ContentType, Label: optional(r.Label), Size: r.Size, Error: optional(r.Error), Steps: list(r.Steps, toFlag)}
}

func toFlag(f pipeline.Flag) flagItem {
	return flagItem{Name: f.Name, State: string(f.State), Attempts: f.Attempts, ProcessedAt: stamp(f.ProcessedAt),
		NextAttemptAt: stamp(f.NextAttemptAt), LastError: optional(f.LastError)}
}

func toRowAnswer(d pipeline.RowDetail, sight pipeline.Sight) rowAnswer {
	d, masked := d.Seen(sight)
	payload, encoding := asJSON(d.Payload)
	return rowAnswer{
		ID: d.ID, Pipeline: d.Pipeline, Status: string(d.Status), CreatedAt: stamp(d.CreatedAt), UpdatedAt: stamp(d.UpdatedAt),
		ContentType: d.ContentType, Label: optional(d.Label), Size: d.Size, Error: optional(d.Error), Key: optional(d.Key),
		Payload: payload, PayloadEncoding: encoding, PayloadMasked: masked, PayloadWithheld: sight == pipeline.Withheld,
		Steps: list(d.Steps, func(f pipeline.Flag) flagAnswer {
			result, encoding := asJSON(d.Results[f.Name])
			return flagAnswer{flagItem: toFlag(f), Result: result, ResultEncoding: encoding}
		}),
		Attempts: list(d.Attempts, toAttempt),
	}
}

func toAttempt(a pipeline.Attempt) attemptItem {
	return attemptItem{Step: a.Step, Number: a.Number, StartedAt: stamp(a.StartedAt), DurationMS: int64(a.Duration / time.Millisecond),
		Outcome: string(a.Outcome), Error: optional(a.Error), StatusCode: count(a.StatusCode), Worker: optional(a.Worker)}
}

// asJSON shows bytes as the JSON value they are, else as base64.
func asJSON(b []byte) (value any, encoding optional) {
	if len(b) == 0 {
		return nil, ""
	}
	if utf8.Valid(b) && peek.Depth(b) <= showable && json.Valid(b) {
		return json.RawMessage(b), ""
	}
	return base64.StdEncoding.EncodeToString(b), "base64"
}
