// Package config reads the configuration of the server: one YAML file, the
// environment it refers to, and the few settings the command line may override.
//
// Everything that is wrong is found in one reading. Load walks the syntax tree
// itself instead of decoding into structs, so that every Mistake carries the
// line it is on and none hides the next. What Load returns without mistakes can
// be used as it is: defaults are filled in, names refer to things that exist,
// paths are resolved, the graph of each pipeline has no cycle.
package config

import (
	"net/netip"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Config is a whole configuration, complete and valid.
type Config struct {
	Listen         string         // host:port of the listener; a loopback address unless Auth is enabled
	BasePath       string         // "/" or "/x/y", never with a slash at the end
	PublicURL      string         // "" or an absolute http(s) URL without a slash at the end
	AllowedHosts   []string       // host or host:port, in lower case
	TrustedProxies []netip.Prefix // single addresses are prefixes of full length
	Environment    Environment
	Backend        string // "embedded" or "aws"
	Embedded       Embedded
	AWS            AWS
	LogFormat      string         // "text" or "json"; an override alone, no key of the file
	Only           string         // "console" or "workers", "" for both; an override alone, and with the AWS backend alone
	Pipelines      []Pipeline     // in the order of the file; none only where there are Queues
	Queues         []ForeignQueue // with the AWS backend alone, in the order of the file
	Breakers       []Breaker      // in the order of the file
	Sweep          Sweep
	Alarms         []Alarm // DefaultAlarms where the file has none
	Notify         []Route // in the order of the file: its index is its name
	Auth           Auth
	Limits         Limits
	Warnings       []Warning // worth a log line, no reason not to start
}

// Limits are requests a second of one address, 0 for none. Loopback has none.
type Limits struct {
	Ingest float64 // at /ingest
	API    float64 // at /api
}

// Environment is the badge on every page.
type Environment struct {
	Name   string
	Colour string // grey, red, orange, yellow, green, blue or purple
}

// Embedded says where the embedded backend keeps its file and how hard it tries.
type Embedded struct {
	Path       string // a folder
	Durability string // "full": an answer 202 survives a power cut; "normal": a crash of the process
}

// AWS says how AWS is reached and what the things there are called. With the
// embedded backend its region and endpoint are still those of Lambda and SQS
// steps and of SMS; the rest does nothing there.
type AWS struct {
	Region    string            // "" leaves it to the SDK: environment, profile
	Prefix    string            // of every queue and, unless Table is set, of the table
	Endpoint  string            // "" or the http(s) URL of all services, without a slash at the end
	Provision bool              // false: nothing is ever created
	Table     string            // "" for Prefix and "rows"
	Tags      map[string]string // of everything that is created; nil for none
	KMSKey    string            // id, alias or ARN of a key; "" for the encryption each service has by itself
}

// ForeignQueue names queues that are not ours: one of the two fields is set.
type ForeignQueue struct {
	Name   string // of one queue
	Prefix string // of the names of any number of them
}

// Pipeline is an intake and the graph of steps behind it.
type Pipeline struct {
	Name      string
	Intake    Intake
	Retention time.Duration // at least a minute
	Steps     []Step        // in the order of the file, at least one
}

// Intake says what is let in.
type Intake struct {
	IdempotencyKey IdempotencyKey
	Signature      Signature
	SchemaFile     string             // absolute, "" for none
	Schema         *jsonschema.Schema // the compiled SchemaFile, nil for none
	SourceQueue    string             // the literal name of an SQS queue, "" for none; with the AWS backend alone
	MaxBytes       int64              // of one payload, 1 to 16 MiB; with the AWS backend 1 to 384 KiB
}

// IdempotencyKey says where a payload carries the key that makes it the same
// delivery as an earlier one.
type IdempotencyKey struct {
	Source    string   // "none", "header" or "json"
	Header    string   // in canonical form, for "header"
	Attribute string   // the header as it is written: what an SQS message calls it, where case counts
	Path      []string // of the field, from the outside in, for "json"
}

// Signature says how the sender of a payload proves itself.
type Signature struct {
	Scheme   string // "none", "github", "stripe" or "standard-webhooks"
	Secret   Secret // never empty unless the scheme is "none"
	Previous Secret // as good as Secret, while that is being changed; empty for none
}

// Step is one call of the graph. Of HTTP, Lambda and SQS exactly one is set; Kind
// says which.
type Step struct {
	Name        string
	Needs       []string // steps of the same pipeline
	HTTP        HTTP
	Lambda      Lambda
	SQS         SQS
	Timeout     time.Duration // above 0, at most 15 minutes
	Concurrency int           // calls at once in one process, 1 to 10000
	Rate        float64       // calls a second over all processes, 0 for no limit
	Retry       Retry
	Permanent   []int  // statuses of 400 to 599, never 429
	Breaker     string // the name of one of Config.Breakers, "" for none
	Exclusive   bool   // claimed before the call; the embedded backend does so anyway
	KeepResult  bool   // AWS: the whole result is kept, not only its first 256 bytes
}

// Kind is what the step calls: "http", "lambda" or "sqs".
func (s Step) Kind() string {
	switch {
	case s.Lambda.Function != "":
		return "lambda"
	case s.SQS.Queue != "":
		return "sqs"
	}
	return "http"
}

// HTTP is the request a step makes.
type HTTP struct {
	URL     string   // absolute, http or https
	Headers []Header // in the order of the file
}

// Lambda is the function a step invokes.
type Lambda struct {
	Function string // name, name:alias or ARN
}

// SQS is the queue a step hands its rows over to.
type SQS struct {
	Queue string // name or URL, never of a FIFO queue
}

// Header is sent with each call of a step. Its value may hold a token.
type Header struct {
	Name  string // in canonical form
	Value Secret
}

// Retry says when a call that did not work is made again.
type Retry struct {
	Attempts int           // all calls counted, 0 for until it succeeds
	Base     time.Duration // above 0
	Cap      time.Duration // at least Base
	Jitter   string        // "full", "equal" or "none"
}

// Breaker is shared by the steps that name it.
type Breaker struct {
	Name         string
	FailureRate  float64 // above 0, at most 1
	MinimumCalls int
	Window       time.Duration
	OpenFor      time.Duration
	Probes       int
}

// Sweep says when stuck rows are looked for.
type Sweep struct {
	Schedule   string        // five cron fields, UTC; Cron reads it
	StuckAfter time.Duration // at least a second
}

// Alarm has the meaning of a CloudWatch alarm.
type Alarm struct {
	Name       string
	Metric     string // one of the names in Metrics
	Pipeline   string // "" for all
	Step       string // "" for all; with it Pipeline is set
	Breaker    string // "" for all
	Statistic  string // "average", "sum", "min", "max" or "count"
	Comparison string // ">=", ">", "<=" or "<"
	Threshold  float64
	Period     time.Duration // 10s, 30s or whole minutes
	Periods    int
	Datapoints int    // 1 to Periods
	Missing    string // "missing", "breaching", "not_breaching" or "ignore"
	Severity   string // "notice" or "page"
}

// Route is where alarms of its severities are sent.
type Route struct {
	Kind       string // "slack", "webhook" or "sms"
	URL        Secret // absolute, http or https; whoever knows it may post; not for sms
	Phone      Secret // for sms: + and digits, where there is no Topic
	Topic      string // for sms: the ARN of an SNS topic, "" where there is a Phone
	Severities []string
}
