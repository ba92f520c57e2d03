package egress

import (
	"net/netip"
	"testing"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for want, addresses := range map[reach][]string{
		public: {
			"8.8.8.8", "::ffff:8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "100.63.255.255", "100.128.0.1", "172.32.0.1", "11.0.0.1",
			"169.253.0.1", "169.255.0.1", "168.63.129.15", "223.255.255.255",
		},
		inside: {
			"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "::ffff:10.0.0.1", "64:ff9b::a00:1",
			"fd00::1", "fc00::1", "fec0::1", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "192.0.0.8", "2001:20::1",
		},
		loopback: {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"},
		never: {
			"169.254.169.254", "169.254.170.2", "169.254.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1", "fe80::1%eth0",
			"febf::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200", "::ffff:100.100.100.200", "192.0.0.192",
			"168.63.129.16", "0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "224.0.0.1", "239.255.255.250", "ff02::1", "240.0.0.1",
			"255.255.255.255", "2002:a9fe:a9fe::1", "2002:7f00:1::1", "2002:808:808::1", "2001::1", "2001:0:7f00:1::", "64:ff9b:1::a9fe:a9fe",
			"64:ff9b:1:ffff::1", "::ffff:0:169.254.169.254", "::ffff:0:7f00:1", "::169.254.169.254", "::7f00:1", "::2",
		},
	} {
		for _, address := range addresses {
			if got, what := judge(netip.MustParseAddr(address)); got != want || (what == "") != (want == public) {
				t.Errorf("%s is %d, %q, want %d", address, got, what, want)
			}
		}
	}
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"localhost": "", "localhost.": "", "127.0.0.1": "", "::1": "", "10.0.0.1": "", "fd00::1": "", "orders.internal": "", "id.example.com": "",
		"3com": "", "1and1.example": "", "0xcafe.example": "", "x0x7f": "", "search-api": "", "8.8.8.8": "", "64:ff9b::808:808": "",
		"169.254.169.254":        "is a link-local address, where clouds hand out credentials, which is never called",
		"::ffff:169.254.169.254": "is a link-local address, where clouds hand out credentials, which is never called",
		"64:ff9b::a9fe:a9fe":     "is a link-local address, where clouds hand out credentials, which is never called",
		"fd00:ec2::254":          "is a metadata service, which hands out credentials, which is never called",
		"0.0.0.0":                "is no address of a machine, which is never called",
		"::":                     "is no address of a machine, which is never called",
		"0x7f000001":             "is neither a name nor a whole address",
		"0X7F000001":             "is neither a name nor a whole address",
		"2130706433":             "is neither a name nor a whole address",
		"127.1":                  "is neither a name nor a whole address",
		"0177.0.0.1":             "is neither a name nor a whole address",
		"127.0.0.1.":             "is neither a name nor a whole address",
		"a.0x":                   "is neither a name nor a whole address",
		"256.256.256.256":        "is neither a name nor a whole address",
	} {
		got := ""
		if err := CheckHost(host); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
