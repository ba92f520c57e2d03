package steps

import (
	"testing"

	"redrive/pipeline"
)

func TestTheEnvironmentNamesNoProxy(t *testing.T) {
	t.Parallel()
	step, err := NewHTTP(HTTPConfig{URL: "http://search-api:9001/index"})
	if err != nil {
		t.Fatal(err)
	}
	if step.transport.Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

// The address behind the configured host is changed after the configuration was read, as
// a name that comes to stand for the metadata service would. No packet leaves. It is worth
// another try: the row is not at fault.
func TestAStepIsGuarded(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"169.254.169.254:80":  "no call made: 169.254.169.254 is a link-local address, where clouds hand out credentials",
		"[fd00:ec2::254]:80":  "no call made: fd00:ec2::254 is a metadata service, which hands out credentials",
		"10.0.0.7:80":         "no call made: 10.0.0.7 is not a public address, and the host is not in the configuration",
		"[64:ff9b::a00:1]:80": "no call made: 64:ff9b::a00:1 is not a public address, and the host is not in the configuration",
	} {
		step, err := NewHTTP(HTTPConfig{URL: "http://search-api/index"})
		if err != nil {
			t.Fatal(err)
		}
		step.base.URL.Host = host
		v := step.Call(t.Context(), Request{Row: "row-1", Step: "index"})
		if v.Kind != Transient || v.ErrorKind != KindAddress || v.Error != want {
			t.Errorf("%s: %+v", host, v)
		}
		if a := v.Answer(); a.Kind != pipeline.AnswerTransient || a.Cause != pipeline.CauseAddress {
			t.Errorf("%s: %+v", host, a)
		}
	}
}
