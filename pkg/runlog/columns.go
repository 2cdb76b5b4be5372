package runlog

import (
	"fmt"
	"reflect"
)

// Columns are the names of the columns of metrics.csv, for readers that ask for one: each
// is the tag of the field of that name in [Evaluation], so that it is spelled there alone.
var Columns = struct {
	Method, Seed, Step, Epoch, WallSeconds, Cost, OracleCalls                            string
	TrainLoss, TrainAccuracy, ValidLoss, ValidAccuracy, TestLoss, TestAccuracy, TestRMSE string
	ValidL2, TestL2, TestRelativeL2                                                      string
}{}

// init panics if the fields of Columns are not those of an Evaluation.
func init() {
	names, row := reflect.ValueOf(&Columns).Elem(), reflect.TypeFor[Evaluation]()
	if names.NumField() != row.NumField() {
		panic(fmt.Sprintf("runlog: %d columns have a name, of %d", names.NumField(), row.NumField()))
	}
	for i, c := range Metrics.columns {
		names.FieldByName(row.Field(i).Name).SetString(c.name)
	}
}
