package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

const (
	phone = "+14155550100"
	base  = "https://redrive.example.com"
)

func noticeOf(alarms ...pipeline.NoticeAlarm) pipeline.Notice {
	return pipeline.Notice{At: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC), Alarms: alarms}
}

func raised(name, reason string) pipeline.NoticeAlarm {
	return pipeline.NoticeAlarm{Name: name, Severity: "page", From: pipeline.AlarmOK, To: pipeline.AlarmOn, Reason: reason, Path: "alarms/" + name}
}

func over(name string) pipeline.NoticeAlarm {
	return pipeline.NoticeAlarm{Name: name, Severity: "page", From: pipeline.AlarmOn, To: pipeline.AlarmOK, Reason: "max of dead_letters is 0", Path: "alarms/" + name}
}

// pager is a route to a phone over a fake.
func pager(t *testing.T) (*awstest.SNSFake, *SMS) {
	t.Helper()
	fake := awstest.SNS(t)
	return fake, NewSMS(NewAccount(awstest.Config(t, awstest.Endpoints{SNS: fake.URL})), phone, "", base)
}

func TestAPhoneGetsOneTextOfOneAlarm(t *testing.T) {
	fake, sms := pager(t)
	if err := sms.Notify(t.Context(), noticeOf(raised("dead-letters", "max of dead_letters is 5 over 1m; goes off at >= 5"))); err != nil {
		t.Fatal(err)
	}
	p := fake.Published()
	if len(p) != 1 || p[0].PhoneNumber != phone || p[0].TopicARN != "" || p[0].Subject != "" || p[0].Attributes["AWS.SNS.SMS.SMSType"] != "Transactional" {
		t.Fatalf("published %+v", p)
	}
	if want := "Redrive: alarm dead-letters: max of dead_letters is 5 over 1m; goes off at >= 5 https://redrive.example.com/alarms/dead-letters"; p[0].Message != want {
		t.Errorf("text %q", p[0].Message)
	}
}

func TestTextsFitIntoOneMessage(t *testing.T) {
	long := strings.Repeat("average of error_rate is 0.0512, ", 20)
	var many []pipeline.NoticeAlarm
	for i := range 60 {
		many = append(many, raised(fmt.Sprintf("alarm-number-%d", i), long))
	}
	for name, tt := range map[string]struct {
		notice pipeline.Notice
		base   string
		want   []string
		not    string
	}{
		"a long reason":           {noticeOf(raised("rate", long)), "", []string{"Redrive: alarm rate: average of", "..."}, "http"},
		"a long reason and links": {noticeOf(raised("rate", long)), base, []string{"Redrive: alarm rate: average of", "... https://redrive.example.com/alarms/rate"}, ""},
		"a link without room":     {noticeOf(raised("rate", long)), base + "/" + strings.Repeat("x", 110), []string{"Redrive: alarm rate: average of", "..."}, "http"},
		"it is over":              {noticeOf(over("rate")), base, []string{"Redrive: alarm rate is over: max of dead_letters is 0 https://redrive.example.com/alarms/rate"}, ""},
		"several":                 {noticeOf(over("a"), raised("b", long), raised("c", long)), base, []string{"Redrive: 3 alarms changed, 2 are on: b, c, a over https://redrive.example.com/alarms"}, "average"},
		"very many":               {noticeOf(many...), base, []string{"Redrive: 60 alarms changed, 60 are on: alarm-number-0, alarm-number-1, ", " more"}, "number-59"},
		"an enormous name":        {noticeOf(raised(strings.Repeat("x", 400), long)), base, []string{"Redrive: alarm xxx", "..."}, ""},
		"enormous names":          {noticeOf(raised(strings.Repeat("x", 400), long), over("b")), base, []string{"Redrive: 2 alarms changed, 1 are on and 2 more"}, ""},
		"signs of two septets":    {noticeOf(raised("rate", strings.Repeat("[€]", 100))), "", []string{"Redrive: alarm rate: [€][€]", "..."}, ""},
		"hostile":                 {noticeOf(raised("r\u202eate\n", "5 漢字 <!channel> http://evil.example\x00")), "", []string{"Redrive: alarm r ate : 5 ?? <!channel> http: //evil. example"}, "\n"},
		"hostile links":           {noticeOf(raised("www.evil.example", "see evil.example/x, HTTPS://EVIL.example or evil\u3002example")), "", []string{"www. evil. example: see evil. example/x, HTTPS: //EVIL. example or evil? example"}, "://"},
		"on for a moment":         {noticeOf(raised("rate", long), over("rate")), base, []string{"Redrive: alarm rate is over: max of dead_letters is 0 https://redrive.example.com/alarms/rate"}, ""},
		"held back":               {pipeline.Notice{Alarms: noticeOf(raised("rate", long)).Alarms, HeldBack: 41}, base, []string{"Redrive: alarm rate (41 more changes held back): average", "https://redrive.example.com/alarms/rate"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := smsText(tt.notice, tt.base)
			if n := septets(text); n > 160 || n == 0 {
				t.Errorf("%d septets: %s", n, text)
			}
			if gsm(text) != text {
				t.Errorf("signs that phones lack: %s", text)
			}
			at := 0
			for _, part := range tt.want {
				i := strings.Index(text[at:], part)
				if i < 0 {
					t.Fatalf("%q lacks %q", text, part)
				}
				at += i + len(part)
			}
			if tt.not != "" && strings.Contains(text, tt.not) {
				t.Errorf("%q has %q", text, tt.not)
			}
		})
	}
}

