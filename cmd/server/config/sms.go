package config

import "regexp"

var phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// sms reads whom SNS sends a text to: one phone or whoever subscribed to a topic.
func sms(s *section) (Secret, string) {
	phone, hasPhone := s.phone()
	to := read(s, "topic", "", topic)
	e, hasTopic := s.get("topic")
	switch {
	case hasPhone && hasTopic:
		s.r.mistake(e.line, "keep one of the two", "notify has both phone and topic")
	case !hasPhone && !hasTopic && !s.broken:
		s.r.mistake(s.line, "add phone, phone_file or topic", "notify has neither phone nor topic")
	}
	s.r.calls("sms", to, s.line)
	return phone, to
}

// phone reads a number without ever showing it: it is somebody's own.
func (s *section) phone() (number Secret, given bool) {
	wrong := len(s.r.mistakes)
	number, given = s.secret("phone")
	if given && len(s.r.mistakes) == wrong && !phoneForm.MatchString(number.text) {
		s.r.mistake(s.secretLine("phone"), "write + and digits alone, country first, such as +14155550100", "the phone of this notify is not a number SNS can reach")
	}
	return number, given
}
