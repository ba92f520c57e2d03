package awstest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"redrive/pipeline/aws/awstest"
)

func openCloudWatch(t *testing.T) (*awstest.CloudWatchFake, *cloudwatch.Client) {
	t.Helper()
	fake := awstest.CloudWatch(t)
	return fake, cloudwatch.NewFromConfig(once(awstest.Config(t, awstest.Endpoints{CloudWatch: fake.URL})))
}

func putAlarm(t *testing.T, c *cloudwatch.Client, name string, tags ...types.Tag) {
	t.Helper()
	_, err := c.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: sdkaws.String("Redrive"), MetricName: sdkaws.String("Dead"), Statistic: types.StatisticSum,
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, EvaluationPeriods: sdkaws.Int32(5), DatapointsToAlarm: sdkaws.Int32(3),
		Period: sdkaws.Int32(60), Threshold: sdkaws.Float64(-0.5), TreatMissingData: sdkaws.String("notBreaching"),
		Dimensions: []types.Dimension{{Name: sdkaws.String("Step"), Value: sdkaws.String("pay")}}, Tags: tags,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCloudWatchKeepsMetrics(t *testing.T) {
	t.Parallel()
	fake, c := openCloudWatch(t)
	at := time.Unix(1_700_000_000, 250_000_000).UTC()
	datum := types.MetricDatum{
		MetricName: sdkaws.String("Duration"), Timestamp: &at, Unit: types.StandardUnitMilliseconds, Value: sdkaws.Float64(12.5),
		Values: []float64{1, 2.5}, Counts: []float64{3, 4}, StorageResolution: sdkaws.Int32(60),
		Dimensions: []types.Dimension{{Name: sdkaws.String("Step"), Value: sdkaws.String("pay")}},
	}
	for _, n := range []int{1, 900} { // the SDK packs the second
		_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
			Namespace: sdkaws.String("Redrive"), MetricData: slices.Repeat([]types.MetricDatum{datum}, n),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if puts := fake.Data(); len(puts) != 2 || *puts[0].Namespace != "Redrive" || fake.Count("PutMetricData") != 2 {
		t.Fatalf("put %d times", len(puts))
	}
	got := fake.Datums("Duration")
	if len(got) != 901 {
		t.Fatalf("kept %d values", len(got))
	}
	d := got[900]
	if !d.Timestamp.Equal(at) || *d.Value != 12.5 || d.Values[1] != 2.5 || d.Counts[0] != 3 ||
		d.Unit != types.StandardUnitMilliseconds || *d.StorageResolution != 60 || *d.Dimensions[0].Value != "pay" {
		t.Errorf("kept %+v", d)
	}
	_, err := c.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: sdkaws.String("Redrive"), MetricData: slices.Repeat([]types.MetricDatum{{MetricName: datum.MetricName}}, 1001),
	})
	if code(err) != "InvalidParameterValue" {
		t.Errorf("more than a thousand values: %v", err)
	}
}

func TestCloudWatchAlarmsComeBackAsTheyWerePut(t *testing.T) {
	t.Parallel()
	fake, c := openCloudWatch(t)
	putAlarm(t, c, "redrive-dead", types.Tag{Key: sdkaws.String("app"), Value: sdkaws.String("redrive")})
	rule := &cloudwatch.PutCompositeAlarmInput{AlarmName: sdkaws.String("redrive-any"), AlarmRule: sdkaws.String(`ALARM("redrive-dead") OR ALARM(redrive-old)`)}
	if _, err := c.PutCompositeAlarm(t.Context(), rule); code(err) != "ValidationError" || !strings.Contains(err.Error(), "[redrive-old]") {
		t.Errorf("an alarm on one that is not there: %v", err)
	}
	putAlarm(t, c, "redrive-old")
	if _, err := c.PutCompositeAlarm(t.Context(), rule); err != nil {
		t.Fatal(err)
	}

	got, err := c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: sdkaws.String("redrive-"), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}})
	if err != nil || len(got.MetricAlarms) != 2 || len(got.CompositeAlarms) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	a := got.MetricAlarms[0]
	if *a.AlarmName != "redrive-dead" || *a.Threshold != -0.5 || *a.Period != 60 || *a.DatapointsToAlarm != 3 || *a.TreatMissingData != "notBreaching" ||
		*a.Dimensions[0].Value != "pay" || a.StateValue != types.StateValueInsufficientData || !*a.ActionsEnabled || time.Since(*a.StateUpdatedTimestamp) > time.Minute {
		t.Errorf("%+v", a)
	}
	if *got.CompositeAlarms[0].AlarmRule != *rule.AlarmRule {
		t.Errorf("%+v", got.CompositeAlarms[0])
	}
	usual, err := c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"redrive-any", "redrive-old"}})
	if err != nil || len(usual.MetricAlarms) != 1 || len(usual.CompositeAlarms) != 0 {
		t.Errorf("when no kind is asked for: %+v, %v", usual, err)
	}

	if _, err := c.TagResource(t.Context(), &cloudwatch.TagResourceInput{ResourceARN: a.AlarmArn, Tags: []types.Tag{{Key: sdkaws.String("b"), Value: sdkaws.String("c")}}}); err != nil {
		t.Error(err)
	}
	tags, err := c.ListTagsForResource(t.Context(), &cloudwatch.ListTagsForResourceInput{ResourceARN: a.AlarmArn})
	if err != nil || len(tags.Tags) != 2 || fake.Tags(*a.AlarmArn)["app"] != "redrive" {
		t.Errorf("%+v, %v", tags, err)
	}

	remove := func(names ...string) error {
		_, err := c.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
		return err
	}
	if err := remove("redrive-dead"); code(err) != "ValidationError" {
		t.Errorf("deleting an alarm that another is on: %v", err)
	}
	if err := remove("redrive-any"); err != nil {
		t.Error(err)
	}
	if err := remove("redrive-dead", "redrive-never"); code(err) != "ResourceNotFound" || len(fake.MetricAlarms()) != 2 {
		t.Errorf("deleting one that is not there: %v; left %d", err, len(fake.MetricAlarms()))
	}
}

