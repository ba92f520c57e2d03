package awstest

import (
	"context"
	"net/http"
	"sync"
	"testing"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// What every test account is.
const (
	Region    = "eu-west-1"
	AccountID = "000000000000" // the emulators' own
	KeyID     = "AKIATESTTESTTEST0000"
	Secret    = "no-secret-at-all"
)

// nowhere refuses connections: what a test names no address for must never reach AWS.
const nowhere = "http://127.0.0.1:1"

// Endpoints are the addresses of services. A service without one is out of reach.
type Endpoints struct {
	SQS, DynamoDB, CloudWatch, SNS, Lambda, STS string
}

// Config returns what a client of the SDK needs to talk to e.
func Config(t testing.TB, e Endpoints) sdkaws.Config {
	t.Helper()
	return sdkaws.Config{
		Region:        Region,
		Credentials:   credentials.NewStaticCredentialsProvider(KeyID, Secret, ""),
		BaseEndpoint:  sdkaws.String(nowhere),
		ConfigSources: []any{e},
	}
}

// connections are shared by all tests of a process, like the emulators: a client
// of the SDK has its own else, and dials anew.
var connections = sync.OnceValue(func() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 256, DisableCompression: true}}
})

// HTTP is the client that those share who bring no time-outs of their own.
func HTTP() *http.Client { return connections() }

// Quick is Config for a client that is used once or twice.
func Quick(t testing.TB, e Endpoints) sdkaws.Config {
	t.Helper()
	c := Config(t, e)
	c.HTTPClient = HTTP()
	return c
}

// GetServiceBaseEndpoint is what the SDK asks of a source of configuration.
func (e Endpoints) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	address := map[string]string{
		"SQS": e.SQS, "DynamoDB": e.DynamoDB, "CloudWatch": e.CloudWatch,
		"SNS": e.SNS, "Lambda": e.Lambda, "STS": e.STS,
	}[sdkID]
	return address, address != "", nil
}

// Env returns the environment, as NAME=value, with which a process of its own
// talks to e and to nothing else: neither the machine's profiles nor its role.
func Env(e Endpoints) []string {
	env := []string{
		"AWS_ACCESS_KEY_ID=" + KeyID,
		"AWS_SECRET_ACCESS_KEY=" + Secret,
		"AWS_SESSION_TOKEN=",
		"AWS_REGION=" + Region,
		"AWS_PROFILE=",
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + nowhere,
	}
	for _, s := range []struct{ name, address string }{
		{"SQS", e.SQS}, {"DYNAMODB", e.DynamoDB}, {"CLOUDWATCH", e.CloudWatch},
		{"SNS", e.SNS}, {"LAMBDA", e.Lambda}, {"STS", e.STS},
	} {
		if s.address != "" {
			env = append(env, "AWS_ENDPOINT_URL_"+s.name+"="+s.address)
		}
	}
	return env
}
