package awstest

import "testing"

// STSFake says who the caller is: user/test of AccountID.
type STSFake struct{ *Server }

// STS starts a fake that ends with the test.
func STS(t testing.TB) *STSFake {
	t.Helper()
	s := &service{
		refuse:     refuseQuery,
		throttling: []Refusal{{400, "Throttling", "Rate exceeded"}},
		broken:     Refusal{500, "InternalFailure", "Internal failure"},
		denied:     func(c *Call) Refusal { return Refusal{403, "AccessDenied", notAuthorized("sts:"+c.Action, "")} },
	}
	return &STSFake{serve(t, nameQuery(s, "STS"), func(c *Call) *Answer {
		if c.Action != "GetCallerIdentity" {
			return refuseQuery(c, Refusal{400, "InvalidAction", "The fake of STS does not know " + c.Action + "."})
		}
		return answerQuery(c, text("Arn", "arn:aws:iam::"+AccountID+":user/test"), text("UserId", "AIDATEST"), text("Account", AccountID))
	})}
}
