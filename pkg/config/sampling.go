package config

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// places returns where in the unit cube the trials of a method lie, an axis for each of
// its keys. No choice is made twice.
func (s *Search) places(draws []Draw, method string) ([][]float64, error) {
	t := s.Config.Tune
	settings, lists := 1, true
	for _, d := range draws {
		settings = min(settings*d.size(), maxPoints+1)
		lists = lists && len(d.Values) > 0
		if settings == 0 {
			break // more than can be counted
		}
	}
	if settings > 0 && settings < t.Trials {
		return nil, fmt.Errorf("tune.trials: %d trials, but the values of %s make only %d settings; give ranges, more values, or fewer trials", t.Trials, method, settings)
	}
	if lists && settings <= maxPoints {
		out := make([][]float64, 0, t.Trials)
		for _, n := range draws[0].stream(t.Seed).Perm(settings)[:t.Trials] {
			place := make([]float64, len(draws))
			for j, d := range draws {
				place[j] = (float64(n%len(d.Values)) + 0.5) / float64(len(d.Values))
				n /= len(d.Values)
			}
			out = append(out, place)
		}
		return out, nil
	}
	return s.drawn(draws, method)
}

// drawn returns places that are drawn one after the other. Whole numbers, and numbers cut
// to four digits, that were all drawn before are drawn again.
func (s *Search) drawn(draws []Draw, method string) (out [][]float64, err error) {
	t := s.Config.Tune
	streams, shifts := make([]*rand.Rand, len(draws)), make([]float64, len(draws))
	for j, d := range draws {
		streams[j] = d.stream(t.Seed)
		shifts[j] = streams[j].Float64()
	}
	seen := map[string]bool{}
	for i := 0; len(out) < t.Trials; i++ {
		if i == 1000*t.Trials {
			return nil, fmt.Errorf("tune.trials: %d trials, but only %d settings of %s were found in %d draws; give wider ranges, more values, or fewer trials", t.Trials, len(out), method, i)
		}
		place, text := make([]float64, len(draws)), ""
		for j, d := range draws {
			switch {
			case t.Sampler == "halton":
				place[j] = math.Mod(radicalInverse(i+1, prime(j))+shifts[j], 1)
			case i == 0:
				place[j] = shifts[j] // the first draw
			default:
				place[j] = streams[j].Float64()
			}
			v, err := d.at(place[j])
			if err != nil {
				return nil, err
			}
			text += string(yamlText(v)) + "\n"
		}
		if !seen[text] {
			seen[text] = true
			out = append(out, place)
		}
	}
	return out, nil
}

// radicalInverse is the point i of the van der Corput sequence in a base. Its points in
// several bases that are primes are Halton's sequence (1960), here shifted at random
// (Cranley and Patterson 1976).
func radicalInverse(i, base int) float64 {
	x, digit := 0.0, 1.0
	for ; i > 0; i /= base {
		digit /= float64(base)
		x += digit * float64(i%base)
	}
	return x
}

// prime is the prime number of place i, from 0.
func prime(i int) int {
	for n := 2; ; n++ {
		isPrime := true
		for d := 2; d*d <= n; d++ {
			isPrime = isPrime && n%d != 0
		}
		if isPrime {
			if i--; i < 0 {
				return n
			}
		}
	}
}