func TestCloudWatchListsInPages(t *testing.T) {
	t.Parallel()
	_, c := openCloudWatch(t)
	for i := range 5 {
		putAlarm(t, c, fmt.Sprint("alarm-", i))
	}
	var names []string
	pages := cloudwatch.NewDescribeAlarmsPaginator(c, &cloudwatch.DescribeAlarmsInput{MaxRecords: sdkaws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.MetricAlarms {
			names = append(names, *a.AlarmName)
		}
	}
	if want := []string{"alarm-0", "alarm-1", "alarm-2", "alarm-3", "alarm-4"}; !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	if _, err := c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{NextToken: sdkaws.String("?")}); code(err) != "InvalidNextToken" {
		t.Errorf("a token that is none: %v", err)
	}
}

func TestCloudWatchRemembersStates(t *testing.T) {
	t.Parallel()
	fake, c := openCloudWatch(t)
	putAlarm(t, c, "dead")
	fake.SetAlarmState(t, "dead", types.StateValueAlarm, "Threshold Crossed")
	fake.SetAlarmState(t, "dead", types.StateValueAlarm, "Threshold Crossed")
	fake.SetAlarmState(t, "dead", types.StateValueOk, "fine again")
	got, err := c.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{AlarmName: sdkaws.String("dead"), HistoryItemType: types.HistoryItemTypeStateUpdate})
	if err != nil || len(got.AlarmHistoryItems) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if item := got.AlarmHistoryItems[1]; *item.HistorySummary != "Alarm updated from INSUFFICIENT_DATA to ALARM" || !strings.Contains(*item.HistoryData, `"stateReason":"Threshold Crossed"`) {
		t.Errorf("%s %s", *item.HistorySummary, *item.HistoryData)
	}
	if a := fake.MetricAlarms()[0]; a.StateValue != types.StateValueOk || *a.StateReason != "fine again" {
		t.Errorf("%+v", a)
	}
	later, err := c.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{StartDate: sdkaws.Time(time.Now().Add(time.Minute))})
	if err != nil || len(later.AlarmHistoryItems) != 0 {
		t.Errorf("of the future: %+v, %v", later, err)
	}
}

func TestCloudWatchCanBeHarmed(t *testing.T) {
	t.Parallel()
	fake, c := openCloudWatch(t)
	list := func() error {
		_, err := c.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
		return err
	}
	for _, h := range []struct {
		harm awstest.Harm
		want string
	}{
		{awstest.Throttled(), "Throttling"},
		{awstest.Broken(), "InternalServiceError"},
		{awstest.Denied(), "AccessDenied"},
		{awstest.Refused(awstest.Refusal{Status: 400, Code: "LimitExceeded", Message: "x"}), "LimitExceeded"},
		{awstest.Cut(), ""},
	} {
		fake.Inject(awstest.Fault{Action: "DescribeAlarms", Do: h.harm})
		if err := list(); err == nil || code(err) != h.want {
			t.Errorf("%v, not %q", err, h.want)
		}
		fake.Heal()
	}
	fake.SetDown(true)
	if err := list(); err == nil {
		t.Error("a service that is down answers")
	}
	fake.SetDown(false)
	if err := list(); err != nil {
		t.Error(err)
	}
}
