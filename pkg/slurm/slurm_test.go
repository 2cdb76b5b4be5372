package slurm

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestOptions: every key is read, and what is wrong is told with what would be valid.
func TestOptions(t *testing.T) {
	o, err := ParseOptions([]string{"partition=a,b", "account=x", "qos=q", "reservation=r", "constraint=[rack1|rack2]&avx512", "nodelist=n[1-4]", "exclude=n7",
		"time=1-2", "memory=4G", "cpus=8", "exclusive=true", "cap=2", "signal=60", "requeue=false", "extra=#SBATCH --mail-type=END", "extra=module load go"})
	want := Options{"a,b", "x", "q", "r", "[rack1|rack2]&avx512", "n[1-4]", "n7", "1-2", "4G", 8, true, 2, 60, false, []string{"#SBATCH --mail-type=END", "module load go"}}
	if err != nil || !reflect.DeepEqual(o, want) {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := ParseOptions(nil); err != nil || !reflect.DeepEqual(o, Defaults()) {
		t.Errorf("%+v, %v", o, err)
	}
	for text, want := range map[string]string{
		"partitoin=x":         `unknown key "partitoin"; did you mean "partition"? (known: partition, account, `,
		"partition":           "expected KEY=VALUE",
		"=x":                  `unknown key ""`,
		"partition=":          "the value is empty",
		"partition=a\nb":      "the value must be one line",
		"extra=a\nb":          "the value must be one line",
		`account=a"b`:         `must not hold " or \`,
		"cpus=0":              `must be a whole number from 1 on, got "0"`,
		"cap=two":             `must be a whole number from 1 on, got "two"`,
		"exclusive=yes":       `must be true or false, got "yes"`,
		"time=2":              "--slurm time=2: tasks are told 120 seconds before their limit",
		"time=0:00:30":        "tasks are told 120 seconds before",
		"time=0":              "", // no limit
		"signal=-1":           "must be a whole number from 0 on",
		"nodes=3":             "--slurm 'extra=#SBATCH --OPTION=VALUE'",
		"partition=a;cpus=-1": "", // a name of the site's, whatever it holds
	} {
		_, err := ParseOptions([]string{text})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := ParseOptions([]string{"cpus=1", "cpus=2"}); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Error(err)
	}
	if _, err := ParseOptions([]string{"time=1", "signal=30"}); err != nil {
		t.Error(err)
	}
}

// TestSeconds: limits are read as Slurm reads them.
func TestSeconds(t *testing.T) {
	for text, want := range map[string]int{"5": 300, "5:30": 330, "1:02:03": 3723, "1-0": 86400, "1-2:3": 93780, "1-2:3:4": 93784} {
		if got, ok := seconds(text); !ok || got != want {
			t.Errorf("%s: %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "UNLIMITED", "1:2:3:4", "a-1", "1-", ":"} {
		if got, ok := seconds(text); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// TestSplit: indices stay below the limit, and with the offset they are the shards.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		shards []int
		limit  int
		want   string
	}{
		{[]int{0, 1, 2, 3}, 1001, "0:0-3"}, {[]int{0, 1, 2, 3, 4}, 2, "0:0-1 2:0-1 4:0"}, {[]int{3, 7, 8, 9}, 1001, "0:3,7-9"},
		{[]int{999, 1000, 1001, 5005}, 1001, "0:999-1000 1001:0 5005:0"}, {nil, 5, ""}, {[]int{2}, 1, "2:0"},
	} {
		var got []string
		var back []int
		for _, p := range split(c.shards, c.limit) {
			got = append(got, strings.Join([]string{itoa(p.offset), p.spec(0)}, ":"))
			for _, i := range p.indices {
				back = append(back, p.offset+i)
				if i >= c.limit {
					t.Errorf("index %d", i)
				}
			}
		}
		if strings.Join(got, " ") != c.want || !slices.Equal(back, c.shards) {
			t.Errorf("%v below %d: %v", c.shards, c.limit, got)
		}
	}
	if s := (part{indices: []int{0, 2}}).spec(7); s != "0,2%7" {
		t.Error(s)
	}
}

// job is one to test scripts with, whose texts a shell would take apart.
func job(folder string) *Job {
	o := Defaults()
	return &Job{
		Options: o, Name: "it's\na $(name)", Version: "v1", Folder: folder, Program: "/opt/my dgn", Words: []string{"sweep", "--method", "a 'b' $HOME"},
		Env: []string{"DGN_DATA_DIR=/data of `all`"}, WorkDir: folder, Config: []byte("name: x\n"), Yielded: 75,
		Shards: [][]string{{"a", "b"}, {"c"}, {"d", "e"}},
	}
}

// TestScript: bash takes the script, directives are those of the options, and lines of the user are
// in their places.
func TestScript(t *testing.T) {
	j := job("/results/it's")
	j.Options, _ = ParseOptions([]string{"partition=main", "constraint=a b", "memory=2G", "exclusive=true", "time=10", "extra=#SBATCH --mail-type=END", "extra=module load go"})
	text, err := j.script("/results/it's/slurm/x")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n#SBATCH --partition=\"main\"\n", "\n#SBATCH --constraint=\"a b\"\n", "\n#SBATCH --mem=\"2G\"\n", "\n#SBATCH --exclusive\n", "\n#SBATCH --signal=B:USR1@120\n",
		"\n#SBATCH --mail-type=END\n", "\nmodule load go\n", "\nexport 'DGN_DATA_DIR=/data of `all`'\n", "'a '\\''b'\\'' $HOME'", "# The runs of it's a $(name), in 3 shards", "scontrol requeue",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "cpus-per-task") {
		t.Error("an exclusive node is not used as a whole")
	}
	if last := strings.LastIndex(text, "#SBATCH"); last > strings.Index(text, "program=") {
		t.Error("sbatch does not read directives after the first command")
	}
	if bash, err := exec.LookPath("bash"); err == nil {
		c := exec.Command(bash, "-n")
		c.Stdin = strings.NewReader(text)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	j.Requeue = false
	if text, _ := j.script(""); strings.Contains(text, "scontrol requeue") || !strings.Contains(text, "--no-requeue") {
		t.Error("a job that is not to be requeued is")
	}
}

// TestQueueText: what squeue answers is read, and what it should not answer is an error.
func TestQueueText(t *testing.T) {
	list, err := parseQueue("12|3|RUNNING|n7|None|2|dgn-x-ab.0|(null)|\n12|4|PENDING||JobArrayTaskLimit|0|dgn-x-ab.0|(null)|\n12|5|FAILED|n8|NonZeroExitCode|0|dgn-x-ab.0|node n8 does not see a|b|\n8|N/A|RUNNING|n1|None|0|other|x|\n")
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	for i, want := range []string{"12_3 running on n7, requeued 2 times", "12_4 pending (JobArrayTaskLimit)", "12_5 failed: node n8 does not see a|b"} {
		if got := list[i].String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if !list[0].Active() || !list[1].Active() || list[2].Active() {
		t.Error("who is at work?")
	}
	for _, text := range []string{"12|3|RUNNING\n", "12|x|RUNNING|n7|None|2|a|b|\n", "12|3|RUNNING|n7|None|x|a|b|\n", "slurm_load_jobs error\n"} {
		if _, err := parseQueue(text); err == nil || !strings.Contains(err.Error(), "squeue answers") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func itoa(n int) string { return ranges([]int{n}) }

// fake puts commands in place of those of Slurm, each a shell script, and of all others.
func fake(t *testing.T, scripts map[string]string) {
	t.Helper()
	t.Setenv("PATH", "")
	fakeBefore(t, scripts)
}

// fakeBefore puts commands before others.
func fakeBefore(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", strings.TrimSuffix(dir+":"+os.Getenv("PATH"), ":"))
}
