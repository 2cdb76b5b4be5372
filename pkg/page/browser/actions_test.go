//go:build long

package browser_test

import (
	"context"

	"github.com/chromedp/chromedp"
)

// captureSVG has the next file that is saved go to window.saved.
var captureSVG = chromedp.Evaluate[chromedp.Void](`window.saved = undefined; URL.createObjectURL = blob => { blob.arrayBuffer().then(b => { window.savedBytes = [...new Uint8Array(b).slice(0, 8)]; window.saved = new TextDecoder().decode(b); }); return "#"; }; undefined`)

// keys focuses an element and types.
func keys(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(
		chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); document.querySelector('`+selector+`').scrollIntoView({block: "center", behavior: "instant"})`),
		chromedp.Focus(selector), chromedp.KeyEvent(text))
}

// within returns a place of the first figure, as shares of its width and height.
func within(ctx context.Context, x, y float64) (left, top float64, err error) {
	box, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`(() => { const e = document.querySelector(".plot .u-over"); e.scrollIntoView({block: "center", behavior: "instant"}); const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()`))
	if err != nil {
		return 0, 0, err
	}
	return box[0] + x*box[2], box[1] + y*box[3], nil
}

// hover moves the mouse to a place of the first figure.
func hover(x, y float64) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		left, top, err := within(ctx, x, y)
		if err != nil {
			return err
		}
		return chromedp.Do(ctx, chromedp.MouseEvent("mouseMoved", left, top))
	})
}

// drag drags the mouse over the first figure, from a place on its diagonal to another.
func drag(from, to float64) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		x0, y0, err := within(ctx, from, from)
		if err != nil {
			return err
		}
		x1, y1, err := within(ctx, to, to)
		if err != nil {
			return err
		}
		return chromedp.Do(ctx, chromedp.MouseEvent("mouseMoved", x0, y0), chromedp.MouseEvent("mousePressed", x0, y0, chromedp.ButtonLeft, chromedp.ClickCount(1)),
			chromedp.MouseEvent("mouseMoved", (x0+x1)/2, (y0+y1)/2, chromedp.ButtonLeft), chromedp.MouseEvent("mouseMoved", x1, y1, chromedp.ButtonLeft),
			chromedp.MouseEvent("mouseReleased", x1, y1, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	})
}
