package tests

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"
	"unsafe"

	"rocksgc"
)

func TestClosed(t *testing.T) {
	gc := newGc(t, "")
	d := attach(t, gc, 1)
	must(t, gc.Close())
	must(t, gc.Close())
	must(t, gc.Detach())
	d.close()
	_, err := gc.Stats()
	equal(t, rocksgc.ErrClosed, err)
	_, err = gc.AdvanceGlobalSafePoint(1)
	equal(t, rocksgc.ErrClosed, err)
	equal(t, rocksgc.ErrClosed, gc.SetClock(nil))
	equal(t, rocksgc.ErrClosed, gc.Bind(""))
}

func TestSafePointsMoveWhileSubcompactionsRun(t *testing.T) {
	gc := newGc(t, "")
	must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1, 2))
	d := attach(t, gc, 16)
	value := make([]byte, 200)
	random := rand.New(rand.NewSource(1))
	for round := uint64(0); round < 4; round++ {
		for i := uint32(0); i < 20_000; i++ {
			random.Read(value)
			must(t, d.put(gc, 1+i%2, []byte(fmt.Sprintf("row%08d", i)), 10+round, value))
		}
		must(t, d.flush())
	}
	stop := make(chan struct{})
	var mover sync.WaitGroup
	mover.Add(1)
	got[bool](t)(gc.AdvanceSafePoint(1, 1000))
	go func() {
		defer mover.Done()
		for ts := uint64(1001); ; ts++ {
			select {
			case <-stop:
				return
			default:
				if _, err := gc.AdvanceSafePoint(1, ts); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	must(t, d.compact())
	stop <- struct{}{}
	mover.Wait()
	if filters := got[rocksgc.Stats](t)(gc.Stats()).RunsStarted; filters < 4 {
		t.Fatalf("%d filters", filters)
	}
	equal(t, 10_000, d.versions(gc, 1))
	equal(t, 40_000, d.versions(gc, 2))
	close(t, gc, d)
}

func TestOneClosesOthersCall(t *testing.T) {
	for round := 0; round < 30; round++ {
		gc := newGc(t, "")
		d := attach(t, gc, 1)
		var callers sync.WaitGroup
		for i := 0; i < 3; i++ {
			callers.Add(1)
			go func() {
				defer callers.Done()
				for ts := uint64(1); ; ts++ {
					_, err := gc.AdvanceGlobalSafePoint(ts)
					if err == nil {
						_, err = gc.Collect("", rocksgc.Range{}, 0)
					}
					if errors.Is(err, rocksgc.ErrClosed) {
						return
					}
				}
			}()
		}
		time.Sleep(5 * time.Millisecond)
		go gc.Close()
		close(t, gc, d)
		callers.Wait()
	}
}

func TestCloseWaitsForCalls(t *testing.T) {
	called, release := make(chan struct{}), make(chan struct{})
	gc := newGc(t, "")
	var once sync.Once
	must(t, rocksgc.SetLogger(func(rocksgc.LogLevel, string) {
		once.Do(func() {
			called <- struct{}{}
			<-release
		})
	}, rocksgc.LogDebug))
	caller, closer := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := gc.AdvanceGlobalSafePoint(0)
		caller <- err
	}()
	<-called
	go func() { closer <- gc.Close() }()
	select {
	case <-closer:
		t.Fatal("closed during a call")
	case <-time.After(200 * time.Millisecond):
	}
	_, err := gc.Stats()
	equal(t, rocksgc.ErrClosed, err)
	release <- struct{}{}
	must(t, <-caller)
	must(t, <-closer)
	must(t, rocksgc.SetLogger(nil, rocksgc.LogOff))
}

// TestCallbackClosesWhileOthersClose: a close that waits for the clock, and a clock that closes.
func TestCallbackClosesWhileOthersClose(t *testing.T) {
	gc := newGc(t, "max_safe_point_ahead_seconds=10")
	called, inClock, outside := make(chan struct{}, 1), make(chan error, 1), make(chan error, 1)
	var once sync.Once
	must(t, gc.SetClock(func() uint64 {
		once.Do(func() {
			called <- struct{}{}
			time.Sleep(200 * time.Millisecond)
			inClock <- gc.Close()
		})
		return 1_000_000
	}))
	go gc.AdvanceGlobalSafePoint(1)
	<-called
	go func() { outside <- gc.Close() }()
	select {
	case err := <-inClock:
		fails(t, err, rocksgc.ErrBusy, "refused")
	case <-time.After(10 * time.Second):
		t.Fatal("the clock and the close wait for each other")
	}
	must(t, <-outside)
}

func TestRoundsInRandomOrder(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Log("seed", seed)
	random := rand.New(rand.NewSource(seed))
	for round := 0; round < 200; round++ {
		gc := newGc(t, "")
		must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1))
		d := attach(t, gc, 1)
		must(t, d.put(gc, 2, row, 10, row))
		two := got[rocksgc.Range](t)(gc.KeyspaceRange(rocksgc.ModeRaw, 2))
		detached := false
		steps := []func() error{
			func() error { detached = true; return gc.Close() },
			func() error { detached = true; return gc.Close() },
			func() error { detached = true; return gc.Detach() },
			func() error { return d.flush() },
			func() error { _, err := gc.DestroyRange(two, 0); return err },
			func() error { return gc.DestroyKeyspaceAfter(3, 9, 0) },
			func() error { _, err := gc.AdvanceSafePoint(1, 100); return err },
		}
		random.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, step := range steps {
			if err := step(); err != nil && !detached {
				t.Fatal(err)
			}
		}
		d.close()
	}
}

