package tensor

import "github.com/dualgn/dgn/pkg/tensor/kernel"

// A convImage is how the image of one example is laid out for products with its
// patches: padded, and with a stride s > 1 split into the images of every s-th
// row and column, so that a tap at all its positions is a block of one of them.
// Tap (a, b) at position (i, j) reads padded pixel (i s + a, j s + b): pixel (i +
// a/s, j + b/s) of part (a mod s, b mod s). Parts beyond the taps are left out.
type convImage struct {
	in           Shape
	stride       int
	padH, padW   int
	partH, partW int // parts in each direction
	h, w         int // of a part
}

func newConvImage(in Shape, stride, padH, padW, kh, kw, h, w int) convImage {
	return convImage{in, stride, padH, padW, min(stride, kh), min(stride, kw), h + (kh-1)/stride, w + (kw-1)/stride}
}

// forwardImage returns the layout of the images of a convolution.
func forwardImage(s *ConvShape) convImage {
	return newConvImage(s.In, s.Stride, s.PadH, s.PadW, s.KH, s.KW, s.Out.H, s.Out.W)
}

// len returns the number of values.
func (l convImage) len() int { return l.in.C * l.channel() }

func (l convImage) channel() int { return l.partH * l.partW * l.h * l.w }

// whole reports whether the layout is that of the image itself.
func (l convImage) whole() bool {
	return l.stride == 1 && l.padH == 0 && l.padW == 0 && l.h == l.in.H && l.w == l.in.W
}

// tap returns the distance of tap (a, b) of a channel at position (0, 0).
func (l convImage) tap(c, a, b int) int {
	part := a%l.stride*l.partW + b%l.stride
	return c*l.channel() + (part*l.h+a/l.stride)*l.w + b/l.stride
}

// inside returns the positions i from lo to hi-1 < n at which i stride + part -
// pad lies in [0, size).
func inside(n, size, stride, part, pad int) (lo, hi int) {
	lo = max(0, (pad-part+stride-1)/stride)
	if last := size - 1 + pad - part; last >= 0 {
		hi = min(n, last/stride+1)
	}
	return lo, max(lo, hi)
}

// fillImage lays out an image, and may set kernel.Slack numbers behind it to 0.
func fillImage[T Float](l *convImage, dst, x []T) {
	clear(dst[:l.len()])
	for part := range l.partH * l.partW {
		a, b := part/l.partW, part%l.partW
		top, bottom := inside(l.h, l.in.H, l.stride, a, l.padH)
		left, right := inside(l.w, l.in.W, l.stride, b, l.padW)
		if top == bottom || left == right {
			continue
		}
		for c := range l.in.C {
			to := dst[c*l.channel()+(part*l.h+top)*l.w+left:]
			from := x[(c*l.in.H+top*l.stride+a-l.padH)*l.in.W+left*l.stride+b-l.padW:]
			if l.stride == 1 {
				kernel.CopyRows(to, l.w, from, l.in.W, bottom-top, right-left)
				continue
			}
			for i := range bottom - top {
				row := from[i*l.stride*l.in.W:]
				for j := range to[i*l.w : i*l.w+right-left] {
					to[i*l.w+j] = row[j*l.stride]
				}
			}
		}
	}
}
