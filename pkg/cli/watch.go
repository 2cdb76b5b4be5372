package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/dualgn/dgn/pkg/experiment"
	"github.com/dualgn/dgn/pkg/page"
	"github.com/dualgn/dgn/pkg/results"
	"github.com/spf13/cobra"
)

// watchPort is where dgn watch is, unless something else is there.
const watchPort = 8642

func (a *app) watchCommand() *cobra.Command {
	var r reporting
	var port int
	c := &cobra.Command{
		Use:   "watch DIR...",
		Short: "Serve the page of dgn report to this machine, and follow runs that are at work",
		Long: fmt.Sprintf(`Serve the page that dgn report makes at http://127.0.0.1:%d/, or at a free port if
that one is taken, to browsers of this machine alone. The page follows what runs write,
and keeps what was chosen in it. Folders may appear later: of one that has no runs of its
own, the results folders in it are shown as they come. Rows that are half written are
left for the next look, and runs that cannot be read are told of. An interrupt (ctrl-C)
ends it, and is no failure.`, watchPort),
		Example: `  dgn watch results/digits
  dgn watch results --port 9000`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if port < 0 || port > 65535 {
				return results.OptionErrorf("port: must be between 0 (any that is free) and 65535, got %d", port)
			}
			if err := r.check(); err != nil {
				return err
			}
			r.opt.Version = experiment.ThisBuild(a.version).Version
			listener, err := listen(port, c.Flags().Changed("port"))
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(a.stdout, "http://%s/\n", listener.Addr()); err != nil {
				return errors.Join(err, listener.Close())
			}
			return serve(c.Context(), listener, page.NewWatcher(args, r.methods, r.opt))
		},
	}
	r.define(c)
	c.Flags().IntVar(&port, "port", watchPort, "port to serve at; 0: any that is free")
	return c
}

// listen opens a port of the loopback interface; another, if it is taken and not asked for.
func listen(port int, asked bool) (net.Listener, error) {
	at := func(port int) (net.Listener, error) {
		return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
	l, err := at(port)
	if err != nil && !asked {
		l, err = at(0)
	}
	if err != nil {
		return nil, fmt.Errorf("port: cannot serve at %d: %w; choose another, or 0 for any that is free", port, err)
	}
	return l, nil
}

// serve answers requests until the context ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := s.Shutdown(wait); err != nil {
		err = s.Close() // a browser that reads for long
		if err != nil {
			return err
		}
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
