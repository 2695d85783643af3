package tunstats_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	qt "github.com/frankban/quicktest"
	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/internal/racetest"
	"github.com/go-netlog/netlog/tunstats"
)

// notified is a Meter that counts the calls of wake.
type notified struct {
	tunstats.Meter
	calls atomic.Int64
}

func (n *notified) wake() { n.calls.Add(1) }

// took returns the number of calls since the last took.
func (n *notified) took() int { return int(n.calls.Swap(0)) }

func TestNotifyActivityAfterEmptyExtraction(t *testing.T) {
	c := qt.New(t)
	var m notified
	send := func() { m.UpdateTx(tcp(a4, b4, 1000, 2000)) }
	m.SetStatisticsEnabled(true)
	m.NotifyActivity(m.wake)
	c.Check(m.took(), qt.Equals, 0)
	send()
	c.Check(m.took(), qt.Equals, 1)
	send()
	m.UpdateTx(tcp(a4, b4, 1000, 3000)) // the first packet of another flow
	c.Check(m.took(), qt.Equals, 0)
	c.Check(m.ExtractStatistics(), qt.HasLen, 2)
	send()
	c.Check(m.took(), qt.Equals, 0, qt.Commentf("the last extraction returned something"))
	for range 2 {
		c.Check(m.ExtractStatistics(), qt.HasLen, 1)
		c.Check(m.ExtractStatistics(), qt.IsNil)
		c.Check(m.ExtractStatistics(), qt.IsNil)
		send()
		send()
		c.Check(m.took(), qt.Equals, 1)
	}
}

func TestNotifyActivityCountedBefore(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pkt    []byte
		counts bool
	}{
		{"nothing", nil, false},
		{"a packet", tcp(a4, b4, 1000, 2000), true},
		{"an undecodable packet", []byte{0}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := qt.New(t)
			var m notified
			m.SetStatisticsEnabled(true)
			c.Check(m.ExtractStatistics(), qt.IsNil)
			m.UpdateRx(tt.pkt)
			m.NotifyActivity(m.wake)
			c.Check(m.took() == 1, qt.Equals, tt.counts)
			m.UpdateRx(tcp(a4, b4, 1, 2))
			c.Check(m.took() == 0, qt.Equals, tt.counts)
			m.UpdateRx(tcp(a4, b4, 3, 4))
			c.Check(m.took(), qt.Equals, 0)
		})
	}
}

func TestNotifyActivityByAllUpdates(t *testing.T) {
	pkt, flow := tcp(a4, b4, 1000, 2000), tcp(a6, b6, 1000, 2000)
	for name, update := range map[string]func(m *tunstats.Meter){
		"UpdateTx":      func(m *tunstats.Meter) { m.UpdateTx(pkt) },
		"UpdateRx":      func(m *tunstats.Meter) { m.UpdateRx(pkt) },
		"UpdateTxN":     func(m *tunstats.Meter) { m.UpdateTxN(pkt, 2, 80) },
		"UpdateRxN":     func(m *tunstats.Meter) { m.UpdateRxN(pkt, 2, 80) },
		"UpdateTxBatch": func(m *tunstats.Meter) { m.UpdateTxBatch([][]byte{nil, pkt, pkt, flow}, []int{0, 40, 40, 60}, 0) },
		"UpdateRxBatch": func(m *tunstats.Meter) { m.UpdateRxBatch([][]byte{nil, pkt, pkt, flow}, 0) },
		"undecodable":   func(m *tunstats.Meter) { m.UpdateTx([]byte{0}) },
	} {
		t.Run(name, func(t *testing.T) {
			c := qt.New(t)
			var m notified
			m.SetStatisticsEnabled(true)
			m.UpdateTx(pkt)
			m.NotifyActivity(m.wake)
			m.took()
			for range 3 {
				c.Check(m.ExtractStatistics(), qt.Not(qt.IsNil))
				c.Check(m.ExtractStatistics(), qt.IsNil)
				update(&m.Meter)
				update(&m.Meter)
				c.Check(m.took(), qt.Equals, 1)
			}
		})
	}
}

func TestNotifyActivityOff(t *testing.T) {
	c := qt.New(t)
	var m notified
	m.NotifyActivity(m.wake) // before the Meter is first enabled
	m.UpdateTx(tcp(a4, b4, 1, 2))
	m.SetStatisticsEnabled(true)
	m.SetStatisticsEnabled(false)
	m.UpdateTx(tcp(a4, b4, 1, 2))
	c.Check(m.ExtractStatistics(), qt.IsNil)
	m.UpdateTx(tcp(a4, b4, 1, 2))
	c.Check(m.took(), qt.Equals, 0)
	m.SetStatisticsEnabled(true)
	c.Check(m.took(), qt.Equals, 0)
	m.UpdateTx(tcp(a4, b4, 1, 2))
	c.Check(m.took(), qt.Equals, 1)
}

