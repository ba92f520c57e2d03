package steps

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
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
// a name that resolves to the metadata service would. No packet leaves.
func TestAStepIsGuarded(t *testing.T) {
	t.Parallel()
	step, err := NewHTTP(HTTPConfig{URL: "http://search-api/index"})
	if err != nil {
		t.Fatal(err)
	}
	step.base.URL.Host = "169.254.169.254:80"
	v := step.Call(t.Context(), Request{Row: "row-1", Step: "index"})
	if v.Kind != Transient || v.ErrorKind != KindConnection || !strings.HasPrefix(v.Error, "call to search-api refused here: ") {
		t.Errorf("%+v", v)
	}
}

func TestTheConfiguredAddressPassesTheGuard(t *testing.T) {
	t.Parallel()
	for host, more := range map[string][]string{"169.254.169.254": nil, "metadata.internal": {"169.254.169.254"}} {
		allowed, err := parseAllowed(host, more)
		if err != nil || !slices.Contains(allowed, netip.MustParseAddr("169.254.169.254")) {
			t.Errorf("%s allows %v, %v", host, allowed, err)
		}
	}
}