// TestPanicAtEveryStep panics at each of the steps of a program, one after the other.
func TestPanicAtEveryStep(t *testing.T) {
	for failing := 0; failing < 6; failing++ {
		step := failing
		reason := func() (reason any) {
			defer func() { reason = recover() }()
			program(t, &step)
			return nil
		}()
		equal(t, "the program panics here", reason)
	}
	step := 6
	program(t, &step)
}

func program(t *testing.T, step *int) {
	gc := newGc(t, "")
	defer gc.Close()
	fail(step)
	o := newOptions(1)
	defer o.close()
	must(t, gc.Bind(""))
	fail(step)
	must(t, gc.Install(pointer(o), rocksgc.KindRaw))
	fail(step)
	d := got[*db](t)(open(o, t.TempDir()))
	defer d.close()
	fail(step)
	must(t, gc.Attach(unsafe.Pointer(d.c), rocksgc.DefaultFamily))
	defer gc.Detach()
	fail(step)
	got[rocksgc.DestroyReport](t)(gc.DestroyKeyspace(1, 0))
	fail(step)
}

func fail(step *int) {
	if *step == 0 {
		panic("the program panics here")
	}
	*step--
}

func TestLostWhileAttached(t *testing.T) {
	freed, d := lose(t, true)
	for i := 0; i < 10; i++ {
		runtime.GC()
		time.Sleep(20 * time.Millisecond)
	}
	select {
	case <-freed:
		t.Fatal("the Gc of an open DB was destroyed")
	default:
	}
	// The Gc can no longer detach, so the DB stays open.
	runtime.KeepAlive(d)
}

