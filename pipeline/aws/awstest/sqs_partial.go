package awstest

import "encoding/json"

// FailEntries fails every nth entry of SQS's batches, counted over all calls
// that it strikes: the service does not get to see it, and answers 200 with it
// among Failed. An n of 1 fails all.
func FailEntries(n int) Harm {
	var count turns
	return func(next Handle) Handle {
		return func(c *Call) *Answer {
			var request map[string]json.RawMessage
			var entries []json.RawMessage
			if json.Unmarshal(c.Body, &request) != nil || json.Unmarshal(request["Entries"], &entries) != nil {
				return next(c) // no batch
			}
			var passed []json.RawMessage
			var failed []failedEntry
			for _, e := range entries {
				if count.next()%n == n-1 {
					failed = append(failed, failure(e))
				} else {
					passed = append(passed, e)
				}
			}
			return addFailed(c.passEntries(next, request, passed), failed)
		}
	}
}

// failedEntry is AWS's BatchResultErrorEntry.
type failedEntry struct {
	Id, Code, Message string
	SenderFault       bool
}

func failure(entry json.RawMessage) failedEntry {
	var named struct{ Id string }
	_ = json.Unmarshal(entry, &named)
	return failedEntry{Id: named.Id, Code: "InternalError", Message: "We encountered an internal error. Please try again."}
}

// passEntries has the service do a batch of what is left, if anything is.
func (c *Call) passEntries(next Handle, request map[string]json.RawMessage, entries []json.RawMessage) *Answer {
	if len(entries) == 0 {
		return answerJSON(200, map[string][]string{"Successful": {}, "Failed": {}})
	}
	request["Entries"] = mustJSON(entries)
	return next(c.with(mustJSON(request)))
}

func addFailed(a *Answer, failed []failedEntry) *Answer {
	if a == nil || a.Status != 200 || len(failed) == 0 {
		return a
	}
	var answer struct {
		Successful []json.RawMessage
		Failed     []json.RawMessage
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		return a
	}
	for _, f := range failed {
		answer.Failed = append(answer.Failed, mustJSON(f))
	}
	return answerJSON(200, answer)
}
