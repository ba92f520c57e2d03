package config

const (
	maxInvoke  = 6 << 20 // bytes Lambda takes in one call
	maxMessage = 1 << 20 // bytes SQS takes in one message
)

// call reads what a step calls: one of the three.
func call(s *section, g *graph, st *Step) {
	st.HTTP, st.Lambda, st.SQS = request(s), invocation(s), handover(s, g, st.Name)
	var given []string
	var at int
	for _, kind := range []string{"http", "lambda", "sqs"} {
		if e, ok := s.get(kind); ok {
			given, at = append(given, kind), max(at, e.line)
		}
	}
	switch {
	case s.broken:
	case len(given) == 0:
		s.r.mistake(s.line, "add http: {url: ...}, lambda: {function: ...} or sqs: {queue: ...}", "step has none of http, lambda and sqs")
	case len(given) > 1:
		s.r.mistake(at, "keep one of them", "step has %s", and(given))
	}
}

func invocation(s *section) Lambda {
	e, given := s.get("lambda")
	if !given {
		return Lambda{}
	}
	l := s.r.section("lambda", e.line, e.value)
	defer l.close()
	name := required(l, "function", "function: and its name or ARN", function)
	s.r.calls("the Lambda function", name, e.line)
	return Lambda{name}
}

func handover(s *section, g *graph, step string) SQS {
	e, given := s.get("sqs")
	if !given {
		return SQS{}
	}
	q := s.r.section("sqs", e.line, e.value)
	defer q.close()
	queue := required(q, "queue", "queue: and its name or URL", queueTarget)
	at, _ := q.get("queue")
	s.r.queues.targets = append(s.r.queues.targets, queueUse{pipeline: g.pipeline, step: step, queue: queue, line: at.line})
	s.r.calls("the SQS message", "", e.line)
	return SQS{queue}
}

func exclusive(s *section) bool {
	claimed := read(s, "exclusive", false, boolean)
	if claimed && s.r.backend == "embedded" {
		e, _ := s.get("exclusive")
		s.r.warn(e.line, "exclusive changes nothing: with the embedded backend a step is always leased to one worker alone")
	}
	return claimed
}

// warnSize warns of payloads that are let in and can never be passed on.
func warnSize(s *section, st Step, in Intake) {
	most := map[string]int64{"lambda": maxInvoke, "sqs": maxMessage}[st.Kind()]
	if most > 0 && in.MaxBytes > most {
		e, _ := s.get(st.Kind())
		s.r.warn(e.line, "max_bytes lets in payloads of %d bytes, and %s takes at most %d: the rows of larger ones cannot pass step %q", in.MaxBytes, st.Kind(), most, st.Name)
	}
}