func TestLostAloneIsDestroyed(t *testing.T) {
	freed, _ := lose(t, false)
	for i := 0; i < 100; i++ {
		runtime.GC()
		select {
		case <-freed:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatal("the clock of a lost Gc was not freed")
}

// lose makes a Gc that nothing refers to. The channel tells when its clock is freed.
func lose(t *testing.T, attached bool) (freed chan struct{}, d *db) {
	freed = make(chan struct{}, 1)
	now := new([1 << 10]uint64)
	runtime.SetFinalizer(now, func(*[1 << 10]uint64) { freed <- struct{}{} })
	gc := newGc(t, "")
	must(t, gc.SetClock(func() uint64 { return now[0] }))
	if attached {
		d = attach(t, gc, 1)
	}
	return freed, d
}

func TestMemoryIsFlatOverCalls(t *testing.T) {
	flat(t, 1000, func() {
		gc := newGc(t, "schema_id=prefix")
		must(t, gc.SetClock(func() uint64 { return 1_000_000 }))
		must(t, rocksgc.SetLogger(func(rocksgc.LogLevel, string) {}, rocksgc.LogDebug))
		must(t, gc.Register(rocksgc.GCKeyspaceLevel, 1))
		for i := uint64(0); i < 100; i++ {
			key := got[[]byte](t)(gc.EncodeKey(rocksgc.ModeRaw, 1, row, i))
			got[rocksgc.StoredKey](t)(gc.DecodeKey(key))
			got[rocksgc.Range](t)(gc.KeyspaceRange(rocksgc.ModeRaw, 1))
			_, err := gc.AdvanceSafePoint(1, 0)
			fails(t, err, rocksgc.ErrInvalidArgument, "")
		}
		got[string](t)(gc.Metrics())
		got[[]rocksgc.KeyspaceInfo](t)(gc.Keyspaces())
		must(t, gc.Close())
		must(t, rocksgc.SetLogger(nil, rocksgc.LogOff))
	})
}

func TestMemoryIsFlatOverAttaches(t *testing.T) {
	o := newOptions(1)
	defer o.close()
	d := got[*db](t)(open(o, t.TempDir()))
	defer d.close()
	flat(t, 1000, func() {
		gc := newGc(t, "")
		must(t, gc.Bind(""))
		unused := newOptions(1)
		defer unused.close()
		must(t, gc.Install(pointer(unused), rocksgc.KindRaw))
		must(t, gc.Attach(unsafe.Pointer(d.c), rocksgc.DefaultFamily))
		must(t, gc.Close())
	})
}

// flat looks for a window without growth: Go's runtime grows by itself at times, also after many
// rounds, and a leak grows in each window.
func flat(t *testing.T, rounds int, round func()) {
	const limit = 2 << 10
	grown := limit
	for window := 0; window < 6 && grown >= limit; window++ {
		before := residentKilobytes(t)
		for i := 0; i < rounds; i++ {
			round()
		}
		grown = residentKilobytes(t) - before
		t.Logf("%d kB more after %d rounds", grown, rounds)
	}
	if grown >= limit {
		t.Fatal("grown in each window")
	}
}

func residentKilobytes(t *testing.T) (kilobytes int) {
	debug.FreeOSMemory()
	status := got[[]byte](t)(os.ReadFile("/proc/self/status"))
	line := status[bytes.Index(status, []byte("VmRSS:")):]
	_, err := fmt.Sscanf(string(line), "VmRSS: %d kB", &kilobytes)
	must(t, err)
	return kilobytes
}

// TestOtherABI runs this test binary with a library in front that has another ABI.
func TestOtherABI(t *testing.T) {
	stub := os.Getenv("OTHER_ABI")
	if os.Getenv("LD_PRELOAD") == "" {
		command := exec.Command(os.Args[0], "-test.run=^TestOtherABI$")
		command.Env = append(os.Environ(), "LD_PRELOAD="+stub)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		return
	}
	_, err := rocksgc.New(nil)
	fails(t, err, rocksgc.ErrNotSupported, "99")
	_, err = rocksgc.Codec{}.EncodeKey(nil)
	fails(t, err, rocksgc.ErrNotSupported, "99")
	fails(t, rocksgc.SetLogger(nil, rocksgc.LogOff), rocksgc.ErrNotSupported, "99")
}

// TestTwoRocksDBs runs this test binary again, and loads a second RocksDB there.
func TestTwoRocksDBs(t *testing.T) {
	second := os.Getenv("SECOND_ROCKSDB")
	if os.Getenv("LOAD_SECOND") == "" {
		command := exec.Command(os.Args[0], "-test.run=^TestTwoRocksDBs$")
		command.Env = append(os.Environ(), "LOAD_SECOND=1")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		return
	}
	first := string(rocksDBPath.Find(got[[]byte](t)(os.ReadFile("/proc/self/maps"))))
	must(t, load(second))
	gc := newGc(t, "")
	defer gc.Close()
	fails(t, gc.Bind(""), rocksgc.ErrNotSupported, second)
	fails(t, gc.Bind(""), rocksgc.ErrNotSupported, "/librocksdb.so")
	must(t, gc.Bind(first))
	fails(t, gc.Bind(second), rocksgc.ErrInvalidArgument, "another RocksDB")
	must(t, gc.Bind(first))
}

func BenchmarkSafePoint(b *testing.B) {
	gc := newGc(b, "")
	defer gc.Close()
	must(b, gc.Register(rocksgc.GCKeyspaceLevel, 1))
	for i := 0; i < b.N; i++ {
		got[bool](b)(gc.AdvanceSafePoint(1, uint64(i+1)))
	}
}
