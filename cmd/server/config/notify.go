package config

import "slices"

// routes reads where alarms are sent.
func routes(s *section) []Route {
	items, _ := s.items("notify")
	var rs []Route
	for _, n := range items {
		rs = append(rs, route(s.r.section("notify", lineOf(n), n)))
	}
	return rs
}

func route(s *section) Route {
	rt := Route{Kind: required(s, "kind", "kind: slack, webhook or sms", oneOf("slack", "webhook", "sms"))}
	switch rt.Kind {
	case "": // which other keys it may have, and must have, depends on the kind
		s.secret("url")
		s.secret("phone")
		read(s, "topic", "", topic)
		severities(s)
		return rt
	case "sms":
		rt.Phone, rt.Topic = sms(s)
	default:
		rt.URL = routeURL(s)
	}
	defer s.close()
	rt.Severities = severities(s)
	return rt
}

func severities(s *section) []string {
	wrong := len(s.r.mistakes)
	of := unique(s, "severities", list(s, "severities", []string{"notice", "page"}, severity()))
	if e, given := s.get("severities"); given && len(of) == 0 && len(s.r.mistakes) == wrong {
		s.r.mistake(e.line, "write [notice, page] or one of them", "severities is empty, so nothing would be sent")
	}
	return of
}

// routeURL reads the address without ever showing it: it is the only thing
// that keeps others from posting there.
func routeURL(s *section) Secret {
	wrong := len(s.r.mistakes)
	secret, given := s.secret("url")
	if !given && !s.broken {
		s.r.mistake(s.line, "add url or url_file", "notify has no url")
	}
	if !given || len(s.r.mistakes) > wrong {
		return secret
	}
	if _, f := callURL(secret.text); f != nil {
		s.r.mistake(s.secretLine("url"), f.right, "the url of this notify %s", f.wrong)
		return secret
	}
	s.r.warnPlain(s.secretLine("url"), "this notify", secret.text, true)
	return secret
}

// warnSeverities warns of alarms that reach nobody although somebody is told of
// others.
func (r *reader) warnSeverities(s *section, c *Config) {
	if len(c.Notify) == 0 {
		return
	}
	e, _ := s.get("notify")
	for _, severity := range []string{"notice", "page"} {
		reached := slices.ContainsFunc(c.Notify, func(rt Route) bool { return slices.Contains(rt.Severities, severity) })
		raised := slices.ContainsFunc(c.Alarms, func(a Alarm) bool { return a.Severity == severity })
		if raised && !reached {
			r.warn(e.line, "alarms of severity %q are sent nowhere", severity)
		}
	}
}
