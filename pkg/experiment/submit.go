package experiment

import (
	"context"
	"path/filepath"

	"github.com/dualgn/dgn/pkg/config"
	"github.com/dualgn/dgn/pkg/folder"
	"github.com/dualgn/dgn/pkg/slurm"
)

// Submit has those runs of a study made by Slurm that the results folder lacks, and returns as soon
// as they are in its queue. Each element of an array job makes a shard, of runsPerTask runs on
// average: it is the command of job, with the config as it is now. The shards are those of the whole
// plan, whatever is complete, so that elements submitted again have the same runs. Shards without a
// run to make are not submitted. Where print is set nothing is, and the script is written all the same.
//
// What [Options] say of threads, of runs at the same time and of the methods is for the caller to
// put into the command as well.
func Submit(ctx context.Context, s *config.Study, opt Options, job slurm.Job, runsPerTask int, print bool) (*slurm.Receipt, error) {
	opt.Complete(ctx, s.Config)
	p, err := newPlan(s, opt)
	if err != nil {
		return nil, err
	}
	f := opt.folder()
	if err := f.Open(); err != nil {
		return nil, err
	}
	if job.Config, err = s.YAML(); err != nil {
		return nil, err
	}
	if job.Folder, err = filepath.Abs(f.Dir); err != nil {
		return nil, err
	}
	runs, err := f.Survey(p.Tasks, opt.Runs)
	if err != nil {
		return nil, err
	}
	if err := f.Ask(ctx, p); err != nil {
		return nil, err
	}
	toMake := map[string]bool{}
	for _, r := range runs {
		// What is held here, as a checkpoint of another instruction set, may not be on a node.
		if r.State != folder.Kept {
			toMake[slurm.RunKey(r.Identity)] = true
		}
	}
	count := len(p.Tasks) / runsPerTask
	if len(p.Tasks)%runsPerTask > 0 {
		count++
	}
	job.Name, job.Shards = s.Config.Name, make([][]string, count)
	for i, shard := range p.Shards(count) {
		job.Shards[shard] = append(job.Shards[shard], slurm.RunKey(p.Tasks[i].Identity))
	}
	return job.Submit(ctx, toMake, print)
}
