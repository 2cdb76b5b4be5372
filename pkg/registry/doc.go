// Package registry maps a name in a config to a ready value and its options.
//
// Each extension package owns one Table and fills it from the init function of
// each implementation's file, so that the file is the whole change: the
// config, `dgn list`, manifests and conformance suites all read the table.
//
// # Map
//
//   - A [Table] has an [Entry] for each name, which [Add] made: words for people ([Info]), default
//     options, and further ones to test. [Options] lists the options for help.
//   - A [Choice] is a name with its options, checked. [Table.Decode] reads one from a config,
//     [Choose] makes one in Go, and both marshal to the same YAML. [Choice.New] returns a fresh
//     value.
//
// # Adding an implementation
//
// Its options are a struct, whose tags are the keys and their help, and build returns a value
// or an error about a key, by [strict.Field]:
//
//	func init() {
//		registry.Add(&Known, registry.Info{Name: "mine", Doc: "what it does"},
//			Mine{Rate: 0.5}, newMine, Mine{Rate: 0.9})
//	}
//
//	type Mine struct {
//		Rate float64 `yaml:"rate" doc:"how fast"`
//	}
//
//	func newMine(o Mine) (Thing, error) {
//		if o.Rate <= 0 {
//			return nil, strict.Field("rate", "must be positive, got %g", o.Rate)
//		}
//		return o, nil
//	}
package registry
