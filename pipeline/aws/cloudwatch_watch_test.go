package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// lookout is a fake CloudWatch with the alarms of a name each, and who reads it.
func lookout(t *testing.T, alarms ...string) (*awstest.CloudWatchFake, *pipeline.Watchman) {
	t.Helper()
	fake := awstest.CloudWatch(t)
	a := NewAccount(awstest.Config(t, awstest.Endpoints{CloudWatch: fake.URL}))
	var list []pipeline.AlarmConfig
	for _, name := range alarms {
		c := errorRate()
		c.Name = name
		list = append(list, c)
	}
	putAlarms(t, a, names{prefix: "redrive-"}, list...)
	return fake, newWatchman(a, "redrive-")
}

func TestStatesAreReadWithWhatChanged(t *testing.T) {
	fake, man := lookout(t, "letters", "errors", "quiet")
	fake.SetAlarmState(t, "redrive-letters", types.StateValueOk, "fine")
	fake.SetAlarmState(t, "redrive-letters", types.StateValueAlarm, "Threshold Crossed: 7 > 5")
	fake.SetAlarmState(t, "redrive-errors", types.StateValueOk, "1 of 3")
	reports, err := man.Look(t.Context(), map[string]time.Time{"letters": {}, "errors": {}, "unknown": {}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range reports {
		names = append(names, r.Name+" "+r.State)
	}
	if slices.Sort(names); fmt.Sprint(names) != "[errors ok letters alarm]" {
		t.Fatalf("reports of %v", names)
	}
	letters := reports[slices.IndexFunc(reports, func(r pipeline.AlarmReport) bool { return r.Name == "letters" })]
	if letters.Reason != "Threshold Crossed: 7 > 5" || time.Since(letters.Since) > time.Minute || len(letters.Changes) != 2 {
		t.Fatalf("letters = %+v", letters)
	}
	if c := letters.Changes[0]; c.From != pipeline.AlarmOK || c.To != pipeline.AlarmOn || c.Reason != "Threshold Crossed: 7 > 5" || c.At.IsZero() {
		t.Errorf("change = %+v", c)
	}
	if c := letters.Changes[1]; c.From != pipeline.AlarmInsufficient || c.To != pipeline.AlarmOK {
		t.Errorf("change = %+v", c)
	}
}

func TestHistoryIsReadOnlyWhereSomethingChanged(t *testing.T) {
	fake, man := lookout(t, "letters", "errors")
	known := map[string]time.Time{"letters": time.Now().Add(time.Minute), "errors": time.Now().Add(-time.Minute)}
	if _, err := man.Look(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	if n := fake.Count("DescribeAlarmHistory"); n != 1 {
		t.Errorf("the history of %d alarms was read", n)
	}
}

func TestAllAlarmsAreReadPageByPage(t *testing.T) {
	var list []string
	since := map[string]time.Time{}
	for i := range 130 {
		list = append(list, fmt.Sprintf("a%03d", i))
		since[list[i]] = time.Now().Add(time.Hour)
	}
	fake, man := lookout(t, list...)
	reports, err := man.Look(t.Context(), since)
	if err != nil || len(reports) != 130 {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
	if n := fake.Count("DescribeAlarms"); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestALongHistoryIsReadPageByPage(t *testing.T) {
	fake, man := lookout(t, "letters")
	for i := range 230 {
		fake.SetAlarmState(t, "redrive-letters", []types.StateValue{types.StateValueAlarm, types.StateValueOk}[i%2], fmt.Sprint("turn ", i))
	}
	reports, err := man.Look(t.Context(), map[string]time.Time{"letters": {}})
	if err != nil || len(reports) != 1 || len(reports[0].Changes) != 230 || reports[0].Changes[0].Reason != "turn 229" {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
}

func TestAWatchmanOutOfReachSaysSoInASentence(t *testing.T) {
	for name, tt := range map[string]struct {
		harm awstest.Fault
		want string
	}{
		"forbidden":         {awstest.Fault{Action: "DescribeAlarms", Do: awstest.Denied()}, "may not do cloudwatch:DescribeAlarms on alarms redrive-*"},
		"history forbidden": {awstest.Fault{Action: "DescribeAlarmHistory", Do: awstest.Denied()}, "may not do cloudwatch:DescribeAlarmHistory on alarm redrive-letters"},
		"broken":            {awstest.Fault{Action: "DescribeAlarms", Do: awstest.Refused(awstest.Refusal{Status: 400, Code: "InvalidNextToken", Message: "no"})}, "cloudwatch:DescribeAlarms on alarms redrive-* failed"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, man := lookout(t, "letters")
			fake.Inject(tt.harm)
			_, err := man.Look(t.Context(), map[string]time.Time{"letters": {}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestWithCloudWatchDownLookingEndsInTime(t *testing.T) {
	fake, man := lookout(t, "letters")
	fake.SetDown(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := man.Look(ctx, map[string]time.Time{"letters": {}})
	if err == nil || !strings.Contains(err.Error(), "cloudwatch:DescribeAlarms on alarms redrive-* was not answered in time") {
		t.Errorf("error = %v", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
	fake.Heal()
	if reports, err := man.Look(t.Context(), map[string]time.Time{"letters": {}}); err != nil || len(reports) != 1 {
		t.Errorf("%d reports, %v", len(reports), err)
	}
}

func TestWhereHistoryIsUnknownStatesAreReadNevertheless(t *testing.T) {
	fake, man := lookout(t, "letters")
	fake.Inject(awstest.Fault{Action: "DescribeAlarmHistory", Do: awstest.Refused(awstest.Refusal{Status: 404, Code: "UnknownOperationException", Message: "no"})})
	reports, err := man.Look(t.Context(), map[string]time.Time{"letters": {}})
	if err != nil || len(reports) != 1 {
		t.Errorf("%d reports, %v", len(reports), err)
	}
}

func TestWhatIsNoChangeOfStateIsLeftOut(t *testing.T) {
	for name, item := range map[string]types.AlarmHistoryItem{
		"configuration": {HistoryItemType: types.HistoryItemTypeConfigurationUpdate, Timestamp: new(time.Now()), HistoryData: new(`{"newState":{"stateValue":"OK"}}`)},
		"no time":       {HistoryItemType: types.HistoryItemTypeStateUpdate, HistoryData: new(`{"newState":{"stateValue":"OK"}}`)},
		"no data":       {HistoryItemType: types.HistoryItemTypeStateUpdate, Timestamp: new(time.Now())},
		"broken data":   {HistoryItemType: types.HistoryItemTypeStateUpdate, Timestamp: new(time.Now()), HistoryData: new(`{"newState":`)},
	} {
		if c, ok := changeOf(item); ok {
			t.Errorf("%s is %+v", name, c)
		}
	}
}
