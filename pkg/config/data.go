package config

import (
	"github.com/dualgn/dgn/pkg/datasets"
	"github.com/dualgn/dgn/pkg/registry"
	"github.com/dualgn/dgn/pkg/strict"
)

func (c *Data) UnmarshalStrict(v strict.Value) (err error) {
	c.Common = datasets.Defaults()
	if c.Choice, err = datasets.Known.Decode(v, &c.Common); err != nil {
		return err
	}
	if _, ok := c.Equation(); ok {
		if at, given := v.Lookup("standardize"); given && c.Common.Standardize {
			return at.Errorf("equations are never standardised: their derivatives are in the coordinates themselves; leave it out")
		}
		c.Common.Standardize = false
		// Here, since a run has a number in its place: see SplitBy.
		if at, given := v.Lookup("split_seed"); given && c.Common.SplitSeed.OfRun {
			return at.Errorf("does not apply to equations: points are drawn from the seed of each run")
		}
	}
	return nil
}

// MarshalYAML puts the set's own options and the common ones in one mapping.
func (c Data) MarshalYAML() (any, error) {
	m := c.Mapping()
	m.Options = append(m.Options, c.Common)
	return m, nil
}

// DataOf returns the section data of a set, prepared as files without further keys are.
func DataOf(set registry.Choice[datasets.Source]) Data {
	d := Data{Choice: set, Common: datasets.Defaults()}
	if _, ok := d.Equation(); ok {
		d.Common.Standardize = false
	}
	return d
}

// SplitBy returns the config with the splits of its data made by a number, where they
// follow the seeds of runs.
func (c *Config) SplitBy(seed uint64) *Config {
	one := *c
	if one.Data.Common.SplitSeed.OfRun {
		one.Data.Common.SplitSeed = datasets.SplitSeed{Value: seed}
	}
	return &one
}
