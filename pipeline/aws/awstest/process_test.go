package awstest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestEmulatorsEndWithTheirInput(t *testing.T) {
	t.Parallel()
	folder, err := emulatorsFolder()
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"sqs.mjs", "dynamodb.mjs"} {
		p, err := launch(folder, script)
		if err != nil {
			t.Fatal(err)
		}
		if end := p.ended(); end != "" {
			t.Errorf("%s has ended before: %s", script, end)
		}
		_ = p.stdin.Close()
		<-p.done
		if p.exit != nil {
			t.Errorf("%s: %v", script, p.exit)
		}
	}
}

func TestScriptThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	folder, err := emulatorsFolder()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := launch(folder, "never.mjs"); err == nil || !strings.Contains(err.Error(), "never.mjs does not start") || !strings.Contains(err.Error(), "Cannot find module") {
		t.Error(err)
	}
}

// A process of its own, because emulators are looked for once in each.
func TestMissingEmulatorsFailATestAndSayWhatToRun(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestEmulatorsTakeAndGiveBack$")
	cmd.Env = append(os.Environ(), "REDRIVE_EMULATORS="+t.TempDir())
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "run .ci/test") {
		t.Errorf("%v\n%s", err, said)
	}
}
