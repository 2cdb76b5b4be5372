//go:build !linux

package placement

import "strconv"

func threadCPUs() ([]int, error) { return nil, ErrUnsupported }
func allowed() ([]int, error)    { return nil, ErrUnsupported }
func bindThread([]int) error     { return ErrUnsupported }
func bindAll([]int) error        { return ErrUnsupported }
func coreOf(cpu int) string      { return strconv.Itoa(cpu) }

func loadAverage() (float64, bool)          { return 0, false }
func busySeconds([]int) (float64, bool)     { return 0, false }
func ownSeconds() (seconds float64, _ bool) { return 0, false }
