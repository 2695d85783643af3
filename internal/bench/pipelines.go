package main

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/tunstats"
	theirlogtail "tailscale.com/logtail"
	"tailscale.com/types/ipproto"
	"tailscale.com/types/logid"
	"tailscale.com/types/netlogtype"
)

// flowMap is what a device hands over at the end of a window.
type flowMap = map[flowtrack.Tuple]tunstats.Counts

// pipeline writes one window after the other and sends them to a sink.
type pipeline interface {
	hand(flowMap) handover // hands a window over; its records are queued on return
	settle() received      // waits until all is sent
	close()
}

// handover is the moment at which a window leaves its device.
type handover struct {
	at     time.Time
	allocs uint64 // objects allocated by then
}

func now() handover { return handover{allocs: mallocs(), at: time.Now()} }

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// wait polls done. It does not run while anything is measured to less than it takes.
func wait(done func() bool) {
	for !done() {
		time.Sleep(50 * time.Microsecond)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// ourPipeline is the public API: a Logger, polling a device.
type ourPipeline struct {
	logger netlog.Logger
	device device
	sink   sink
}

// device hands over a window when a benchmark has one for it.
type device struct {
	next   chan flowMap
	handed chan handover
	polls  atomic.Uint64
}

func (d *device) SetStatisticsEnabled(bool) {}

func (d *device) ExtractStatistics() flowMap {
	d.polls.Add(1)
	select {
	case flows := <-d.next:
		d.handed <- now()
		return flows
	default:
		return nil
	}
}

func newOurs(n *network, flushDelay time.Duration) pipeline {
	p := &ourPipeline{device: device{next: make(chan flowMap), handed: make(chan handover, 1)}}
	p.logger.PollPeriod = time.Millisecond // most polls find nothing
	p.logger.NodeID = "n123456CNTRL"
	p.logger.Upload.HTTPClient = &http.Client{Transport: &p.sink}
	p.logger.Upload.FlushDelay = flushDelay
	check(p.logger.Startup(logtail.NewPrivateID(), logtail.PrivateID{}, &p.device, n.routes))
	return p
}

func (p *ourPipeline) hand(flows flowMap) handover {
	p.device.next <- flows
	h := <-p.device.handed
	polls := p.device.polls.Load()
	wait(func() bool { return p.device.polls.Load() > polls }) // the next poll comes after this window
	return h
}

func (p *ourPipeline) settle() received {
	wait(func() bool { return p.logger.Stats().Upload.BufferedEntries == 0 })
	return p.sink.received()
}

func (p *ourPipeline) close() { check(p.logger.Shutdown(context.Background())) }

// theirPipeline is what can be imported of Tailscale's client: the type of a
// record, its JSON library, and its log uploader. A record is as large as the
// constants of that package allow in an upload.
type theirPipeline struct {
	logger  *theirlogtail.Logger
	sink    sink
	written int // bytes of records
}

const theirFlowsPerRecord = (256<<10 - netlogtype.MinMessageJSONSize) / (netlogtype.MaxConnectionCountsJSONSize + len(","))

func newTheirs(flushDelay time.Duration) pipeline {
	id, err := logid.NewPrivateID()
	check(err)
	p := new(theirPipeline)
	p.logger = theirlogtail.NewLogger(theirlogtail.Config{
		Collection:          "bench",
		PrivateID:           id,
		BaseURL:             "http://127.0.0.1",
		HTTPC:               &http.Client{Transport: &p.sink},
		CompressLogs:        true,
		LowMemory:           true,
		IncludeProcID:       true,
		IncludeProcSequence: true,
		Stderr:              io.Discard,
		FlushDelayFn:        func() time.Duration { return flushDelay },
	}, func(string, ...any) {})
	return p
}

func (p *theirPipeline) hand(flows flowMap) handover {
	h := now()
	m := netlogtype.Message{NodeID: "n123456CNTRL", Start: h.at.Add(-5 * time.Second).UTC(), End: h.at.UTC()}
	for t, c := range flows {
		m.VirtualTraffic = append(m.VirtualTraffic, netlogtype.ConnectionCounts{
			Connection: netlogtype.Connection{Proto: ipproto.Proto(t.Proto), Src: t.Src, Dst: t.Dst},
			Counts: netlogtype.Counts{
				TxPackets: c.TxPackets, TxBytes: c.TxBytes, RxPackets: c.RxPackets, RxBytes: c.RxBytes,
			},
		})
		if len(m.VirtualTraffic) == theirFlowsPerRecord {
			p.write(&m)
		}
	}
	if len(m.VirtualTraffic) > 0 {
		p.write(&m)
	}
	return h
}

func (p *theirPipeline) write(m *netlogtype.Message) {
	record, err := json.Marshal(m)
	check(err)
	_, err = p.logger.Write(record)
	check(err)
	p.written += len(record)
	m.VirtualTraffic = m.VirtualTraffic[:0]
}

// settle waits for more bytes than were written, as the uploader adds some to
// each record.
func (p *theirPipeline) settle() received {
	wait(func() bool { return p.sink.received().plain > p.written })
	return p.sink.received()
}

func (p *theirPipeline) close() { check(p.logger.Shutdown(context.Background())) }
