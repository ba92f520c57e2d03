package aws

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"redrive/pipeline"
)

// Region is used where neither the configuration nor the environment names one.
const Region = "eu-west-1"

const (
	tries       = 6               // of one request, the first included
	longestWait = 2 * time.Second // between two of them

	dialFor     = 3 * time.Second
	answerFor   = 10 * time.Second // the longest a request may go without an answer
	requestFor  = 12 * time.Second // all tries of a request that somebody waits for, such as the sender of a row
	longPollFor = 30 * time.Second // likewise where long polls are made
	connections = 128              // kept open to a service
)

// Account is how this process reaches AWS: the region and credentials of the
// configuration or, where it is silent, of the environment, the profile or the
// role, as every program of the SDK finds them.
type Account struct {
	sdk  sdkaws.Config
	cost *Meter
}

// Login loads the SDK's configuration. It makes no request. An empty region or
// endpoint leaves the choice to the SDK.
func Login(ctx context.Context, region, endpoint string) (*Account, error) {
	var opts []func(*config.LoadOptions) error
	if region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	if endpoint != "" {
		opts = append(opts, config.WithBaseEndpoint(endpoint))
	}
	sdk, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the AWS configuration of this machine cannot be used (environment, profile or role)", Err: err}
	}
	return NewAccount(sdk), nil
}

// NewAccount is Login for a configuration that is at hand.
func NewAccount(sdk sdkaws.Config) *Account {
	sdk.Region = cmp.Or(sdk.Region, Region)
	sdk.Retryer = func() sdkaws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = tries, longestWait
			o.RateLimiter = ratelimit.None // waiting is right when throttled; running out of tries is not
		})
	}
	sdk.Logger = logging.Nop{} // what goes wrong is an error, and told as one
	a := &Account{sdk: sdk, cost: newMeter()}
	a.sdk.APIOptions = append(a.sdk.APIOptions, a.cost.attach, attachTries)
	return a
}

// Region is where the account's resources are.
func (a *Account) Region() string { return a.sdk.Region }

// Cost is the meter of every request made with this account.
func (a *Account) Cost() *Meter { return a.cost }

func (a *Account) dynamodb() *dynamodb.Client {
	return dynamodb.NewFromConfig(a.sdk, inTime)
}

func inTime(o *dynamodb.Options) {
	o.HTTPClient = patient(o.HTTPClient, answerFor)
	o.APIOptions = append(o.APIOptions, attachDeadline)
}

func (a *Account) sqs() *sqs.Client {
	return sqs.NewFromConfig(a.sdk, func(o *sqs.Options) { o.HTTPClient = patient(o.HTTPClient, longPollFor) })
}

// sqsInTime makes no long polls: somebody waits for the answers.
func (a *Account) sqsInTime() *sqs.Client {
	return sqs.NewFromConfig(a.sdk, func(o *sqs.Options) {
		o.HTTPClient = patient(o.HTTPClient, answerFor)
		o.APIOptions = append(o.APIOptions, attachDeadline)
	})
}

// cloudwatch tries less hard: nothing waits for it but the alarms.
func (a *Account) cloudwatch() *cloudwatch.Client {
	return cloudwatch.NewFromConfig(a.sdk, func(o *cloudwatch.Options) { o.RetryMaxAttempts = 3 })
}

func (a *Account) lambda() *lambda.Client { return lambda.NewFromConfig(a.sdk) }
func (a *Account) sts() *sts.Client       { return sts.NewFromConfig(a.sdk) }

// dynamodbFor is a client whose requests are for a purpose unless something
// else is said.
func (a *Account) dynamodbFor(p purpose) *dynamodb.Client {
	return dynamodb.NewFromConfig(a.sdk, inTime, func(o *dynamodb.Options) { o.APIOptions = append(o.APIOptions, attachPurpose(p)) })
}

// Check tells whether there are credentials at all, before anything is asked
// of a service.
func (a *Account) Check(ctx context.Context) error {
	if a.sdk.Credentials == nil {
		return noCredentials(nil)
	}
	if _, err := a.sdk.Credentials.Retrieve(ctx); err != nil {
		return noCredentials(err)
	}
	return nil
}

func noCredentials(err error) error {
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Err: err,
		Text: "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or run with a role"}
}

// attachDeadline bounds a request with all its tries.
func attachDeadline(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("redrive:deadline",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			ctx, cancel := context.WithTimeout(ctx, requestFor)
			defer cancel()
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

// patient is a client that waits so long for an answer, and keeps as many
// connections open as this process may need. A client that was handed in stays
// as it is.
func patient(given sdkaws.HTTPClient, wait time.Duration) sdkaws.HTTPClient {
	client, ok := given.(*awshttp.BuildableClient)
	switch {
	case given == nil:
		client = awshttp.NewBuildableClient()
	case !ok:
		return given
	}
	return client.WithTimeout(wait).WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialFor }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*connections, connections
		})
}
