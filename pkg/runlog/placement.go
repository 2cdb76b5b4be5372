package runlog

// A Placement says where the threads of a run were, and what else the machine was at,
// when its time was measured.
type Placement struct {
	CPUs    []int     `json:"cpus,omitempty"`          // each thread's own; none if threads were not bound
	Note    string    `json:"note,omitempty"`          // why they were not
	TripsNS []float64 `json:"round_trip_ns,omitempty"` // from the first CPU to each of the others and back, in nanoseconds

	// LoadAverage is that of the machine before the run, nil if it is not known.
	LoadAverage *float64 `json:"load_average,omitempty"`
}

// A ThreadChoice tells how the number of threads of a run was chosen by measurement.
type ThreadChoice struct {
	Threads  int        `json:"threads"`
	Measured []StepTime `json:"measured,omitempty"` // none if nothing was to be gained
	Reason   string     `json:"reason"`
}

// A StepTime is how long a step takes with a number of threads.
type StepTime struct {
	Threads       int     `json:"threads"`
	Steps         int     `json:"steps"` // that were measured
	MedianSeconds float64 `json:"median_seconds"`
}
