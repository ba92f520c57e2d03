package views

import (
	"fmt"
	"strings"
	"testing"
)

// chart names the graph "a>b c>d": each word is a step and what needs it.
func steps(spec string) []LineStep {
	var out []LineStep
	for word := range strings.FieldsSeq(spec) {
		name, needs, _ := strings.Cut(word, "<")
		s := LineStep{Name: name}
		if needs != "" {
			s.Needs = strings.Split(needs, ",")
		}
		out = append(out, s)
	}
	return out
}

func describe(ranks [][]*lineNode) string {
	var b strings.Builder
	for i, rank := range ranks {
		if i > 0 {
			b.WriteString(" | ")
		}
		for j, n := range rank {
			if j > 0 {
				b.WriteByte(' ')
			}
			name := "~"
			if n.step != nil {
				name = n.step.Name
			}
			fmt.Fprintf(&b, "%s%g", name, n.y)
		}
	}
	return b.String()
}

func TestLineLayout(t *testing.T) {
	tests := []struct{ name, spec, want string }{
		{"one step", "a", "in0 | a0 | out0"},
		{"a chain", "a b<a c<b", "in0 | a0 | b0 | c0 | out0"},
		{"a diamond", "a b<a c<a d<b,c", "in0.5 | a0.5 | b0 c1 | d0.5 | out0.5"},
		{"a fan-out of six", "a b<a c<a d<a e<a f<a g<a", "in2.5 | a2.5 | b0 c1 d2 e3 f4 g5 | out2.5"},
		{"a need that another implies", "a b<a c<a,b", "in0 | a0 | b0 | c0 | out0"},
		{"a short branch beside a long one", "a b<a c<a d<c e<b,d", "in0.5 | a0.5 | b0 c1 | ~0 d1 | e0.5 | out0.5"},
		{"joins within joins", "a b<a c<a d<b e<b f<d,e g<f,c", "in1.5 | a1.5 | b0.5 c2 | d0 e1 ~2 | f0.5 ~2 | g1.5 | out1.5"},
		{"two lines side by side", "a b c<a d<b", "in0.5 | a0 b1 | c0 d1 | out0.5"},
		{"a need that is not there", "a<zz b<a", "in0 | a0 | b0 | out0"},
		{"a circle is opened", "a<b b<a", "in0 | b0 | a0 | out0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ranks := lineGraph(LineProps{Start: &LineStep{Name: "in"}, End: &LineStep{Name: "out"}, Steps: steps(tt.spec)})
			placeLine(ranks)
			if got := describe(ranks); got != tt.want {
				t.Errorf("layout of %q:\n got %s\nwant %s", tt.spec, got, tt.want)
			}
		})
	}
}

func TestLineColdness(t *testing.T) {
	list := steps("a b<a c<a d<b,c")
	list[1].Breaker = &LineBreaker{Name: "x", State: "open"}
	ranks := lineGraph(LineProps{Steps: list})
	got := map[string]bool{}
	for _, rank := range ranks {
		for _, n := range rank {
			got[n.step.Name] = n.cold
		}
	}
	want := map[string]bool{"a": false, "b": true, "c": false, "d": true}
	for name, cold := range want {
		if got[name] != cold {
			t.Errorf("step %s: cold %v, want %v", name, got[name], cold)
		}
	}
}
