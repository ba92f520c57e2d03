package awstest

import "time"

// Harm makes a worse way to answer a call from a good one.
type Harm func(next Handle) Handle

// Cut cuts the connection before the request reaches the service.
func Cut() Harm {
	return func(Handle) Handle {
		return func(*Call) *Answer { return nil }
	}
}

// LostAnswer has the service do it and cuts the connection before the answer.
func LostAnswer() Harm {
	return func(next Handle) Handle {
		return func(c *Call) *Answer {
			next(c)
			return nil
		}
	}
}

// Latency holds the request up.
func Latency(d time.Duration) Harm {
	return func(next Handle) Handle {
		return func(c *Call) *Answer {
			select {
			case <-time.After(d):
				return next(c)
			case <-c.ctx.Done(): // the caller waits no longer
				return nil
			}
		}
	}
}

// Gate holds requests up until open is closed.
func Gate(open <-chan struct{}) Harm {
	return func(next Handle) Handle {
		return func(c *Call) *Answer {
			select {
			case <-open:
				return next(c)
			case <-c.ctx.Done():
				return nil
			}
		}
	}
}

// Throttled refuses because there are too many requests, with the codes that
// the service has for it in turn.
func Throttled() Harm {
	var n turns
	return refusing(func(c *Call) Refusal {
		codes := c.service.throttling
		return codes[n.next()%len(codes)]
	})
}

// Broken is the service's own fault: an answer of status 500.
func Broken() Harm {
	return refusing(func(c *Call) Refusal { return c.service.broken })
}

// Denied is a policy that does not allow the action on what the call names.
func Denied() Harm {
	return refusing(func(c *Call) Refusal { return c.service.denied(c) })
}

// Refused answers an error of the test's choice, such as {403, "OverLimit", "Too many messages in flight."}.
func Refused(r Refusal) Harm {
	return refusing(func(*Call) Refusal { return r })
}

// Replied answers 200 with a body of the test's choice, for what an emulator
// lacks. It is written in JSON, and so for the services behind a proxy.
func Replied(body any) Harm {
	return func(Handle) Handle {
		return func(*Call) *Answer { return answerJSON(200, body) }
	}
}

func refusing(with func(*Call) Refusal) Harm {
	return func(Handle) Handle {
		return func(c *Call) *Answer { return c.Refuse(with(c)) }
	}
}
