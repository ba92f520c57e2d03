package config

import (
	"fmt"
	"slices"
)

// checkTarget looks whether what an alarm names is there, and whether its metric
// comes by such a thing.
func (a Alarm) checkTarget(s *section, c *Config) {
	if a.Metric == "breaker_open" && (a.Pipeline != "" || a.Step != "") {
		s.r.mistake(s.line, "name a breaker, or nothing for all of them", "breaker_open does not come by pipeline or step")
		return
	}
	if a.Breaker != "" {
		a.checkBreaker(s)
	}
	switch {
	case a.Pipeline != "":
		a.checkPipeline(s, c)
	case a.Step != "":
		s.r.mistake(s.line, "add pipeline", "alarm %q watches step %q of no pipeline", a.Name, a.Step)
	}
}

func (a Alarm) checkBreaker(s *section) {
	e, _ := s.get("breaker")
	if right, ok := s.r.declared(a.Breaker); !ok {
		s.r.mistake(lineOf(e.value), right, "alarm %q watches breaker %q, which is not under breakers", a.Name, a.Breaker)
		return
	}
	if a.Metric != "breaker_open" && a.Metric != "" {
		s.r.mistake(e.line, "take breaker out or watch breaker_open", "%s does not come by breaker", a.Metric)
	}
}

func (a Alarm) checkPipeline(s *section, c *Config) {
	var pipelines, steps []string
	for _, p := range c.Pipelines {
		pipelines = append(pipelines, p.Name)
		if p.Name != a.Pipeline {
			continue
		}
		for _, st := range p.Steps {
			steps = append(steps, st.Name)
		}
	}
	if !slices.Contains(pipelines, a.Pipeline) {
		e, _ := s.get("pipeline")
		s.r.mistake(lineOf(e.value), nearestIs(a.Pipeline, pipelines), "alarm %q watches pipeline %q, which is not under pipelines", a.Name, a.Pipeline)
		return
	}
	if a.Step != "" && !slices.Contains(steps, a.Step) {
		e, _ := s.get("step")
		s.r.mistake(lineOf(e.value), nearestIs(a.Step, steps), "alarm %q watches step %q, which pipeline %q does not have", a.Name, a.Step, a.Pipeline)
	}
}

func nearestIs(written string, words []string) string {
	if len(words) == 0 {
		return "take it out"
	}
	return fmt.Sprintf("the nearest is %q", nearest(written, words))
}
