// Package datasets reads examples: embedded sets, well-known image sets, and
// the user's own tables. It splits, standardises and encodes them, and gathers
// mini-batches by index; the order of examples is the caller's.
//
// # Map
//
//   - A [Source] is a data set with its options, as a config names it: a row of the table
//     [Known]. [Source.Describe] says what is known of it without a look at files.
//   - [Source.Open] reads it: a [Raw] set, which has [Examples] to train on and perhaps to test
//     on, of bytes or numbers, with labels or targets.
//   - [Prepare] makes a [Set] of it by the settings that all sets have, [Common]: parts
//     ([Split]), standardised inputs, and targets in the [Encoding] of a loss.
//   - A [Batcher] reads examples of a split into matrices, and augments images.
//   - [Get] downloads the files of a set and [Verify] compares them with the originals. Data
//     that are not there are a [MissingError], and wrong ones a [DamagedError].
//
// # Adding a data set
//
// A set is one file, whose init function adds it to [Known], with Describe and Open. TestSources,
// the conformance suite, opens all that need no files. The example is such a file, and
// docs/extending.md goes through it.
package datasets
