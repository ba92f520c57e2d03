package pipeline

import (
	"slices"
	"strings"
	"testing"
)

func TestNewGraphRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		nodes []Node
		want  string
	}{
		"no steps":     {nil, "has no steps"},
		"two alike":    {[]Node{{Name: "a"}, {Name: "a"}}, "two steps named a"},
		"unknown need": {[]Node{{Name: "a", Needs: []string{"b"}}}, "needs b, which is no step"},
		"itself":       {[]Node{{Name: "a", Needs: []string{"a"}}}, "in a circle: a -> a"},
		"circle":       {[]Node{{Name: "a", Needs: []string{"c"}}, {Name: "b", Needs: []string{"a"}}, {Name: "c", Needs: []string{"b"}}}, "circle: a -> c -> b -> a"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewGraph("p", tt.nodes)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func diamond(t *testing.T) *Graph {
	t.Helper()
	g, err := NewGraph("github", []Node{{Name: "validate"}, {Name: "index", Needs: []string{"validate"}},
		{Name: "notify", Needs: []string{"validate"}}, {Name: "archive", Needs: []string{"index", "notify"}}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGraphDerives(t *testing.T) {
	g := diamond(t)
	for name, tt := range map[string]struct{ got, want []string }{
		"roots":       {g.Roots(), []string{"validate"}},
		"later":       {g.Later(), []string{"index", "notify", "archive"}},
		"sinks":       {g.Sinks(), []string{"archive"}},
		"descendants": {g.Descendants("validate"), []string{"index", "notify", "archive"}},
		"needs":       {g.Needs("archive"), []string{"index", "notify"}},
		"no such":     {g.Needs("x"), nil},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s = %v, want %v", name, tt.got, tt.want)
		}
	}
	if u := g.Unlocks("index"); len(u) != 1 || u[0].Step != "archive" || !slices.Equal(u[0].Needs, []string{"index", "notify"}) {
		t.Errorf("unlocks of index = %v", u)
	}
}

func TestGraphIDFollowsTheShape(t *testing.T) {
	a := diamond(t)
	b, err := NewGraph("github", []Node{{Name: "validate"}, {Name: "index", Needs: []string{"validate"}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewGraph("other", a.Nodes())
	if err != nil {
		t.Fatal(err)
	}
	if a.ID() != diamond(t).ID() || a.ID() == b.ID() || a.ID() == c.ID() {
		t.Errorf("ids: %s %s %s", a.ID(), b.ID(), c.ID())
	}
}

func TestUntriggeredSteps(t *testing.T) {
	g := diamond(t)
	flag := func(name string, s State) Flag { return Flag{Name: name, State: s} }
	for name, tt := range map[string]struct {
		flags []Flag
		want  []string
	}{
		"never queued":           {nil, []string{"validate"}},
		"on its way":             {[]Flag{flag("validate", StateRetrying)}, nil},
		"one branch lost":        {[]Flag{flag("validate", StateProcessed), flag("index", StateQueued)}, []string{"notify"}},
		"both branches lost":     {[]Flag{flag("validate", StateProcessed)}, []string{"index", "notify"}},
		"join lost":              {[]Flag{flag("validate", StateProcessed), flag("index", StateProcessed), flag("notify", StateProcessed)}, []string{"archive"}},
		"join waits":             {[]Flag{flag("validate", StateProcessed), flag("index", StateDead), flag("notify", StateProcessed)}, nil},
		"dead beside a lost one": {[]Flag{flag("validate", StateProcessed), flag("index", StateDead)}, []string{"notify"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range untriggered(g, &Row{ID: "r", Steps: tt.flags}) {
				got = append(got, s.Step)
				if s.Why == "" {
					t.Error("no reason given")
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("stuck = %v, want %v", got, tt.want)
			}
		})
	}
}