func TestNotifyActivityReplaced(t *testing.T) {
	c := qt.New(t)
	var m notified
	m.SetStatisticsEnabled(true)
	m.NotifyActivity(func() { t.Error("the function was replaced") })
	m.NotifyActivity(m.wake)
	m.UpdateTx(tcp(a4, b4, 1, 2))
	c.Check(m.took(), qt.Equals, 1)
	m.ExtractStatistics()
	m.ExtractStatistics()
	m.NotifyActivity(nil)
	m.UpdateTx(tcp(a4, b4, 1, 2))
	m.ExtractStatistics()
	m.ExtractStatistics()
	m.UpdateTx(tcp(a4, b4, 1, 2))
	m.NotifyActivity(nil)
	c.Check(m.took(), qt.Equals, 0)
	c.Check(m.ExtractStatistics(), qt.HasLen, 1)
}

// TestNotifyActivityHoldsNoLock calls all methods from wake, in the middle of a batch.
func TestNotifyActivityHoldsNoLock(t *testing.T) {
	c := qt.New(t)
	var m tunstats.Meter
	got := make(flowCounts)
	calls := 0
	var wake func()
	wake = func() {
		if calls++; calls > 2 {
			return
		}
		merge(got, m.ExtractStatistics())
		c.Check(m.ExtractStatistics(), qt.IsNil)
		m.Stats()
		m.SetStatisticsEnabled(false)
		m.SetStatisticsEnabled(true)
		m.NotifyActivity(wake)
		updateAllWays(&m) // calls wake again
	}
	m.SetStatisticsEnabled(true)
	m.NotifyActivity(wake)
	pkts := [][]byte{tcp(a4, b4, 1, 1), tcp(a4, b4, 2, 2), tcp(a4, b4, 1, 1), tcp(a4, b4, 2, 2)}
	m.UpdateTxBatch(pkts, []int{40, 40, 40, 40}, 0)
	merge(got, m.ExtractStatistics())
	c.Check(calls, qt.Equals, 3)
	c.Check(got, qt.DeepEquals, flowCounts{
		flow4(flowtrack.TCP, 1, 1):       {TxPackets: 2, TxBytes: 80},
		flow4(flowtrack.TCP, 2, 2):       {TxPackets: 2, TxBytes: 80},
		flow4(flowtrack.TCP, 1000, 2000): {TxPackets: 6, TxBytes: 240, RxPackets: 6, RxBytes: 240},
	})
}

// TestNotifyActivityConcurrent extracts like a Logger that sleeps while the tunnel is idle. Each
// sender waits until its packet is extracted, so a lost wake is a deadlock.
func TestNotifyActivityConcurrent(t *testing.T) {
	const senders, rounds = 4, 5000
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var m notified
		awake := make(chan struct{}, 1)
		m.SetStatisticsEnabled(true)
		m.NotifyActivity(func() {
			m.wake()
			select {
			case awake <- struct{}{}:
			default:
			}
		})
		extracted := make([]chan struct{}, senders)
		for i := range extracted {
			extracted[i] = make(chan struct{})
			go func() {
				for range rounds {
					if i%2 == 0 {
						m.UpdateTx(tcp(a4, b4, uint16(i), 443))
					} else {
						m.UpdateRx(tcp(b4, a4, 443, uint16(i)))
					}
					<-extracted[i]
				}
			}()
		}
		armed := 1 // by NotifyActivity, then by extractions that returned nothing
		for left := senders * rounds; left > 0; {
			flows := m.ExtractStatistics()
			if flows == nil {
				armed++
				<-awake
			}
			for flow := range flows {
				extracted[flow.Src.Port()] <- struct{}{}
				left--
			}
		}
		synctest.Wait()
		calls := m.took()
		c.Check(calls <= armed, qt.IsTrue, qt.Commentf("%d calls, armed %d times", calls, armed))
		t.Logf("%d calls for %d packets", calls, senders*rounds)
	})
}

// TestNotifyActivityOncePerWindow counts the first packets of an idle window in both directions at
// once.
func TestNotifyActivityOncePerWindow(t *testing.T) {
	rounds := int32(20_000)
	if racetest.Enabled || testing.Short() {
		rounds = 4000
	}
	var m notified
	m.SetStatisticsEnabled(true)
	m.NotifyActivity(m.wake)
	var round, ready atomic.Int32
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, update := range []func(){
		func() { m.UpdateTx(tcp(a4, b4, 1, 2)) },
		func() { m.UpdateRx(tcp(b4, a4, 2, 1)) },
	} {
		wg.Go(func() {
			for n := range rounds {
				for round.Load() <= n { // spins, since a channel would wake one sender after the other
					runtime.Gosched()
				}
				update()
				ready.Add(1)
			}
		})
	}
	twice := 0
	for n := range rounds {
		round.Store(n + 1)
		for ready.Load() < 2*(n+1) {
			runtime.Gosched()
		}
		if m.took() != 1 {
			twice++
		}
		m.ExtractStatistics()
		m.ExtractStatistics()
	}
	qt.Check(t, twice, qt.Equals, 0)
}