func TestATopicGetsALongTextAndAShortOne(t *testing.T) {
	fake := awstest.SNS(t)
	arn := fake.AddTopic("oncall")
	sms := NewSMS(NewAccount(awstest.Config(t, awstest.Endpoints{SNS: fake.URL})), "", arn, base)
	if err := sms.Notify(t.Context(), noticeOf(raised("dead-letters", "5 >= 5"), over("größe"))); err != nil {
		t.Fatal(err)
	}
	p := fake.Published()
	if len(p) != 1 || p[0].TopicARN != arn || p[0].PhoneNumber != "" || p[0].Subject != "Redrive: 2 alarms changed, 1 are on" {
		t.Fatalf("published %+v", p)
	}
	var texts map[string]string
	if err := json.Unmarshal([]byte(p[0].Message), &texts); err != nil {
		t.Fatal(err)
	}
	want := "Redrive: 2 alarms changed, 1 are on\n\ndead-letters is alarm (page): 5 >= 5\nhttps://redrive.example.com/alarms/dead-letters\ngröße is ok (page): max of dead_letters is 0\nhttps://redrive.example.com/alarms/größe"
	if texts["default"] != want || septets(texts["sms"]) > 160 || len(texts) != 2 {
		t.Errorf("texts %q", texts)
	}
	long := noticeOf(raised(strings.Repeat("ä\n", 200), ""))
	if s := subject(long); len(s) > 100 || strings.ContainsAny(s, "ä\n") || s == "" {
		t.Errorf("subject %q", s)
	}
}

func TestWhatMayHaveArrivedIsNotSentAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		harm awstest.Harm
		want string
	}{
		"lost answer": {awstest.LostAnswer(), "no whole answer from SNS; it may have arrived, so it is not sent again"},
		"no answer":   {awstest.Latency(time.Minute), "no answer in time; it may have arrived, so it is not sent again"},
		"broken":      {awstest.Broken(), "sns:Publish on the phone of this route failed with InternalError"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, sms := pager(t)
			fake.Inject(awstest.Fault{Do: tt.harm})
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := sms.Notify(ctx, noticeOf(raised("a", "b"))); err == nil || err.Error() != tt.want {
				t.Errorf("error = %v", err)
			}
			if n := fake.Count("Publish"); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestAThrottledTextIsTriedAgain(t *testing.T) {
	fake, sms := pager(t)
	fake.Inject(awstest.Fault{Do: awstest.Throttled(), Times: 2})
	if err := sms.Notify(t.Context(), noticeOf(raised("a", "b"))); err != nil || len(fake.Published()) != 1 || fake.Count("Publish") != 3 {
		t.Errorf("error = %v after %d requests", err, fake.Count("Publish"))
	}
	fake.Inject(awstest.Fault{Do: awstest.Throttled()})
	if err := sms.Notify(t.Context(), noticeOf(raised("a", "b"))); err == nil || err.Error() != "SNS throttles messages to the phone of this route" {
		t.Errorf("error = %v", err)
	}
}

func TestNoErrorCarriesThePhonesNumber(t *testing.T) {
	for name, tt := range map[string]struct {
		phone string
		harm  awstest.Harm
		want  string
	}{
		"not a number": {"+0999123", nil, "SNS does not take a message to the phone of this route"},
		"opted out":    {phone, awstest.Refused(awstest.Refusal{Status: 400, Code: "OptedOut", Message: phone + " opted out"}), "the phone of this route opted out of messages"},
		"forbidden":    {phone, awstest.Denied(), "this identity may not do sns:Publish on the phone of this route"},
		"unknown":      {phone, awstest.Refused(awstest.Refusal{Status: 400, Code: "Odd", Message: phone + " is odd"}), "sns:Publish on the phone of this route failed with Odd"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := awstest.SNS(t)
			if tt.harm != nil {
				fake.Inject(awstest.Fault{Do: tt.harm})
			}
			sms := NewSMS(NewAccount(awstest.Config(t, awstest.Endpoints{SNS: fake.URL})), tt.phone, "", "")
			err := sms.Notify(t.Context(), noticeOf(raised("a", "b")))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), tt.phone) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestATopicThatIsGoneIsNamed(t *testing.T) {
	fake := awstest.SNS(t)
	sms := NewSMS(NewAccount(awstest.Config(t, awstest.Endpoints{SNS: fake.URL})), "", "arn:aws:sns:us-east-2:000000000000:oncall", "")
	if err := sms.Notify(t.Context(), noticeOf(raised("a", "b"))); err == nil || err.Error() != "topic oncall does not exist" {
		t.Errorf("error = %v", err)
	}
	if got := sms.client.Options().Region; got != "us-east-2" {
		t.Errorf("asked in %s", got)
	}
}

func TestNoConnectionMeansNothingArrived(t *testing.T) {
	sms := NewSMS(NewAccount(awstest.Config(t, awstest.Endpoints{})), phone, "", "")
	if err := sms.Notify(t.Context(), noticeOf(raised("a", "b"))); err == nil || err.Error() != "could not connect to SNS" {
		t.Errorf("error = %v", err)
	}
}

func TestAPhoneGetsSoManyTextsAnHour(t *testing.T) {
	sms := &SMS{phone: phone}
	at := time.Now()
	for i := range 40 {
		if ok := sms.spend(at.Add(time.Duration(i) * time.Minute)); ok != (i < smsHourly) {
			t.Errorf("message %d within an hour: %v", i+1, ok)
		}
	}
	if !sms.spend(at.Add(time.Hour)) || sms.spend(at.Add(time.Hour)) {
		t.Error("an hour after the first there is room for one more")
	}
}
