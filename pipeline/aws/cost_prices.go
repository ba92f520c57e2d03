package aws

// List prices in US dollars of us-east-1: SQS standard queues, DynamoDB on
// demand in the Standard table class (as lowered in November 2024), CloudWatch's
// first tier. From aws.amazon.com/sqs/pricing, /dynamodb/pricing/on-demand and
// /cloudwatch/pricing; free tiers and discounts are left out. What SNS and
// Lambda take depends on countries and functions and is not priced here.
const (
	priceList           = "us-east-1"
	priceQueueRequest   = 0.40 / 1e6
	priceWrite          = 0.625 / 1e6
	priceRead           = 0.125 / 1e6
	priceMonitorRequest = 0.01 / 1e3
	priceMetric         = 0.30 // a month
	priceAlarm          = 0.10 // a month
	priceComposite      = 0.50 // a month
)

// The services as the SDK names them.
const (
	serviceQueues  = "SQS"
	serviceTable   = "DynamoDB"
	serviceMonitor = "CloudWatch"
)

// spent is an amount of what has a price.
type spent struct{ queueRequests, writes, reads, monitorRequests float64 }

func spentOn(service string, b bill) spent {
	s := spent{writes: float64(b.writes) / whole, reads: float64(b.reads) / whole}
	switch service {
	case serviceQueues:
		s.queueRequests = float64(b.requests)
	case serviceMonitor:
		s.monitorRequests = float64(b.requests)
	}
	return s
}

func (s spent) plus(t spent) spent {
	return spent{s.queueRequests + t.queueRequests, s.writes + t.writes, s.reads + t.reads, s.monitorRequests + t.monitorRequests}
}

func (s spent) times(f float64) spent {
	return spent{s.queueRequests * f, s.writes * f, s.reads * f, s.monitorRequests * f}
}

func (s spent) dollars() float64 {
	return s.queueRequests*priceQueueRequest + s.writes*priceWrite + s.reads*priceRead + s.monitorRequests*priceMonitorRequest
}
